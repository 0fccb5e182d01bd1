// A shuffle whose memory does not grow with the rows, keyed by (seed, epoch). Up to kStored rows it is Fisher and
// Yates' shuffle; beyond, a bijection of 0 .. n-1: six Feistel rounds on the smallest power of two that holds n, walked
// along their cycle until the value falls below n (Black & Rogaway 2002, "Ciphers with arbitrary finite domains").
#pragma once

#include <cstdint>

namespace chainrule {

class Permutation {
 public:
  Permutation(std::int64_t n, std::uint64_t seed, std::uint64_t epoch) : n_(static_cast<std::uint64_t>(n)) {
    std::uint64_t state = mix(mix(seed + kGamma) + (epoch + 1) * kGamma);
    const auto next = [&state] { return mix(state += kGamma); };
    if (n_ <= kStored) {
      for (std::uint64_t i = 0; i < n_; ++i) {  // inside out: place i takes the value of a random place up to i
        const auto j = static_cast<std::uint64_t>((static_cast<unsigned __int128>(next()) * (i + 1)) >> 64);
        stored_[i] = stored_[j];
        stored_[j] = static_cast<std::uint16_t>(i);
      }
      return;
    }
    int bits = 1;
    while ((std::uint64_t{1} << bits) < n_) ++bits;
    low_bits_ = bits / 2;
    high_bits_ = bits - low_bits_;
    for (auto& key : keys_) key = next();
  }

  std::int64_t operator()(std::int64_t i) const {
    if (n_ <= kStored) return stored_[i];
    auto x = static_cast<std::uint64_t>(i);
    do x = encrypt(x);
    while (x >= n_);
    return static_cast<std::int64_t>(x);
  }

 private:
  static constexpr std::uint64_t kStored = 4096;
  static constexpr std::uint64_t kGamma = 0x9e3779b97f4a7c15u;

  // The generator and finalizer of splitmix64 (Steele, Lea & Flood 2014).
  static std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  // One multiplication scatters enough: six rounds pass the tests' chi-squared, four do not.
  static std::uint64_t round(std::uint64_t z) { return (z * 0xd6e8feb86659fd93u) >> 32; }

  std::uint64_t encrypt(std::uint64_t x) const {
    int a = high_bits_, b = low_bits_;  // the value is (high: a bits, low: b bits); sides change places each round
    for (const auto key : keys_) {
      const std::uint64_t high = x >> b, low = x & ((std::uint64_t{1} << b) - 1);
      const std::uint64_t mixed = (high ^ round(low ^ key)) & ((std::uint64_t{1} << a) - 1);
      x = low << a | mixed;
      const int t = a;
      a = b;
      b = t;
    }
    return x;
  }

  std::uint64_t n_;
  int low_bits_ = 0, high_bits_ = 0;
  std::uint64_t keys_[6] = {};
  std::uint16_t stored_[kStored];
};

}  // namespace chainrule
