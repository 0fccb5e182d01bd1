// Memory for numbers, on cache lines.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace chainrule {

inline std::int64_t round_up(std::int64_t n, std::int64_t unit) { return (n + unit - 1) / unit * unit; }

// Memory on cache lines, large blocks on huge pages where the system gives them. What the system gives is made of pages
// that it zeroes at their first use, which may take longer than a call: so blocks of 64 KiB and more that are given back
// stay with the process for the next that asks for as much, at most kMostSpare bytes in all, the oldest go first.
#ifdef __SANITIZE_ADDRESS__
constexpr std::size_t kMostSpare = 0;  // memory that is used again tells nothing
#else
constexpr std::size_t kMostSpare = std::size_t{256} << 20;
#endif
void* take_block(std::size_t bytes);  // throws std::bad_alloc; `bytes` from block_bytes
void give_block(void* block, std::size_t bytes);
std::size_t block_bytes(std::size_t needed);
constexpr std::size_t kBeyond = 64;  // bytes beyond what is needed, zero, because products read whole vectors

template <class T>
class Buffer {  // zeroed, but for what the caller is going to write
 public:
  Buffer() = default;
  explicit Buffer(std::int64_t n, bool zeroed = true) : bytes_(block_bytes(static_cast<std::size_t>(n) * sizeof(T))) {
    data_ = static_cast<T*>(take_block(bytes_));
    const std::size_t kept = zeroed ? 0 : static_cast<std::size_t>(n) * sizeof(T);
    std::memset(reinterpret_cast<char*>(data_) + kept, 0, zeroed ? bytes_ : kBeyond);
  }
  Buffer(Buffer&& other) noexcept : data_(std::exchange(other.data_, nullptr)), bytes_(other.bytes_) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Buffer() {
    if (data_) give_block(data_, bytes_);
  }
  T* get() const { return data_; }

 private:
  T* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace chainrule
