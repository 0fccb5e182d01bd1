#include "buffer.hpp"

#include <iterator>
#include <mutex>
#include <new>
#include <vector>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace chainrule {

namespace {

constexpr std::size_t kLine = 64, kHuge = 2 << 20, kLeastSpare = 64 << 10;

// Large blocks are mapped, not allocated, so that the system has them back: malloc would keep some for itself.
void* from_system(std::size_t bytes) {
#ifdef __linux__
  if (bytes % kHuge == 0) {
    void* const mapped = mmap(nullptr, bytes + kHuge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) throw std::bad_alloc();
    const std::size_t before = (kHuge - reinterpret_cast<std::uintptr_t>(mapped) % kHuge) % kHuge;
    char* const block = static_cast<char*>(mapped) + before;
    if (before > 0) munmap(mapped, before);
    munmap(block + bytes, kHuge - before);
    madvise(block, bytes, MADV_HUGEPAGE);
    return block;
  }
#endif
  void* const block = std::aligned_alloc(bytes % kHuge == 0 ? kHuge : kLine, bytes);
  if (!block) throw std::bad_alloc();
  return block;
}

void to_system(void* block, std::size_t bytes) {
#ifdef __linux__
  if (bytes % kHuge == 0) return void(munmap(block, bytes));
#endif
  std::free(block);
}

// Blocks that were given back, the oldest first.
class Spares {
 public:
  void* take(std::size_t bytes) {
    const std::unique_lock alone(busy_, std::try_to_lock);
    if (!alone) return nullptr;  // at work, or stopped in the middle of it by a fork
    for (auto at = blocks_.rbegin(); at != blocks_.rend(); ++at)
      if (at->bytes == bytes) {
        void* const block = at->block;
        blocks_.erase(std::next(at).base());
        total_ -= bytes;
        return block;
      }
    return nullptr;
  }
  bool give(void* block, std::size_t bytes) {
    const std::unique_lock alone(busy_, std::try_to_lock);
    if (!alone || bytes > kMostSpare) return false;
    std::size_t n_oldest = 0;
    for (; total_ + bytes > kMostSpare; ++n_oldest) {
      to_system(blocks_[n_oldest].block, blocks_[n_oldest].bytes);
      total_ -= blocks_[n_oldest].bytes;
    }
    blocks_.erase(blocks_.begin(), blocks_.begin() + static_cast<std::ptrdiff_t>(n_oldest));
    blocks_.push_back({block, bytes});
    total_ += bytes;
    return true;
  }

 private:
  struct Spare {
    void* block;
    std::size_t bytes;
  };
  std::mutex busy_;
  std::vector<Spare> blocks_;
  std::size_t total_ = 0;
};

Spares& spares() {
  static Spares& all = *new Spares;  // for as long as any buffer may live
  return all;
}

}  // namespace

std::size_t block_bytes(std::size_t needed) {
  needed += kBeyond;
  const std::size_t unit = needed < kHuge / 2 ? kLine : kHuge;
  return (needed + unit - 1) / unit * unit;
}

void* take_block(std::size_t bytes) {
  if (bytes >= kLeastSpare)
    if (void* const spare = spares().take(bytes)) return spare;
  return from_system(bytes);
}

void give_block(void* block, std::size_t bytes) {
  if (bytes < kLeastSpare || !spares().give(block, bytes)) to_system(block, bytes);
}

}  // namespace chainrule
