// Threads: OpenMP's, because joblib, threadpoolctl and OMP_NUM_THREADS already govern them; std::thread in builds for
// the thread sanitizer, which cannot see into OpenMP's runtime.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

#ifdef CHAINRULE_STD_THREADS
#include <vector>
#else
#include <omp.h>
#endif

namespace chainrule {

inline int max_threads() {
#ifdef CHAINRULE_STD_THREADS
  const unsigned n = std::thread::hardware_concurrency();
  return n > 0 ? static_cast<int>(n) : 1;
#else
  return omp_get_max_threads();
#endif
}

// Threads worth starting for so much work: `wanted` (OpenMP's setting where <= 0), fewer where each would get less
// than `least` units of work.
inline int threads_for(int wanted, double work, double least) {
  const int most = wanted > 0 ? wanted : max_threads();
  const double useful = work / least;
  return useful < 1 ? 1 : useful < most ? static_cast<int>(useful) : most;
}

// Calls body(thread, n_threads) on each of at most n_threads threads, and returns when all have.
template <class Body>
void in_parallel(int n_threads, Body body) {
  if (n_threads <= 1) {
    body(0, 1);
    return;
  }
#ifdef CHAINRULE_STD_THREADS
  std::vector<std::thread> others;
  for (int t = 1; t < n_threads; ++t) others.emplace_back([&body, t, n_threads] { body(t, n_threads); });
  body(0, n_threads);
  for (auto& other : others) other.join();
#else
#pragma omp parallel num_threads(n_threads)
  body(omp_get_thread_num(), omp_get_num_threads());
#endif
}

// All threads wait for the last: spinning first, because phases take microseconds, then giving way to others.
class Barrier {
 public:
  void wait(int n_threads) {
    if (n_threads == 1) return;
    const std::uint32_t phase = phase_.load(std::memory_order_relaxed);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) == n_threads - 1) {
      arrived_.store(0, std::memory_order_relaxed);
      phase_.store(phase + 1, std::memory_order_release);
      return;
    }
    for (int turn = 0; phase_.load(std::memory_order_acquire) == phase; ++turn) {
      if (turn < 500)
        pause();
      else
        std::this_thread::yield();
    }
  }

 private:
  static void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<std::uint32_t> phase_{0};
};

// Thread's share of n things: [share(n, t, T), share(n, t + 1, T)).
inline std::int64_t share(std::int64_t n, int thread, int n_threads) { return n * thread / n_threads; }

}  // namespace chainrule
