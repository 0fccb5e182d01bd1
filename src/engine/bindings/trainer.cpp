// Trainer and Stop: epochs without the GIL, and the optimizer's memory.
#include "../trainer.hpp"

#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>

#include "../names.hpp"
#include "model.hpp"

namespace chainrule::bindings {

using namespace nb::literals;

namespace {

struct Training {
  std::variant<std::unique_ptr<Trainer<float>>, std::unique_ptr<Trainer<double>>> trainer;
  nb::object model;
  std::unique_ptr<std::mutex> busy = std::make_unique<std::mutex>();

  template <class F>
  auto visit(F f) {
    return std::visit([&f](auto& t) { return f(*t); }, trainer);
  }
  template <class T>
  Network<T>& network() const {
    return std::get<Network<T>>(nb::cast<Model&>(model).network);
  }
};

// Set by one thread to stop the trainings of others: Python delivers Ctrl-C to its main thread only.
struct Stop {
  std::atomic<bool> set{false};
};

void make_training(Training* self, nb::object model, const std::string& optimizer, std::int64_t batch_size,
                   std::uint64_t dropout_seed, const std::string& precision, std::vector<double> learning_rate_factors,
                   std::vector<double> epsilon_factors, std::vector<double> decay_factors, int row_blocks,
                   int n_threads, nb::kwargs numbers) {
  Settings settings;
  settings.optimizer = optimizer_of(optimizer);
  settings.batch_size = batch_size;
  settings.row_blocks = row_blocks;
  settings.dropout_seed = dropout_seed;
  settings.learning_rate_factors = std::move(learning_rate_factors);
  settings.epsilon_factors = std::move(epsilon_factors);
  settings.decay_factors = std::move(decay_factors);
  for (const auto [key, value] : numbers) {
    const auto name = nb::cast<std::string>(key);
    double number = 0;
    if (!nb::try_cast(value, number)) throw nb::type_error(("setting '" + name + "' is not a number").c_str());
    if (!set(settings, name, number)) throw nb::type_error(("unknown setting '" + name + "'").c_str());
  }
  settings.bf16 = position(kPrecisionNames, precision, "precision") == 1;
  settings.n_threads = n_threads;
  nb::cast<Model&>(model).visit([&]<class T>(Network<T>& network) {
    auto trainer = std::make_unique<Trainer<T>>(network.shape, *network.kernels, settings);
    new (self) Training{std::move(trainer), model};
  });
}

bool is_given(nb::handle value) { return value.is_valid() && !value.is_none(); }

// An exchange by a Python function of (sums, numbers), which writes those of all blocks into the first row of each.
template <class T>
void describe(Exchange<T>& all, nb::handle nodes, nb::handle function, int n_blocks, std::int64_t n_parameters) {
  for (const nb::handle node : nodes) all.nodes.push_back(nb::cast<std::pair<int, int>>(node));
  const auto n = static_cast<std::int64_t>(all.nodes.size());
  if (n_blocks < 2 || n < 1) throw std::invalid_argument("an exchange is for more than one block, some of them here");
  for (const auto& [begin, end] : all.nodes)
    if (begin < 0 || end <= begin || end > n_blocks)
      throw std::invalid_argument("nodes must be parts begin .. end of 0 .. " + std::to_string(n_blocks));
  all.numbers.resize(static_cast<std::size_t>(n));
  all.sums.resize(static_cast<std::size_t>(n * n_parameters));
  all.all = [&all, function, n, n_parameters] {
    const nb::gil_scoped_acquire locked;
    const NewArray<T> sums({n, n_parameters});
    const NewArray<double> numbers({n, 3});
    std::copy_n(all.sums.data(), n * n_parameters, sums.data);
    for (std::int64_t i = 0; i < n; ++i) {
      const auto& of_node = all.numbers[static_cast<std::size_t>(i)];
      const double three[] = {of_node.loss, of_node.weight, of_node.n_rows};
      std::copy_n(three, 3, numbers.data + 3 * i);
    }
    function(sums.array, numbers.array);
    std::copy_n(sums.data, n_parameters, all.sums.data());
    all.numbers[0] = {numbers.data[0], numbers.data[1], numbers.data[2]};
  };
}

template <class T>
nb::object run_epochs(Training& training, Trainer<T>& trainer, const Dataset& dataset, std::int64_t n_epochs,
                      const Order& order, nb::handle factors, const Stop* stop = nullptr, nb::handle losses_to = {},
                      nb::handle nodes = {}, nb::handle exchange = {}) {
  Network<T>& network = training.network<T>();
  const Data<T>& data = dataset.of(network, true);
  if (trainer.settings.row_blocks > 1 && !order.bounds)
    throw std::invalid_argument("this trainer takes batches of " + std::to_string(trainer.settings.row_blocks) +
                                " blocks of rows, by `steps`");
  const std::int64_t n_losses = order.bounds ? order.n_steps : n_epochs;
  const nb::object array = is_given(losses_to) ? nb::borrow(losses_to) : NewArray<double>({n_losses}).array;
  const View losses = view_of<double>(array, "losses", "", true);
  check_shape("losses", losses, {n_losses});
  std::optional<View> rates;
  StepFactors step_factors;
  if (!factors.is_none()) {
    rates.emplace(view_of<double>(factors, "factors", ""));
    const std::int64_t batch = std::min(trainer.settings.batch_size, data.n_samples);
    const std::int64_t n = order.bounds ? order.n_steps : n_epochs * ((data.n_samples + batch - 1) / batch);
    if (rates->ndim() == 2) {
      check_shape("factors", *rates, {n, 3}, ", of rate, dropout and decay in each step");
      step_factors.n_each = 3;
      for (int k = 0; k < network.shape->n_layers(); ++k)
        for (std::int64_t i = 0; i < n; ++i)
          if (const double rate = network.shape->dropout(k) * rates->data<double>()[3 * i + 1];
              !(rate >= 0 && rate < 1))
            throw std::invalid_argument("a factor makes a dropout rate " + std::to_string(rate) +
                                        "; expected rates in [0, 1)");
    } else {
      check_shape("factors", *rates, {n}, ", one per step");
    }
    step_factors.of_steps = rates->data<double>();
  }
  Exchange<T> all;
  if (is_given(exchange)) describe(all, nodes, exchange, trainer.settings.row_blocks, network.shape->n_parameters());
  if (is_given(exchange) && data.batch_loss)
    throw std::invalid_argument("an exchange is for the engine's own losses: a custom one sees whole batches");
  const std::unique_lock<std::mutex> alone(*training.busy, std::try_to_lock);
  if (!alone.owns_lock()) throw std::runtime_error("this trainer is at work in another thread");
  const auto interrupted = [stop] {
    if (stop && stop->set.load(std::memory_order_relaxed)) return true;
    const nb::gil_scoped_acquire locked;
    return PyErr_CheckSignals() != 0;
  };
  bool stopped;
  {
    const nb::gil_scoped_release unlocked;
    stopped = trainer.epochs(network.data, data, n_epochs, order, losses.data<double>(), interrupted, step_factors,
                             is_given(exchange) ? &all : nullptr);
  }
  if (stopped) {
    if (!PyErr_Occurred()) PyErr_SetNone(PyExc_KeyboardInterrupt);
    throw nb::python_error();
  }
  return array;
}

nb::object epochs(Training& self, const Dataset& data, std::int64_t n_epochs, bool shuffle, std::uint64_t seed,
                  std::uint64_t first_epoch, nb::handle factors, const Stop* stop) {
  if (n_epochs < 0) throw std::invalid_argument("n_epochs must not be negative");
  const Order order{nullptr, shuffle, seed, first_epoch};
  return self.visit([&](auto& t) { return run_epochs(self, t, data, n_epochs, order, factors, stop); });
}

// Positions of rows, as many as there are given.
const std::int64_t* rows_in(const View& order, const Dataset& data, const char* expected) {
  const std::int64_t* rows = order.data<std::int64_t>();
  if (std::any_of(rows, rows + order.dim(0), [n = data.n_samples()](std::int64_t row) { return row < 0 || row >= n; }))
    throw std::invalid_argument(expected);
  return rows;
}

double epoch(Training& self, const Dataset& data, nb::handle order, nb::handle factors) {
  std::optional<View> given;
  Order by;
  if (!order.is_none()) {
    given.emplace(view_of<std::int64_t>(order, "order", ""));
    check_shape("order", *given, {data.n_samples()});
    by.rows = rows_in(*given, data, "order must be a permutation of 0 .. n_samples - 1");
  }
  nb::object losses = self.visit([&](auto& t) { return run_epochs(self, t, data, 1, by, factors); });
  return View(losses, false).data<double>()[0];
}

nb::object steps(Training& self, const Dataset& data, nb::handle order, nb::handle bounds, nb::handle factors,
                 const Stop* stop, nb::handle losses, nb::handle nodes, nb::handle exchange) {
  const View rows = view_of<std::int64_t>(order, "order", ""), ends = view_of<std::int64_t>(bounds, "bounds", "");
  const int blocks = self.visit([](auto& t) { return t.settings.row_blocks; });
  check_shape("order", rows, {kSamples});
  if (ends.ndim() != 1 || ends.dim(0) < 1 || (ends.dim(0) - 1) % blocks != 0)
    throw std::invalid_argument("bounds must have " + std::to_string(blocks) + " numbers per step, and one more");
  Order by;
  by.rows = rows_in(rows, data, "order must have numbers of rows, 0 .. n_samples - 1");
  by.bounds = ends.data<std::int64_t>();
  by.n_steps = (ends.dim(0) - 1) / blocks;
  const std::int64_t* last = by.bounds + by.n_steps * blocks;
  if (by.bounds[0] < 0 || *last > rows.dim(0) || !std::is_sorted(by.bounds, last + 1))
    throw std::invalid_argument("bounds must rise, from 0 to at most the length of order");
  for (std::int64_t i = 0; i < by.n_steps; ++i)
    by.most_rows = std::max(by.most_rows, by.bounds[(i + 1) * blocks] - by.bounds[i * blocks]);
  return self.visit([&](auto& t) { return run_epochs(self, t, data, 1, by, factors, stop, losses, nodes, exchange); });
}

nb::list get_state(Training& training) {
  return training.visit([&]<class T>(Trainer<T>& trainer) {
    nb::list state;
    for (int m = 0; m < trainer.n_moments(); ++m) {
      const NewArray<T> flat({trainer.shape().n_parameters()});
      trainer.get_moment(m, flat.data);
      state.append(flat.array);
    }
    return state;
  });
}

void set_state(Training& training, nb::sequence state) {
  training.visit([&]<class T>(Trainer<T>& trainer) {
    if (static_cast<int>(nb::len(state)) != trainer.n_moments())
      throw std::invalid_argument("this optimizer keeps " + std::to_string(trainer.n_moments()) + " arrays, got " +
                                  std::to_string(nb::len(state)));
    std::vector<View> views;
    for (int m = 0; m < trainer.n_moments(); ++m) {
      views.push_back(floats<T>(state[static_cast<std::size_t>(m)], "state"));
      check_shape("state", views.back(), {trainer.shape().n_parameters()});
    }
    for (int m = 0; m < trainer.n_moments(); ++m)
      trainer.set_moment(m, views[static_cast<std::size_t>(m)].template data<T>());
  });
}

}  // namespace

void define_trainer(nb::module_& m) {
  nb::class_<Stop>(m, "Stop")
      .def(nb::init<>())
      .def("set", [](Stop& self) { self.set.store(true, std::memory_order_relaxed); })
      .def("is_set", [](const Stop& self) { return self.set.load(std::memory_order_relaxed); });

  nb::class_<Training>(m, "Trainer")
      .def("__init__", &make_training, "model"_a, "optimizer"_a, nb::kw_only(), "batch_size"_a, "dropout_seed"_a = 0,
           "precision"_a = "full", "learning_rate_factors"_a = std::vector<double>{},
           "epsilon_factors"_a = std::vector<double>{}, "decay_factors"_a = std::vector<double>{}, "row_blocks"_a = 1,
           "n_threads"_a = 0, "numbers"_a)
      .def_prop_rw(
          "learning_rate", [](Training& self) { return self.visit([](auto& t) { return t.settings.learning_rate; }); },
          [](Training& self, double rate) { self.visit([rate](auto& t) { t.settings.learning_rate = rate; }); })
      .def_prop_rw(
          "dropout_seed", [](Training& self) { return self.visit([](auto& t) { return t.settings.dropout_seed; }); },
          [](Training& self, std::uint64_t seed) { self.visit([seed](auto& t) { t.settings.dropout_seed = seed; }); })
      .def_prop_rw(
          "n_steps", [](Training& self) { return self.visit([](auto& t) { return t.n_steps; }); },
          [](Training& self, std::int64_t n) { self.visit([n](auto& t) { t.n_steps = n; }); })
      .def_prop_rw(
          "last_loss", [](Training& self) { return self.visit([](auto& t) { return t.last_loss; }); },
          [](Training& self, double loss) { self.visit([loss](auto& t) { t.last_loss = loss; }); })
      .def_prop_ro("n_threads", [](Training& self) { return self.visit([](auto& t) { return t.n_threads(); }); })
      .def_prop_rw("state", &get_state, &set_state)
      .def("epoch", &epoch, "data"_a, "order"_a = nb::none(), nb::kw_only(), "factors"_a = nb::none())
      .def("steps", &steps, "data"_a, "order"_a, "bounds"_a, nb::kw_only(), "factors"_a = nb::none(),
           "stop"_a = nb::none(), "losses"_a = nb::none(), "nodes"_a = nb::none(), "exchange"_a = nb::none())
      .def("epochs", &epochs, "data"_a, "n_epochs"_a, nb::kw_only(), "shuffle"_a = true, "seed"_a = 0,
           "first_epoch"_a = 0, "factors"_a = nb::none(), "stop"_a = nb::none());
}

}  // namespace chainrule::bindings
