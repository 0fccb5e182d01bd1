#include "trainer.hpp"

#include <atomic>
#include <chrono>
#include <cmath>
#include <stdexcept>

#include "dispatch.hpp"
#include "permutation.hpp"
#include "stepper.hpp"

namespace chainrule {

namespace {

// x^n by squaring: the same operations on every machine, unlike a libm's pow.
double power(double x, std::int64_t n) {
  double result = 1;
  for (; n > 0; n /= 2, x *= x)
    if (n % 2) result *= x;
  return result;
}

}  // namespace

template <class T>
Trainer<T>::Trainer(std::shared_ptr<const Shape> shape, const Kernels<T>& kernels, const Settings& settings_)
    : settings(settings_), shape_(std::move(shape)), kernels_(settings_.bf16 ? *bf16_kernels_for(kernels) : kernels) {
  if (settings.batch_size < 1)
    throw std::invalid_argument("batch_size must be at least 1, got " + std::to_string(settings.batch_size));
  moments_.resize(static_cast<std::size_t>(n_moments()));
}

template <class T>
Trainer<T>::~Trainer() = default;

template <class T>
int Trainer<T>::n_moments() const {
  if (settings.optimizer == Optimizer::adam) return 2;
  return settings.momentum != 0 ? 1 : 0;
}

template <class T>
void Trainer<T>::get_moment(int which, T* flat) const {
  const auto& waiting = moments_[static_cast<std::size_t>(which)];
  if (stepper_)
    stepper_->packed.unpack_moment(which, flat);
  else if (waiting.empty())
    std::fill_n(flat, shape_->n_parameters(), T(0));
  else
    std::copy(waiting.begin(), waiting.end(), flat);
}

template <class T>
void Trainer<T>::set_moment(int which, const T* flat) {
  if (stepper_)
    stepper_->packed.pack_moment(which, flat);
  else
    moments_[static_cast<std::size_t>(which)].assign(flat, flat + shape_->n_parameters());
}

// A workspace for these data, with the optimiser's memory carried over.
template <class T>
void Trainer<T>::make_room(const Data<T>& data) {
  const std::int64_t rows = std::min(settings.batch_size, data.n_samples);
  n_threads_ = step_threads(*shape_, settings.n_threads, rows);
  if (stepper_ && stepper_->holds(rows, data, n_threads_)) return;
  std::vector<std::vector<T>> moments(moments_.size());
  for (std::size_t m = 0; m < moments.size(); ++m) {
    moments[m].resize(static_cast<std::size_t>(shape_->n_parameters()));
    get_moment(static_cast<int>(m), moments[m].data());
  }
  stepper_.reset();
  stepper_ = std::make_unique<Stepper<T>>(*shape_, kernels_, n_moments(), rows, data, n_threads_);
  for (std::size_t m = 0; m < moments.size(); ++m) set_moment(static_cast<int>(m), moments[m].data());
  for (auto& waiting : moments_) waiting = {};
}

template <class T>
void Trainer<T>::set_rates(Step<T>& s, std::int64_t step) const {
  double rate = settings.learning_rate;
  if (settings.optimizer == Optimizer::adam)
    rate *= std::sqrt(1 - power(settings.beta_2, step)) / (1 - power(settings.beta_1, step));
  s.learning_rate = static_cast<T>(rate);
}

template <class T>
bool Trainer<T>::epochs(T* parameters, const Data<T>& data, std::int64_t n_epochs, const Order& order, double* losses,
                        const std::function<bool()>& interrupted) {
  make_room(data);
  stepper_->packed.pack(parameters);
  const std::int64_t n = data.n_samples, batch = std::min(settings.batch_size, n);
  const std::int64_t steps_before = n_steps;
  std::atomic<bool> stop{false};
  const std::int64_t steps_between_looks = 1 + (1 << 24) / (shape_->n_weights() * batch + 1);
  in_parallel(n_threads_, [&](int thread, int n_threads) {
    stepper_->divide(thread, n_threads, batch);
    Step<T> s = stepper_->describe(data, thread);
    s.optimizer = settings.optimizer;
    s.nesterov = settings.nesterov;
    s.momentum = static_cast<T>(settings.momentum);
    s.beta_1 = static_cast<T>(settings.beta_1);
    s.one_minus_beta_1 = static_cast<T>(1 - settings.beta_1);
    s.beta_2 = static_cast<T>(settings.beta_2);
    s.one_minus_beta_2 = static_cast<T>(1 - settings.beta_2);
    s.epsilon = static_cast<T>(settings.epsilon);
    std::int64_t step = steps_before;
    double decay = 0;
    bool stopping = false;
    auto last_look = std::chrono::steady_clock::now();
    const auto look_for_interruption = [&] {
      const auto now = std::chrono::steady_clock::now();
      if (now - last_look < std::chrono::milliseconds(100)) return;
      last_look = now;
      if (interrupted()) stop.store(true, std::memory_order_relaxed);
    };
    const auto prepare = [&](Step<T>& s, double weight) {
      const double share = weight > 0 ? 1 / weight : 0;  // a batch without weight has no gradient
      decay = settings.l2_over_rows ? settings.l2 * share : settings.l2;
      s.scale = static_cast<T>(share);
      s.decay = static_cast<T>(decay);
      set_rates(s, step);
      // Thread 0 sets `stop` before a step's first barrier, and all read it here, before the second: all see the same.
      stopping = stop.load(std::memory_order_relaxed);
    };
    for (std::int64_t epoch = 0; epoch < n_epochs && !stopping; ++epoch) {
      const Permutation permutation(n, order.seed, order.first_epoch + static_cast<std::uint64_t>(epoch));
      double total = 0;
      for (std::int64_t first = 0; first < n && !stopping; first += batch) {
        s.n_rows = std::min(batch, n - first);
        if (++step % steps_between_looks == 0 && thread == 0) look_for_interruption();
        const auto row_at = [&](std::int64_t r) {
          return order.rows ? order.rows[first + r] : order.shuffle ? permutation(first + r) : first + r;
        };
        const auto sums = stepper_->take(thread, n_threads, s, row_at, prepare);
        const double data_loss = sums.weight > 0 ? sums.loss / sums.weight / shape_->loss_divisor : 0;
        const double loss = data_loss + 0.5 * decay * sums.squares;
        total += loss * static_cast<double>(s.n_rows);
      }
      if (thread == 0) losses[epoch] = total / static_cast<double>(n);
    }
    if (thread == 0) n_steps = step;
  });
  stepper_->packed.unpack(parameters);
  return stop;
}

template <class T>
Differentiator<T>::Differentiator() = default;
template <class T>
Differentiator<T>::~Differentiator() = default;

template <class T>
double Differentiator<T>::gradients(const Shape& shape, const Kernels<T>& kernels, const T* parameters,
                                    const Data<T>& data, T* gradient, double l2, bool l2_over_rows, int n_threads) {
  constexpr std::int64_t chunk = 1024;  // rows in flight: memory does not grow with the data
  const std::int64_t n = data.n_samples, batch = std::min(chunk, n);
  const int threads = step_threads(shape, n_threads, batch);
  if (!stepper_ || !stepper_->holds(batch, data, threads))
    stepper_ = std::make_unique<Stepper<T>>(shape, kernels, 1, batch, data, threads);
  stepper_->packed.pack(parameters);
  double loss = 0, weight = 0, squares = 0;
  in_parallel(threads, [&](int thread, int n_threads) {
    stepper_->divide(thread, n_threads, batch);
    Step<T> s = stepper_->describe(data, thread);
    s.optimizer = Optimizer::gradient;
    for (std::int64_t first = 0; first < n; first += batch) {
      s.n_rows = std::min(batch, n - first);
      s.accumulate = first > 0;
      const auto sums = stepper_->take(
          thread, n_threads, s, [&](std::int64_t r) { return first + r; },
          [&](Step<T>& s, double) { s.decay = static_cast<T>(l2); });
      if (thread == 0) {
        loss += sums.loss;
        weight += sums.weight;
        squares = sums.squares;
      }
    }
  });
  const double decay = l2_over_rows ? l2 / weight : l2;
  stepper_->packed.unpack_moment(0, gradient);
  const T scale = static_cast<T>(1 / weight), factor = static_cast<T>(decay);
  const std::int64_t n_weights = shape.n_weights(), n_parameters = shape.n_parameters();
  for (std::int64_t i = 0; i < n_weights; ++i) gradient[i] = gradient[i] * scale + factor * parameters[i];
  for (std::int64_t i = n_weights; i < n_parameters; ++i) gradient[i] *= scale;
  return loss / weight / shape.loss_divisor + 0.5 * decay * squares;
}

template class Differentiator<float>;
template class Differentiator<double>;
template class Trainer<float>;
template class Trainer<double>;

}  // namespace chainrule
