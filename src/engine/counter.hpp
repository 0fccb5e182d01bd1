// Random numbers that are a function of where they are used: dropout (E10) has the same mask for any number of threads,
// and for a training that was interrupted and resumed. In an anonymous namespace, as it is compiled for every
// instruction set.
//
// A unit's number is a hash of 64 bits of (seed, step, layer, row of the batch) and of its place in the layer, with the
// constants of D. Steele, G. Lea and C. Flood, Fast splittable pseudorandom number generators (OOPSLA 2014), as changed by
// D. Stafford (mix 13), and of C. Wellons' 32-bit "triple32" family (two rounds; hash-prospector, 2018).
#pragma once

#include <cstdint>

namespace {

struct RowKey {
  std::uint32_t low, high;
};

inline std::uint64_t mix(std::uint64_t x) {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

inline std::uint64_t step_key(std::uint64_t seed, std::int64_t step) {
  return mix(mix(seed + 0x9e3779b97f4a7c15u) + static_cast<std::uint64_t>(step) * 0x9e3779b97f4a7c15u);
}

inline std::uint64_t layer_key(std::uint64_t step_key, int layer) {
  return mix(step_key + static_cast<std::uint64_t>(layer + 1) * 0x9e3779b97f4a7c15u);
}

// Of a step in a block of its rows, where a batch is made of blocks (row_blocks.hpp): rows are counted in their block.
inline std::uint64_t block_key(std::uint64_t step_key, int block) {
  return mix(step_key ^ static_cast<std::uint64_t>(block + 1) * 0xd6e8feb86659fd93u);
}

inline RowKey row_key(std::uint64_t layer_key, std::int64_t row) {
  const std::uint64_t key = mix(layer_key + static_cast<std::uint64_t>(row + 1) * 0x9e3779b97f4a7c15u);
  return {static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)};
}

// Of one unit or of a vector of units: uniform in 0 .. 2^32 - 1.
template <class U>
inline __attribute__((always_inline)) U unit_bits(RowKey key, U unit) {
  U x = unit * 0x9e3779b9u ^ key.low;
  x = (x ^ x >> 16) * 0x21f0aaadu;
  x = ((x ^ x >> 15) + key.high) * 0x735a2d97u;
  return x ^ x >> 15;
}

// A unit is dropped where half its bits, 0 .. 2^31 - 1, are below this.
inline std::int32_t drop_below(double rate) { return static_cast<std::int32_t>(rate * 2147483648.0); }

}  // namespace
