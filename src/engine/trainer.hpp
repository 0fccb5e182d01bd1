// Training: epochs of two-phase steps inside native code; and the gradient alone.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "data.hpp"
#include "row_blocks.hpp"
#include "settings.hpp"
#include "shape.hpp"
#include "team.hpp"

namespace chainrule {

// In which order an epoch takes the rows: as `rows` says, by the keyed permutation, or as they lie.
struct Order {
  const std::int64_t* rows = nullptr;
  bool shuffle = false;
  std::uint64_t seed = 0, first_epoch = 0;

  // Steps of blocks of rows: step i takes bounds[i * row_blocks + b] .. bounds[i * row_blocks + b + 1] of `rows` as block b.
  const std::int64_t* bounds = nullptr;
  std::int64_t n_steps = 0, most_rows = 0;  // of a step
};

template <class T>
class Stepper;  // workspace and the two phases of a step: stepper.hpp

// The gradient of a whole data set. Keeps its workspace for the next call.
template <class T>
class Differentiator {
 public:
  Differentiator();
  ~Differentiator();

  // Gradient of the weighted mean loss plus penalty, laid out as the parameters; returns that loss. The shape and the
  // kernels must be those of the calls before.
  double gradients(const Shape& shape, const Kernels<T>& kernels, const T* parameters, const Data<T>& data, T* gradient,
                   double l2, bool l2_over_rows, int n_threads);

 private:
  std::unique_ptr<Stepper<T>> stepper_;
};

// What settings are multiplied with in each step: the learning rate; or it, the dropout rates and the decoupled decay, three
// numbers for each step. Null: 1.
struct StepFactors {
  const double* of_steps = nullptr;
  int n_each = 1;
  double rate(std::int64_t step) const { return of_steps ? of_steps[step * n_each] : 1; }
  double dropout(std::int64_t step) const { return n_each > 1 ? of_steps[step * n_each + 1] : 1; }
  double decay(std::int64_t step) const { return n_each > 1 ? of_steps[step * n_each + 2] : 1; }
};

template <class T>
class Trainer {
 public:
  Trainer(std::shared_ptr<const Shape> shape, const Kernels<T>& kernels, const Settings& settings);
  ~Trainer();

  // n_epochs passes over the rows; losses[e] is the mean over the rows of each batch's loss before its update.
  // Every tenth of a second or so `interrupted` is asked whether to stop; true: stopped after a whole step, whose
  // parameters stand. With order.bounds it is one pass over those steps, n_epochs is 1, and losses[i] is that of step i;
  // blocks that `exchange` does not name have no rows here. What it throws is thrown after a whole step, too.
  bool epochs(T* parameters, const Data<T>& data, std::int64_t n_epochs, const Order& order, double* losses,
              const std::function<bool()>& interrupted, StepFactors factors = {}, Exchange<T>* exchange = nullptr);

  // The optimizer's memory, laid out as the parameters; beside it, n_steps and last_loss.
  int n_moments() const { return chainrule::n_moments(settings); }
  void get_moment(int which, T* flat) const;
  void set_moment(int which, const T* flat);

  const Shape& shape() const { return *shape_; }
  int n_threads() const { return n_threads_; }

  Settings settings;
  std::int64_t n_steps = 0;
  double last_loss = 0;  // of the last step's batch, penalty included, before its update

 private:
  void make_room(const Data<T>& data, std::int64_t rows);
  // The most rows of a step.
  std::int64_t rows_of_steps(const Data<T>& data, const Order& order) const {
    return order.bounds ? order.most_rows : std::min(settings.batch_size, data.n_samples);
  }
  bool some_epochs(int threads, const Data<T>& data, std::int64_t first_epoch, std::int64_t n_epochs,
                   const Order& order, double* losses, const std::function<void()>& look, std::atomic<bool>& stop,
                   const StepFactors& factors, Exchange<T>* exchange);

  std::shared_ptr<const Shape> shape_;
  const Kernels<T>& kernels_;
  int n_threads_ = 1;  // the most for the last epochs
  Team team_;
  std::vector<std::vector<T>> moments_;  // as set, until there is a workspace that holds them; else empty
  std::unique_ptr<Stepper<T>> stepper_;
};

}  // namespace chainrule
