// What Python cannot see of the engine: barrier, permutation, packed copies and padding, and the two phases under the
// sanitizers. Plain checks; the process fails at the first that does not hold.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <stdexcept>
#include <vector>

#include "dispatch.hpp"
#include "network.hpp"
#include "parallel.hpp"
#include "permutation.hpp"
#include "stepper.hpp"
#include "team.hpp"
#include "trainer.hpp"

using namespace chainrule;

#define CHECK(condition)                                                        \
  do {                                                                          \
    if (!(condition)) {                                                         \
      std::printf("%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
      std::exit(1);                                                             \
    }                                                                           \
  } while (false)

namespace {

// Steps that take seconds_of(threads): the threads that most of so many epochs had.
template <class Seconds>
int usual_threads(Team& team, int most, int epochs, Seconds seconds_of) {
  std::vector<int> counts(static_cast<std::size_t>(most) + 1);
  for (int done = 0; done < epochs;) {
    const int threads = team.threads(most, 1e6);
    CHECK(1 <= threads && threads <= most);
    const auto n = team.epochs(epochs - done);
    CHECK(1 <= n && n <= epochs - done);
    team.took(seconds_of(threads) * static_cast<double>(n) * 10, n, n * 10);
    counts[static_cast<std::size_t>(threads)] += static_cast<int>(n);
    done += static_cast<int>(n);
  }
  return static_cast<int>(std::max_element(counts.begin(), counts.end()) - counts.begin());
}

void test_team() {
  const auto shared_cache = [](int threads) { return 1e-4 / threads + 1e-8 * threads; };
  const auto far_apart = [](int threads) { return 1e-4 / threads + 1e-4 * (threads - 1); };
  const auto some_far = [](int threads) { return threads > 3 ? 2e-5 * threads : 1e-4 / threads; };
  for (const int most : {1, 2, 3, 8, 64}) {
    Team team;
    CHECK(usual_threads(team, most, 5000, shared_cache) == most);
    CHECK(usual_threads(team, most, 20000, far_apart) == 1);        // it changes its mind,
    CHECK(usual_threads(team, most, 20000, shared_cache) == most);  // and again
  }
  Team team;
  CHECK(usual_threads(team, 8, 5000, some_far) == 2);
  CHECK(usual_threads(team, 2, 5000, shared_cache) == 2);
  for (int i = 0; i < 500; ++i) {  // much work in each step: nothing is tried
    CHECK(team.threads(4, 1e9) == 4 && team.epochs(7) == 7);
    team.took(far_apart(4), 7, 70);
  }
  CHECK(team.threads(4, 1e6) == 4 && team.epochs(7) == 1);
  team.took(0, 1, 0);  // stopped before the first step
  CHECK(team.threads(4, 1e6) == 4 && team.epochs(7) == 1);
}

void test_barrier() {
  for (int n_threads = 1; n_threads <= 4; ++n_threads) {
    Barrier barrier;
    std::vector<int> done(4, 0);
    in_parallel(n_threads, [&](int thread, int n) {
      for (int phase = 1; phase <= 2000; ++phase) {
        done[static_cast<std::size_t>(thread)] = phase;
        barrier.wait(n);
        for (int other = 0; other < n; ++other) CHECK(done[static_cast<std::size_t>(other)] == phase);
        barrier.wait(n);
      }
    });
  }
}

void test_permutation() {
  for (const std::int64_t n : {1, 2, 5, 4096, 4097, 70000}) {
    std::set<std::int64_t> seen;
    const Permutation permutation(n, 3, 4);
    for (std::int64_t i = 0; i < n; ++i) seen.insert(permutation(i));
    CHECK(static_cast<std::int64_t>(seen.size()) == n && *seen.begin() == 0 && *seen.rbegin() == n - 1);
  }
}

void test_threads_follow_the_work() {
  CHECK(threads_for(4, 10.0, 100.0) == 1);
  CHECK(threads_for(4, 250.0, 100.0) == 2);
  CHECK(threads_for(4, 1e9, 100.0) == 4);
  CHECK(threads_for(0, 1e9, 100.0) == max_threads());
}

void test_sums_have_one_order() {
  std::vector<double> values;
  for (int i = 0; i < 103; ++i) values.push_back(std::sin(i));
  double part[4] = {};
  for (std::size_t i = 0; i < values.size(); ++i) part[i % 4] += values[i];
  CHECK(ordered_sum(values.data(), 103) == (part[0] + part[2]) + (part[1] + part[3]));
}

double uniform(std::uint64_t& state) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return static_cast<double>(state >> 11) / 9007199254740992.0 - 0.5;
}

struct Problem {
  std::vector<std::int64_t> sizes;
  std::vector<std::string> activations;
  std::string loss;
  std::int64_t n_samples, batch_size;
  LayerOptions options = {};
};

const std::vector<Problem> kProblems = {
    {{3, 5, 4, 3}, {"sigmoid", "sigmoid", "sigmoid"}, "squared_error", 20, 1},
    {{3, 16, 16, 16, 2}, {"tanh", "relu", "sigmoid", "identity"}, "squared_error", 20, 1},
    {{7, 33, 20, 5}, {"tanh", "gelu", "softmax"}, "cross_entropy", 61, 19},
    {{28, 101, 64, 1}, {"relu", "selu", "identity"}, "squared_error", 150, 70},
    {{49, 130, 17}, {"mish", "sigmoid"}, "binary_cross_entropy", 40, 40},
    {{21, 21, 50, 50, 3},
     {"prelu", "gelu", "tanh", "identity"},
     "squared_error",
     90,
     33,
     {{0.5, 0, 0.25, 0}, {true, false, true, false}, {true, false, true, false}}},
};

template <class T>
struct Memory {
  std::vector<T> x, y, parameters;
  Data<T> data;
  Memory(const Shape& shape, std::int64_t n_samples) {
    std::uint64_t state = 5;
    const std::int64_t n_out = shape.sizes.back();
    for (std::int64_t i = 0; i < n_samples * shape.n_in(0); ++i) x.push_back(static_cast<T>(4 * uniform(state)));
    for (std::int64_t i = 0; i < n_samples; ++i)
      for (std::int64_t j = 0; j < n_out; ++j)
        y.push_back(shape.loss == Loss::cross_entropy ? T(j == i % n_out) : static_cast<T>(uniform(state) + 0.5));
    for (std::int64_t i = 0; i < shape.n_parameters(); ++i) parameters.push_back(static_cast<T>(uniform(state)));
    parameters.resize(parameters.size() + 64 / sizeof(T));
    data.rows.n_features = shape.n_in(0);
    data.rows.x = x.data();
    data.rows.targets = y.data();
    data.n_samples = n_samples;
  }
};

// Steps by so many threads, whatever the work is worth.
template <class T>
void take_steps(Stepper<T>& stepper, const Memory<T>& memory, const Problem& problem, int threads) {
  stepper.packed.pack(memory.parameters.data());
  in_parallel(threads, [&](int thread, int n_threads) {
    stepper.divide(thread, n_threads, problem.batch_size, memory.data);
    Step<T> s = stepper.describe(memory.data, 0);
    s.rule.optimizer = Optimizer::adam;
    s.rule.beta_1 = s.rule.one_minus_beta_1 = T(0.5);
    s.rule.beta_2 = s.rule.one_minus_beta_2 = T(0.5);
    s.learning_rate = T(0.01);
    s.epsilon = T(1e-8);
    for (std::int64_t first = 0; first < problem.n_samples; first += problem.batch_size) {
      s.batch.n_rows = std::min(problem.batch_size, problem.n_samples - first);
      stepper.take(
          thread, n_threads, s, [&](std::int64_t r) { return first + r; },
          [](Step<T>& s, const typename Stepper<T>::Sums& sums) {
            s.scale = static_cast<T>(1 / sums.weight);
            s.decay = T(0.1);
          });
    }
  });
}

// After steps by several threads: the parameters are those after steps by one, W and its transposed copy are the same
// numbers, and all padding is still zero.
template <class T>
void test_packed_copies(const std::string& isa, const Problem& problem) {
  const Shape shape(problem.sizes, problem.activations, problem.loss, -1, 0, 1, problem.options);
  const Kernels<T>& kernels = *kernels_for<T>(isa);
  const Memory<T> memory(shape, problem.n_samples);
  Stepper<T> stepper(shape, kernels, 2, problem.batch_size, memory.data, 3);
  Stepper<T> alone(shape, kernels, 2, problem.batch_size, memory.data, 1);
  take_steps(stepper, memory, problem, 3);
  take_steps(alone, memory, problem, 1);
  std::vector<T> by_three(memory.parameters.size()), by_one(memory.parameters.size());
  stepper.packed.unpack(by_three.data());
  alone.packed.unpack(by_one.data());
  CHECK(by_three == by_one);
  bool changed = false;
  std::size_t at = 0;
  for (const auto& layer : stepper.packed.layers()) {
    const auto band = [&](std::int64_t n, std::int64_t n0) {
      return round_up(std::min<std::int64_t>(kernels.panel, n - n0), kernels.width);
    };
    for (std::int64_t i = 0; i < layer.n_in; ++i)
      for (std::int64_t n0 = 0; n0 < layer.n_out; n0 += kernels.panel)
        for (std::int64_t j = 0; j < band(layer.n_out, n0); ++j) {
          const T w = layer.weights[n0 * layer.n_in + i * band(layer.n_out, n0) + j];
          CHECK(std::isfinite(w));
          if (n0 + j >= layer.n_out) {
            CHECK(w == 0);
            continue;
          }
          changed = changed || w != memory.parameters[at + static_cast<std::size_t>(i * layer.n_out + n0 + j)];
          if (!layer.transposed || stepper.describe(memory.data, 0).batch.narrow) continue;
          const std::int64_t p0 = i / kernels.panel * kernels.panel;
          CHECK(w == layer.transposed[p0 * layer.n_out + (n0 + j) * band(layer.n_in, p0) + i - p0]);
        }
    at += static_cast<std::size_t>(layer.n_in * layer.n_out);
  }
  CHECK(changed);
}

// Epochs, gradients, losses and predictions have the bits of one thread's.
template <class T>
void test_threads_change_no_bits(const std::string& isa, const Problem& problem, bool bounded) {
  const auto shape =
      std::make_shared<const Shape>(problem.sizes, problem.activations, problem.loss, -1, 0.0, 1.0, problem.options);
  const Kernels<T>& kernels = *kernels_for<T>(isa);
  std::vector<T> parameters, predictions, gradient;
  double last = 0;
  for (const int n_threads : {1, 2, 3}) {
    Memory<T> memory(*shape, problem.n_samples);
    Settings settings;
    settings.optimizer = Optimizer::adam;
    settings.batch_size = problem.batch_size;
    settings.learning_rate = 0.01;
    settings.l2 = 0.1;
    settings.n_threads = n_threads;
    if (bounded) {  // three phases and one more
      settings.l1 = 0.01;
      settings.clip_norm = 0.1;
      settings.max_norm = 0.5;
    }
    Trainer<T> trainer(shape, kernels, settings);
    std::vector<double> losses(3);
    const bool stopped = trainer.epochs(memory.parameters.data(), memory.data, 3, Order{nullptr, true, 1, 0},
                                        losses.data(), [] { return false; });
    CHECK(!stopped);
    CHECK(trainer.n_steps == 3 * ((problem.n_samples + problem.batch_size - 1) / problem.batch_size));
    std::vector<T> out(static_cast<std::size_t>(problem.n_samples * shape->sizes.back()));
    predict(*shape, kernels, memory.parameters.data(), memory.data, out.data(), n_threads);
    std::vector<T> g(static_cast<std::size_t>(shape->n_parameters()));
    Differentiator<T> differentiator;
    double loss = 0;
    for (int again = 0; again < 2; ++again)
      loss = differentiator.gradients(*shape, kernels, memory.parameters.data(), memory.data, g.data(), 0.0, false,
                                      n_threads);
    CHECK(std::isfinite(loss));
    CHECK(std::abs(loss - evaluate(*shape, kernels, memory.parameters.data(), memory.data, n_threads)) < 1e-5 * loss);
    if (n_threads == 1) {
      parameters = memory.parameters;
      predictions = out;
      gradient = g;
      last = losses[2];
    }
    CHECK(memory.parameters == parameters && out == predictions && g == gradient && losses[2] == last);
  }
}

// Deltas of steps whose network is sure of its rows, and outputs of hidden layers that fade, are 0 or large enough to
// be factors of products.
template <class T>
void test_factors_of_products(const std::string& isa) {
  const std::vector<Problem> problems = {
      {{5, 4, 3, 2}, {"sigmoid", "silu", "sigmoid"}, "squared_error", 40, 40},
      {{5, 4, 2}, {"gelu", "softmax"}, "cross_entropy", 40, 40},
      {{5, 4, 1}, {"softplus", "sigmoid"}, "binary_cross_entropy", 40, 40},
      {{5, 40, 33, 3}, {"gelu", "mish", "sigmoid"}, "squared_error", 40, 40},
      {{5, 20, 35, 2}, {"sigmoid", "softplus", "softmax"}, "cross_entropy", 40, 40},
      {{5, 20, 20, 2},
       {"silu", "prelu", "sigmoid"},
       "binary_focal",
       40,
       40,
       {{0.5, 0, 0}, {false, true, false}, {false, true, false}}},
  };
  const auto fades = [](Activation a) {
    return a == Activation::sigmoid || a == Activation::softplus || a == Activation::gelu || a == Activation::silu ||
           a == Activation::mish;
  };
  constexpr T least = kLeastDeltaOfSteps<T>;
  int zeros = 0, others = 0;
  for (const auto& problem : problems)
    for (const double scale : {1.0, 10.0, 50.0, 200.0, 1000.0, 5000.0}) {
      const Shape shape(problem.sizes, problem.activations, problem.loss, -1, 0, 1, problem.options);
      const Kernels<T>& kernels = *kernels_for<T>(isa);
      Memory<T> memory(shape, problem.n_samples);
      for (T& w : memory.parameters) w *= static_cast<T>(scale);
      Stepper<T> stepper(shape, kernels, 1, problem.batch_size, memory.data, 1);
      stepper.packed.pack(memory.parameters.data());
      stepper.divide(0, 1, problem.batch_size, memory.data);
      Step<T> s = stepper.describe(memory.data, 0);
      s.training = true;
      s.least_delta = least;
      s.rule.optimizer = Optimizer::gradient;
      s.batch.n_rows = problem.n_samples;
      stepper.take(0, 1, s, [](std::int64_t r) { return r; }, [](Step<T>&, const typename Stepper<T>::Sums&) {});
      for (int k = 0; k < s.n_layers; ++k) {
        const Layer<T>& layer = s.layers[k];
        std::int64_t step = 2;
        while (step < layer.n_out) step *= 2;
        for (std::int64_t r = 0; r < s.batch.n_rows; ++r)
          for (std::int64_t j = 0; j < layer.n_out; ++j) {
            const std::int64_t place = j / kernels.panel * s.batch.stride + r * kernels.panel + j % kernels.panel;
            const T delta = layer.delta[s.batch.narrow ? r * step + j : place];
            const T output = layer.output[s.batch.narrow ? j * s.batch.lane_stride + r : place];
            CHECK(std::isfinite(delta) && (delta == 0 || std::abs(delta) >= least));
            if (k + 1 < s.n_layers && fades(layer.activation)) CHECK(output == 0 || std::abs(output) >= least);
            ++(delta == 0 ? zeros : others);
          }
      }
    }
  CHECK(zeros > 5000 && others > 5000);
}

// Memory that was used before is as good as new: steps, outputs and gradients after others, by a network that was full
// of NaN, have the bits of the first ones.
template <class T>
void test_used_memory(const std::string& isa) {
  const std::vector<Problem> problems = {
      {{60, 300, 300, 5}, {"gelu", "tanh", "softmax"}, "cross_entropy", 200, 70},
      {{90, 90, 310, 3},
       {"prelu", "silu", "identity"},
       "squared_error",
       200,
       70,
       {{0.5, 0, 0}, {true, false, false}, {true, false, false}}},
  };
  for (const auto& problem : problems) {
    const auto shape =
        std::make_shared<const Shape>(problem.sizes, problem.activations, problem.loss, -1, 0.0, 1.0, problem.options);
    const Kernels<T>& kernels = *kernels_for<T>(isa);
    std::vector<T> first;
    for (int turn = 0; turn < 3; ++turn) {
      Memory<T> memory(*shape, problem.n_samples);
      if (turn == 1) std::fill(memory.parameters.begin(), memory.parameters.end(), std::nan(""));
      Settings settings;
      settings.optimizer = Optimizer::adam;
      settings.batch_size = problem.batch_size;
      std::vector<double> losses(2);
      std::vector<T> all(static_cast<std::size_t>(problem.n_samples * shape->sizes.back()));
      predict(*shape, kernels, memory.parameters.data(), memory.data, all.data(), 1);
      std::vector<T> gradient(memory.parameters.size());
      Differentiator<T>().gradients(*shape, kernels, memory.parameters.data(), memory.data, gradient.data(), 0, false,
                                    1);
      Trainer<T>(shape, kernels, settings)
          .epochs(memory.parameters.data(), memory.data, 2, Order{nullptr, true, 1, 0}, losses.data(),
                  [] { return false; });
      all.insert(all.end(), gradient.begin(), gradient.end());
      all.insert(all.end(), memory.parameters.begin(), memory.parameters.end());
      if (turn == 0) first = all;
      CHECK((all == first) == (turn != 1));
    }
  }
}

void test_impossible_shapes() {
  const auto refused = [](std::vector<std::int64_t> sizes, std::vector<std::string> activations) {
    try {
      Shape(std::move(sizes), activations, "squared_error", -1, 0, 1);
    } catch (const std::invalid_argument&) {
      return true;
    }
    return false;
  };
  CHECK(refused({3}, {}));
  CHECK(refused({3, 0}, {"tanh"}));
  CHECK(refused({std::int64_t{1} << 62, std::int64_t{1} << 62}, {"tanh"}));
  CHECK(refused({3, 2}, {"tanhh"}));
  CHECK(!refused({3, 2}, {"tanh"}));
}

template <class T>
void test_dtype() {
  for (const auto& isa : available_isas()) {
    test_factors_of_products<T>(isa);
    test_used_memory<T>(isa);
    for (const auto& problem : kProblems) {
      test_packed_copies<T>(isa, problem);
      test_threads_change_no_bits<T>(isa, problem, false);
      test_threads_change_no_bits<T>(isa, problem, true);
    }
  }
}

}  // namespace

int main() {
  test_team();
  test_barrier();
  test_permutation();
  test_threads_follow_the_work();
  test_sums_have_one_order();
  test_impossible_shapes();
  test_dtype<float>();
  test_dtype<double>();
  std::printf("native tests passed\n");
}
