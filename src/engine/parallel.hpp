// Threads: OpenMP's, because joblib, threadpoolctl and OMP_NUM_THREADS already govern them; std::thread in builds for
// the thread sanitizer, which cannot see into OpenMP's runtime.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include <unistd.h>

#ifndef CHAINRULE_STD_THREADS
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

// Whether this process was forked from the one that loaded the engine. GNU's OpenMP would wait there, for ever, for
// threads that the fork did not copy, once the other process has used any.
inline const pid_t loaded_in = getpid();
inline bool forked() { return getpid() != loaded_in; }

// Threads worth starting for so much work: `wanted` (OpenMP's setting where <= 0), fewer where each would get less
// than `least` units of work, one in a forked process.
inline int threads_for(int wanted, double work, double least) {
  const int most = wanted > 0 ? wanted : max_threads();
  const double useful = work / least;
  if (useful < 2 || most < 2 || forked()) return 1;
  return useful < most ? static_cast<int>(useful) : most;
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

// All threads wait for the last: spinning first, because phases take microseconds, then asleep, so that a thread that
// another process has pushed aside finds this one's core free.
class Barrier {
 public:
  void wait(int n_threads) {
    if (n_threads == 1) return;
    const std::uint32_t phase = phase_.load(std::memory_order_relaxed);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) == n_threads - 1) {
      arrived_.store(0, std::memory_order_relaxed);
      phase_.store(phase + 1, std::memory_order_release);
      phase_.notify_all();
      return;
    }
    for (int turn = 0; turn < 500; ++turn) {
      if (phase_.load(std::memory_order_acquire) != phase) return;
      pause();
    }
    phase_.wait(phase, std::memory_order_acquire);
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

// The chunks of a phase, as many for each thread. A thread takes its own in order, so that its caches hold from step
// to step what it works on, and then what others have not begun: nobody waits for a thread that was interrupted.
class Chunks {
 public:
  explicit Chunks(int most_threads) : next_(static_cast<std::size_t>(most_threads)) {}

  template <class Run>
  void take(int thread, int n_threads, std::int64_t each, Run run) {
    if (n_threads == 1) {
      for (std::int64_t c = 0; c < each; ++c) run(c);
      return;
    }
    for (int o = 0; o < n_threads; ++o) {
      const int owner = (thread + o) % n_threads;
      auto& next = next_[static_cast<std::size_t>(owner)].chunk;
      for (std::int64_t c; (c = next.fetch_add(1, std::memory_order_relaxed)) < each;) run(owner * each + c);
    }
  }

  void reset() {  // by one thread, between two barriers within which nobody takes
    for (auto& next : next_) next.chunk.store(0, std::memory_order_relaxed);
  }

 private:
  struct alignas(64) Next {
    std::atomic<std::int64_t> chunk{0};
  };
  std::vector<Next> next_;
};

// Thread's share of n things: [share(n, t, T), share(n, t + 1, T)).
inline std::int64_t share(std::int64_t n, std::int64_t thread, std::int64_t n_threads) {
  return n_threads == 1 ? n * thread : n * thread / n_threads;  // a division takes as long as a small layer
}

}  // namespace chainrule
