// Training: epochs of two-phase steps inside native code; and the gradient alone.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "network.hpp"

namespace chainrule {

struct Settings {
  Optimizer optimizer = Optimizer::sgd;
  std::int64_t batch_size = 1;
  double learning_rate = 0.1;
  double momentum = 0, beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-8;
  bool nesterov = false;
  double l2 = 0;
  bool l2_over_rows = false;  // the penalty is divided by the batch's sum of sample weights
  bool bf16 = false;          // products of bfloat16 pairs
  int n_threads = 0;
};

// In which order an epoch takes the rows: as `rows` says, by the keyed permutation, or as they lie.
struct Order {
  const std::int64_t* rows = nullptr;
  bool shuffle = false;
  std::uint64_t seed = 0, first_epoch = 0;
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

template <class T>
class Trainer {
 public:
  Trainer(std::shared_ptr<const Shape> shape, const Kernels<T>& kernels, const Settings& settings);
  ~Trainer();

  // n_epochs passes over the rows; losses[e] is the mean over the rows of each batch's loss before its update.
  // Every tenth of a second or so `interrupted` is asked whether to stop; true: stopped after a whole step, whose
  // parameters stand.
  bool epochs(T* parameters, const Data<T>& data, std::int64_t n_epochs, const Order& order, double* losses,
              const std::function<bool()>& interrupted);

  // The optimiser's memory, laid out as the parameters.
  int n_moments() const;
  void get_moment(int which, T* flat) const;
  void set_moment(int which, const T* flat);

  const Shape& shape() const { return *shape_; }
  int n_threads() const { return n_threads_; }

  Settings settings;
  std::int64_t n_steps = 0;

 private:
  void make_room(const Data<T>& data);
  void set_rates(Step<T>& step, std::int64_t n_steps) const;

  std::shared_ptr<const Shape> shape_;
  const Kernels<T>& kernels_;
  int n_threads_ = 1;                    // used by the last epoch
  std::vector<std::vector<T>> moments_;  // until there is a workspace that holds them
  std::unique_ptr<Stepper<T>> stepper_;
};

}  // namespace chainrule
