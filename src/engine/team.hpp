// How many threads take the steps of a training: measured while it runs, because what threads exchange costs little
// where they share a cache and much where they do not. Bits do not depend on it.
#pragma once

#include <algorithm>
#include <cstdint>

namespace chainrule {

// Hill climbing over the most threads that may be used, half of them, a quarter, ...: from time to time a neighbor of
// the best number so far takes some epochs, and is kept if it is faster.
class Team {
 public:
  Team() = default;

  // Threads for the next epochs, at most `most`; a step has `work` multiply-adds.
  int threads(int most, double work) {
    if (most != most_) *this = Team(most);
    measured_ = most > 1 && work / most < kMuchWork;
    return !measured_ ? most : trying_ ? trying_ : best_;
  }

  // Epochs, at most `left`, until the next question: enough of them that their time can be told.
  std::int64_t epochs(std::int64_t left) const {
    if (!measured_) return left;
    const double wanted = epoch_seconds_ > 0 ? kSeconds / epoch_seconds_ : 1;
    return std::clamp<std::int64_t>(static_cast<std::int64_t>(wanted), 1, left);
  }

  // What they took.
  void took(double seconds, std::int64_t epochs, std::int64_t steps) {
    if (!measured_ || steps == 0) return;
    epoch_seconds_ = seconds / static_cast<double>(epochs);
    const double step = seconds / static_cast<double>(steps);
    if (!trying_) {
      step_seconds_ = step;
      if (++waited_ >= wait_) trying_ = neighbor();
      return;
    }
    if (step < kFaster * step_seconds_) {
      best_ = trying_;
      step_seconds_ = step;
      wait_ = kShortest;
    } else {
      down_ = !down_;
      wait_ = std::min(2 * wait_, kLongest);
    }
    trying_ = waited_ = 0;
  }

 private:
  static constexpr double kMuchWork = 4e7;            // of a thread: most of a millisecond, and exchanges are nothing
  static constexpr double kSeconds = 2e-3;            // of epochs between two questions
  static constexpr double kFaster = 0.9;              // a smaller gain may be noise
  static constexpr int kShortest = 2, kLongest = 64;  // questions between two trials

  explicit Team(int most) : most_(most), best_(most) {}

  int neighbor() {
    if (best_ == 1) down_ = false;
    if (best_ == most_) down_ = true;
    return down_ ? (best_ + 1) / 2 : std::min(most_, 2 * best_);
  }

  int most_ = 1, best_ = 1, trying_ = 0;
  bool measured_ = false, down_ = true;
  int wait_ = kShortest, waited_ = 0;
  double epoch_seconds_ = 0, step_seconds_ = 0;
};

}  // namespace chainrule
