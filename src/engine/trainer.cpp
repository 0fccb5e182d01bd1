#include "trainer.hpp"

#include <atomic>
#include <chrono>
#include <cmath>
#include <stdexcept>

#include "counter.hpp"
#include "dispatch.hpp"
#include "permutation.hpp"
#include "rates.hpp"
#include "stepper.hpp"

namespace chainrule {

template <class T>
Trainer<T>::Trainer(std::shared_ptr<const Shape> shape, const Kernels<T>& kernels, const Settings& settings_)
    : settings(settings_), shape_(std::move(shape)), kernels_(settings_.bf16 ? *bf16_kernels_for(kernels) : kernels) {
  if (settings.batch_size < 1)
    throw std::invalid_argument("batch_size must be at least 1, got " + std::to_string(settings.batch_size));
  if (settings.row_blocks < 1 || settings.row_blocks > kMostBlocks)
    throw std::invalid_argument("row_blocks must be 1 to " + std::to_string(kMostBlocks) + ", got " +
                                std::to_string(settings.row_blocks));
  if (settings.row_blocks > 1 && settings.bf16)
    throw std::invalid_argument(
        "row_blocks are for precision 'full': products of bfloat16 add two rows at a time, which may be of two blocks");
  const auto check = [this](const std::vector<double>& factors, const char* name) {
    if (!factors.empty() && factors.size() != shape_->layout.size())
      throw std::invalid_argument(std::string(name) + " has " + std::to_string(factors.size()) + " numbers, expected " +
                                  std::to_string(shape_->n_layers()) + ", one per layer of weights, or " +
                                  std::to_string(shape_->layout.size()) + ", one per place of the layout");
  };
  if (const std::vector<double> of_layers = settings.learning_rate_factors;
      of_layers.size() == static_cast<std::size_t>(shape_->n_layers())) {
    settings.learning_rate_factors.clear();
    for (const Place& place : shape_->layout)
      settings.learning_rate_factors.push_back(place.of_input() ? 1 : of_layers[static_cast<std::size_t>(place.layer)]);
  }
  check(settings.learning_rate_factors, "learning_rate_factors");
  check(settings.epsilon_factors, "epsilon_factors");
  check(settings.decay_factors, "decay_factors");
  moments_.resize(static_cast<std::size_t>(n_moments()));
}

template <class T>
Trainer<T>::~Trainer() = default;

template <class T>
void Trainer<T>::get_moment(int which, T* flat) const {
  const auto& waiting = moments_[static_cast<std::size_t>(which)];
  if (stepper_)
    stepper_->packed.unpack_moment(which, is_signed(settings, which), flat);
  else if (waiting.empty())
    std::fill_n(flat, shape_->n_parameters(), static_cast<T>(first_value(settings, which)));
  else
    std::copy(waiting.begin(), waiting.end(), flat);
}

template <class T>
void Trainer<T>::set_moment(int which, const T* flat) {
  if (stepper_)
    stepper_->packed.pack_moment(which, is_signed(settings, which), flat);
  else
    moments_[static_cast<std::size_t>(which)].assign(flat, flat + shape_->n_parameters());
}

// A workspace for these data, with the optimizer's memory carried over.
template <class T>
void Trainer<T>::make_room(const Data<T>& data, std::int64_t rows) {
  n_threads_ = step_threads(*shape_, settings.n_threads, rows);
  if (stepper_ && stepper_->holds(rows, data, n_threads_)) return;
  if (stepper_)
    for (int m = 0; m < n_moments(); ++m) {
      auto& waiting = moments_[static_cast<std::size_t>(m)];
      waiting.resize(static_cast<std::size_t>(shape_->n_parameters()));
      get_moment(m, waiting.data());
    }
  stepper_.reset();
  const bool keeps_gradient = needs_whole_gradient(settings) || settings.row_blocks > 1;
  stepper_ = std::make_unique<Stepper<T>>(*shape_, kernels_, n_moments() + keeps_gradient, rows, data, n_threads_,
                                          settings.row_blocks);
  stepper_->set_factors(settings.learning_rate_factors, settings.epsilon_factors, settings.decay_factors);
  stepper_->set_blocks(settings.row_blocks, n_moments());
  stepper_->measure(settings.l1 != 0, settings.clip_norm != 0);
  for (int m = 0; m < n_moments(); ++m) {
    auto& waiting = moments_[static_cast<std::size_t>(m)];
    const double first = first_value(settings, m);
    if (!waiting.empty())
      set_moment(m, waiting.data());
    else if (first != 0)
      stepper_->packed.fill_moment(m, static_cast<T>(first));
    waiting = {};
  }
}

template <class T>
bool Trainer<T>::epochs(T* parameters, const Data<T>& data, std::int64_t n_epochs, const Order& order, double* losses,
                        const std::function<bool()>& interrupted, StepFactors factors, Exchange<T>* exchange) {
  const std::int64_t most_rows = rows_of_steps(data, order);
  make_room(data, most_rows);
  stepper_->packed.pack(parameters, n_threads_);
  const double work = step_work(*shape_, most_rows);
  std::atomic<bool> stop{false};
  auto last_look = std::chrono::steady_clock::now();
  const std::function<void()> look = [&] {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_look < std::chrono::milliseconds(100)) return;
    last_look = now;
    if (interrupted()) stop.store(true, std::memory_order_relaxed);
  };
  bool going = true;
  for (std::int64_t done = 0; done < n_epochs && going;) {
    const int threads = team_.threads(n_threads_, work);
    const std::int64_t count = team_.epochs(n_epochs - done), steps_before = n_steps;
    const auto begin = std::chrono::steady_clock::now();
    going = some_epochs(threads, data, done, count, order, losses, look, stop, factors, exchange);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    team_.took(seconds.count(), count, n_steps - steps_before);
    if (factors.of_steps) factors.of_steps += (n_steps - steps_before) * factors.n_each;
    done += count;
    look();
  }
  stepper_->packed.unpack(parameters, n_threads_);
  stepper_->rethrow();
  return stop;
}

// The epochs first_epoch ... of a call, by one team of threads. False: stopped.
template <class T>
bool Trainer<T>::some_epochs(int threads, const Data<T>& data, std::int64_t first_epoch, std::int64_t n_epochs,
                             const Order& order, double* losses, const std::function<void()>& look,
                             std::atomic<bool>& stop, const StepFactors& factors, Exchange<T>* exchange) {
  const std::int64_t n = data.n_samples, batch = rows_of_steps(data, order), steps_before = n_steps;
  const std::int64_t steps_each = order.bounds ? order.n_steps : (n + batch - 1) / batch;  // epoch
  bool stopped = false;
  const std::int64_t steps_between_looks = 1 + (1 << 24) / (shape_->n_weights() * batch + 1);
  in_parallel(threads, [&](int thread, int n_threads) {
    stepper_->divide(thread, n_threads, batch, data, exchange);
    Step<T> s = stepper_->describe(data, thread);
    chainrule::describe(settings, s);
    s.training = true;
    s.dropout_factor = 1;
    s.least_delta = kLeastDeltaOfSteps<T>;
    RateSequence<T> rates(settings, steps_before);
    std::int64_t step = steps_before, steps_to_look = steps_between_looks;
    double l1 = 0, l2 = 0, loss_before = last_loss;
    bool stopping = false;
    const bool by_rows = stepper_->by_rows(n_threads, s), drops = shape_->has_dropout();
    const bool steady = !factors.of_steps && !data.rows.sample_weight && rates.constant();
    const bool penalized = settings.l1 != 0 || settings.l2 != 0;  // measured before each step
    const bool fades = n_moments() > 0 || penalized || settings.weight_decay != 0 || settings.max_norm != 0;
    using Sums = typename Stepper<T>::Sums;
    const auto prepare = [&](Step<T>& s, const Sums& sums) {
      const auto inverse = [](double weight) { return weight > 0 ? 1 / weight : 0; };
      const double share = inverse(sums.weight);  // a batch without weight has no gradient
      const double of_rows = sums.row_weights == sums.weight ? share : inverse(sums.row_weights);
      const double penalty_share = settings.l2_over_rows ? of_rows : 1;
      l1 = settings.l1 * penalty_share;
      l2 = settings.l2 * penalty_share;
      s.scale = static_cast<T>(share);
      s.decay = static_cast<T>(l2);
      s.l1 = static_cast<T>(l1);
      rates.next(s, factors.rate(step - steps_before - 1));
      s.decoupled *= static_cast<T>(factors.decay(step - steps_before - 1));
      s.sweeps = fades && stepper_->sweeps(step);
      // Thread 0 sets `stop` before a step's first barrier, and all read it here, before the second: all see the same.
      stopping = stop.load(std::memory_order_relaxed);
    };
    const auto loss_of = [&](const Sums& sums) {
      const double data_loss = sums.weight > 0 ? sums.loss / sums.weight / shape_->loss_divisor : 0;
      return data_loss + 0.5 * l2 * sums.squares + l1 * sums.absolutes;
    };
    const auto between = [&](Step<T>& s, const Sums& sums) {
      const double norm = std::sqrt(sums.gradient_squares), loss = loss_of(sums);
      s.rule.gradient_factor =
          static_cast<T>(norm > settings.clip_norm && settings.clip_norm != 0 ? settings.clip_norm / norm : 1);
      s.rule.retreat = settings.backtracking && step > 1 && loss > loss_before;
      loss_before = loss;
    };
    for (std::int64_t epoch = first_epoch; epoch < first_epoch + n_epochs && !stopping; ++epoch) {
      const Permutation permutation(n, order.seed, order.first_epoch + static_cast<std::uint64_t>(epoch));
      double total = 0;
      const auto done = [&](const Sums& sums) {
        const double loss = loss_of(sums);
        if (thread == 0) last_loss = loss;
        total += loss * static_cast<double>(s.batch.n_rows);
      };
      for (std::int64_t i = 0, steps = 1; i < steps_each && !stopping; i += steps) {
        const std::int64_t* bounds = order.bounds ? order.bounds + i * settings.row_blocks : nullptr;
        const std::int64_t first = bounds ? bounds[0] : i * batch;
        s.batch.n_rows = bounds ? bounds[settings.row_blocks] - first : std::min(batch, n - first);
        if (by_rows && !penalized) steps = std::min(stepper_->kMostRows, n - first);
        if (thread == 0 && (steps_to_look -= steps) <= 0) {
          steps_to_look = steps_between_looks;
          look();
        }
        const auto row_at = [&](std::int64_t r) {
          return order.rows ? order.rows[first + r] : order.shuffle ? permutation(first + r) : first + r;
        };
        if (by_rows) {
          const std::int64_t last = step + steps;
          const auto prepare_next = [&](Step<T>& s, const Sums& sums) { ++step, prepare(s, sums); };
          stepper_->take_rows(s, steps, step, fades, steady, row_at, prepare_next, done);
          step = last;
          continue;
        }
        if (drops) {
          s.dropout_key = step_key(settings.dropout_seed, step);
          s.dropout_factor = factors.dropout(step - steps_before);
        }
        ++step;
        const auto sums = stepper_->take(thread, n_threads, s, row_at, prepare, between, bounds);
        if (sums.failed) {
          --step;
          stopping = true;
          break;
        }
        done(sums);
        if (thread == 0 && bounds) losses[i] = last_loss;
      }
      if (thread == 0 && !order.bounds) losses[epoch] = total / static_cast<double>(n);
    }
    if (thread == 0) {
      n_steps = step;
      stopped = stopping;
    }
  });
  return !stopped;
}

template <class T>
Differentiator<T>::Differentiator() = default;
template <class T>
Differentiator<T>::~Differentiator() = default;

template <class T>
double Differentiator<T>::gradients(const Shape& shape, const Kernels<T>& kernels, const T* parameters,
                                    const Data<T>& data, T* gradient, double l2, bool l2_over_rows, int n_threads) {
  constexpr std::int64_t chunk = 1024;  // rows in flight: memory does not grow with the data
  const std::int64_t n = data.n_samples, batch = data.batch_loss ? n : std::min(chunk, n);
  const int threads = step_threads(shape, n_threads, batch);
  if (!stepper_ || !stepper_->holds(batch, data, threads))
    stepper_ = std::make_unique<Stepper<T>>(shape, kernels, 1, batch, data, threads);
  stepper_->packed.pack(parameters, threads);
  double loss = 0, weight = 0, row_weights = 0, squares = 0;
  in_parallel(threads, [&](int thread, int n_threads) {
    stepper_->divide(thread, n_threads, batch, data);
    Step<T> s = stepper_->describe(data, thread);
    s.rule.optimizer = Optimizer::gradient;
    s.rule.gradient_slot = 0;
    for (std::int64_t first = 0; first < n; first += batch) {
      s.batch.n_rows = std::min(batch, n - first);
      s.rule.accumulate = first > 0;
      const auto sums = stepper_->take(
          thread, n_threads, s, [&](std::int64_t r) { return first + r; },
          [&](Step<T>& s, const typename Stepper<T>::Sums&) { s.decay = static_cast<T>(l2); });
      if (thread == 0) {
        loss += sums.loss;
        weight += sums.weight;
        row_weights += sums.row_weights;
        squares = sums.squares;
      }
    }
  });
  stepper_->rethrow();
  const double decay = l2_over_rows ? l2 / row_weights : l2;
  stepper_->packed.unpack_moment(0, true, gradient);
  const T scale = static_cast<T>(1 / weight), factor = static_cast<T>(decay);
  for (const Place& place : shape.layout) {
    const std::int64_t end = place.at + place.size();
    if (kLearned[place.kind].penalized)
      for (std::int64_t i = place.at; i < end; ++i) gradient[i] = gradient[i] * scale + factor * parameters[i];
    else
      for (std::int64_t i = place.at; i < end; ++i) gradient[i] *= scale;
  }
  return loss / weight / shape.loss_divisor + 0.5 * decay * squares;
}

template class Differentiator<float>;
template class Differentiator<double>;
template class Trainer<float>;
template class Trainer<double>;

}  // namespace chainrule
