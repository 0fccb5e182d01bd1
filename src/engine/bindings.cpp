// The module chainrule._engine._core: Python objects in, the engine's plain data out. The only file that knows nanobind.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <variant>

#include "counter.hpp"
#include "derivatives.hpp"
#include "dispatch.hpp"
#include "names.hpp"
#include "network.hpp"
#include "parallel.hpp"
#include "permutation.hpp"
#include "trainer.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace chainrule {
namespace {

template <class T>
constexpr const char* kDtypeName = sizeof(T) == 4 ? "float32" : "float64";

// A new NumPy array; Python owns the memory.
nb::object new_array(const char* dtype, nb::tuple shape) {
  static nb::object empty = nb::module_::import_("numpy").attr("empty");
  return empty(shape, dtype);
}

// A C-contiguous array's buffer, held for as long as this object lives.
class View {
 public:
  View() = default;
  View(nb::handle array, bool writable) {
    const int flags = PyBUF_FORMAT | PyBUF_C_CONTIGUOUS | (writable ? PyBUF_WRITABLE : 0);
    if (PyObject_GetBuffer(array.ptr(), &buffer_, flags) != 0) {
      PyErr_Clear();
      throw nb::type_error(writable ? "expected a writable C-contiguous array" : "expected a C-contiguous array");
    }
    held_ = true;
  }
  View(View&& other) noexcept : buffer_(other.buffer_), held_(other.held_) { other.held_ = false; }
  View& operator=(View&&) = delete;
  ~View() {
    if (held_) PyBuffer_Release(&buffer_);
  }

  int ndim() const { return buffer_.ndim; }
  std::int64_t dim(int i) const { return buffer_.shape[i]; }
  template <class T>
  T* data() const {
    return static_cast<T*>(buffer_.buf);
  }
  bool has(char kind, std::size_t size) const {  // kind: 'f' or 'i'
    const char* f = buffer_.format;
    const bool floating = *f == 'f' || *f == 'd', integer = std::strchr("ilq", *f) != nullptr && *f;
    return f[1] == 0 && (kind == 'f' ? floating : integer) && buffer_.itemsize == static_cast<Py_ssize_t>(size);
  }

 private:
  Py_buffer buffer_{};
  bool held_ = false;
};

template <class T>
View floats(nb::handle array, const char* what, bool writable = false) {
  View view(array, writable);
  if (!view.has('f', sizeof(T)))
    throw nb::type_error((std::string(what) + " must be a " + kDtypeName<T> + " array, as the model is").c_str());
  return view;
}

std::string shape_text(const View& view) {
  std::string text = "(";
  for (int i = 0; i < view.ndim(); ++i) text += (i ? ", " : "") + std::to_string(view.dim(i));
  return text + (view.ndim() == 1 ? ",)" : ")");
}

[[noreturn]] void wrong_shape(const char* what, const View& view, const std::string& expected) {
  throw nb::value_error((std::string(what) + " has shape " + shape_text(view) + ", expected " + expected).c_str());
}

template <class T>
struct Network {
  std::shared_ptr<const Shape> shape;
  const Kernels<T>* kernels;
  nb::object parameters;  // (n_parameters,), a view of memory that is readable 64 bytes further
  T* data;
  struct Differentiating {
    std::mutex busy;
    Differentiator<T> differentiator;
  };
  std::unique_ptr<Differentiating> kept = std::make_unique<Differentiating>();

  Network(std::shared_ptr<const Shape> shape_, const std::string& isa) : shape(std::move(shape_)) {
    kernels = kernels_for<T>(isa);
    const std::int64_t n = shape->n_parameters();
    static nb::object zeros = nb::module_::import_("numpy").attr("zeros");
    nb::object whole = zeros(n + 64 / static_cast<std::int64_t>(sizeof(T)), kDtypeName<T>);
    parameters = whole[nb::slice(nb::int_(0), nb::int_(n), nb::none())];
    data = View(parameters, true).template data<T>();
    write_first_values(*shape, data);
  }
};

nb::tuple shape_of(const Place& place) {
  return place.vector() ? nb::make_tuple(place.columns) : nb::make_tuple(place.rows, place.columns);
}

struct Model {
  std::variant<Network<float>, Network<double>> network;

  template <class F>
  auto visit(F f) {
    return std::visit(f, network);
  }
  const Shape& shape() const {
    return std::visit([](const auto& n) -> const Shape& { return *n.shape; }, network);
  }
};

template <class T>
struct Element {
  using type = T;
};
template <class T>
using ElementOf = typename std::remove_cvref_t<T>::type;

// ---- forward -------------------------------------------------------------------------------------------------

template <class T>
struct DataHolder {
  Data<T> data;
  std::vector<View> views;
  DataHolder() = default;
  DataHolder(DataHolder&&) = default;
};

struct Dataset {
  std::variant<DataHolder<float>, DataHolder<double>> holder;
  std::vector<nb::object> kept;
  nb::object model;

  template <class T>
  const Data<T>& of(const Network<T>& network, const Shape& made_for) const {
    const auto* h = std::get_if<DataHolder<T>>(&holder);
    if (!h || made_for.sizes != network.shape->sizes || made_for.loss != network.shape->loss ||
        made_for.n_targets() != network.shape->n_targets())
      throw nb::value_error("the data were made for a model of other sizes, dtype or loss");
    return h->data;
  }
  std::int64_t n_samples() const {
    return std::visit([](const auto& h) { return h.data.n_samples; }, holder);
  }
};

template <class Index>
void check_csr(const Index* indptr, const Index* indices, std::int64_t n_rows, std::int64_t n_entries,
               std::int64_t n_features, std::int64_t* longest) {
  *longest = 0;
  if (indptr[0] != 0) throw nb::value_error("indptr must begin with 0");
  for (std::int64_t r = 0; r < n_rows; ++r) {
    if (indptr[r + 1] < indptr[r]) throw nb::value_error("indptr must not decrease");
    *longest = std::max<std::int64_t>(*longest, indptr[r + 1] - indptr[r]);
  }
  if (indptr[n_rows] > n_entries) throw nb::value_error("indptr points beyond the stored values");
  for (std::int64_t e = 0; e < static_cast<std::int64_t>(indptr[n_rows]); ++e)
    if (indices[e] < 0 || indices[e] >= n_features)
      throw nb::value_error(("column index " + std::to_string(indices[e]) + " is out of range for " +
                             std::to_string(n_features) + " features")
                                .c_str());
}

// A Python function of (predictions, rows) -> (value, gradient) as the engine calls it. The caller keeps it alive.
template <class T>
BatchLoss<T> batch_loss_of(nb::handle function, std::int64_t n_out) {
  return [function, n_out](const std::int64_t* rows, std::int64_t n, const T* predictions, T* output_gradient) {
    const nb::gil_scoped_acquire locked;
    const auto size = static_cast<std::size_t>(n * n_out) * sizeof(T);
    nb::object given = new_array(kDtypeName<T>, nb::make_tuple(n, n_out)),
               which = new_array("int64", nb::make_tuple(n));
    std::memcpy(View(given, true).data<T>(), predictions, size);
    std::memcpy(View(which, true).data<std::int64_t>(), rows, static_cast<std::size_t>(n) * sizeof(std::int64_t));
    const nb::tuple returned = nb::cast<nb::tuple>(function(given, which));
    const View gradient = floats<T>(returned[1], "gradient");
    if (gradient.ndim() != 2 || gradient.dim(0) != n || gradient.dim(1) != n_out)
      wrong_shape("gradient", gradient, "(" + std::to_string(n) + ", " + std::to_string(n_out) + ")");
    std::memcpy(output_gradient, gradient.data<T>(), size);
    return nb::cast<double>(returned[0]);
  };
}

template <class T>
DataHolder<T> hold(const Network<T>& network, nb::handle x, nb::handle y, nb::handle sample_weight,
                   nb::handle batch_loss) {
  const Shape& shape = *network.shape;
  const std::int64_t n_in = shape.n_in(0), n_out = shape.n_targets();
  DataHolder<T> h;
  Rows<T>& rows = h.data.rows;
  rows.n_features = n_in;
  const auto add = [&h](View view) -> const View& { return h.views.emplace_back(std::move(view)); };
  h.views.reserve(6);
  if (nb::isinstance<nb::tuple>(x)) {
    const nb::tuple parts = nb::borrow<nb::tuple>(x);
    if (parts.size() != 3) throw nb::value_error("sparse x must be (data, indices, indptr)");
    const View& values = add(floats<T>(parts[0], "data"));
    const View& indices = add(View(parts[1], false));
    const View& indptr = add(View(parts[2], false));
    const bool narrow = indices.has('i', 4) && indptr.has('i', 4), wide = indices.has('i', 8) && indptr.has('i', 8);
    if (!narrow && !wide) throw nb::type_error("indices and indptr must both be int32 or both int64");
    if (values.ndim() != 1 || indices.ndim() != 1 || indptr.ndim() != 1 || indptr.dim(0) < 1 ||
        indices.dim(0) != values.dim(0))
      throw nb::value_error(
          "data and indices must be 1-D and of one length, and indptr have a value per row and one more");
    h.data.n_samples = indptr.dim(0) - 1;
    if (narrow)
      check_csr(indptr.data<std::int32_t>(), indices.data<std::int32_t>(), h.data.n_samples, values.dim(0), n_in,
                &h.data.longest_row);
    else
      check_csr(indptr.data<std::int64_t>(), indices.data<std::int64_t>(), h.data.n_samples, values.dim(0), n_in,
                &h.data.longest_row);
    static const T none{};
    rows.values = values.dim(0) > 0 ? values.data<T>() : &none;
    rows.indices = indices.data<void>();
    rows.indptr = indptr.data<void>();
    rows.wide_indices = wide;
  } else {
    const View& view = add(floats<T>(x, "x"));
    if (view.ndim() != 2 || view.dim(1) != n_in) wrong_shape("x", view, "(n_samples, " + std::to_string(n_in) + ")");
    h.data.n_samples = view.dim(0);
    rows.x = view.data<T>();
  }
  if (!batch_loss.is_none()) {
    if (shape.loss != Loss::custom || !y.is_none())
      throw nb::value_error("batch_loss is for the loss 'custom', and keeps the targets itself");
    h.data.batch_loss = batch_loss_of<T>(batch_loss, n_out);
  } else if (shape.loss == Loss::custom && !y.is_none()) {
    throw nb::value_error("the loss 'custom' takes a batch_loss instead of y");
  }
  const std::string n = std::to_string(h.data.n_samples);
  if (!y.is_none()) {
    const View& view = add(View(y, false));
    if (view.has('i', 4) || view.has('i', 8)) {
      if (!takes_classes(shape.loss))
        throw nb::type_error("class indices are targets for cross_entropy and focal only");
      if (view.ndim() != 1 || view.dim(0) != h.data.n_samples) wrong_shape("y", view, "(" + n + ",)");
      rows.classes = view.data<void>();
      rows.wide_classes = view.has('i', 8);
      for (std::int64_t i = 0; i < h.data.n_samples; ++i) {
        const std::int64_t c = rows.wide_classes ? view.data<std::int64_t>()[i] : view.data<std::int32_t>()[i];
        if (c < 0 || c >= n_out)
          throw nb::value_error(
              ("class index " + std::to_string(c) + " is out of range for " + std::to_string(n_out) + " outputs")
                  .c_str());
      }
    } else {
      if (!view.has('f', sizeof(T)))
        throw nb::type_error(
            (std::string("y must be a ") + kDtypeName<T> + " array, or class indices (int32, int64)").c_str());
      if (view.ndim() != 2 || view.dim(0) != h.data.n_samples || view.dim(1) != n_out)
        wrong_shape("y", view, "(" + n + ", " + std::to_string(n_out) + ")");
      rows.targets = view.data<T>();
    }
  }
  if (!sample_weight.is_none()) {
    const View& view = add(floats<T>(sample_weight, "sample_weight"));
    if (view.ndim() != 1 || view.dim(0) != h.data.n_samples) wrong_shape("sample_weight", view, "(" + n + ",)");
    rows.sample_weight = view.data<T>();
  }
  return h;
}

const Shape& shape_of(const Dataset& dataset) { return nb::cast<Model&>(dataset.model).shape(); }

template <class T>
const Data<T>& checked(const Network<T>& network, const Dataset& dataset, bool labelled) {
  const Data<T>& data = dataset.of(network, shape_of(dataset));
  if (labelled && !data.labelled()) throw nb::value_error("the data have no targets y");
  if (labelled && data.n_samples == 0) throw nb::value_error("the data have no rows");
  return data;
}

template <class T>
nb::object forward(const Network<T>& network, nb::handle x, int n_threads) {
  const View view = floats<T>(x, "x");
  const Shape& shape = *network.shape;
  const std::int64_t n_in = shape.n_in(0), n_out = shape.sizes.back();
  if (view.ndim() == 1 && view.dim(0) == n_in) {
    nb::object out = new_array(kDtypeName<T>, nb::make_tuple(n_out));
    forward_row(shape, *network.kernels, network.data, view.data<T>(), View(out, true).data<T>());
    return out;
  }
  if (view.ndim() != 2 || view.dim(1) != n_in)
    wrong_shape("x", view, "(" + std::to_string(n_in) + ",) or (n_samples, " + std::to_string(n_in) + ")");
  nb::object out = new_array(kDtypeName<T>, nb::make_tuple(view.dim(0), n_out));
  const View to(out, true);
  Data<T> data;
  data.rows.n_features = n_in;
  data.rows.x = view.data<T>();
  data.n_samples = view.dim(0);
  const nb::gil_scoped_release unlocked;
  predict(shape, *network.kernels, network.data, data, to.data<T>(), n_threads);
  return out;
}

// ---- derivatives of each row -----------------------------------------------------------------------------------

// compute(network, data, out) fills a new array (n_samples, *tail).
template <class T, class Compute>
nb::object for_each_row(const Network<T>& network, const Dataset& dataset, bool labelled,
                        const std::vector<std::int64_t>& tail, Compute compute) {
  const Data<T>& data = checked(network, dataset, labelled);
  nb::list dims;
  dims.append(data.n_samples);
  for (const auto n : tail) dims.append(n);
  nb::object out = new_array(kDtypeName<T>, nb::tuple(dims));
  const View to(out, true);
  const nb::gil_scoped_release unlocked;
  compute(*network.shape, *network.kernels, network.data, data, to.data<T>());
  return out;
}

void define_derivatives(nb::class_<Model>& model) {
  const auto by_parameters = [](Model& self, const Dataset& dataset, int n_threads, bool norms) {
    return self.visit([&]<class T>(Network<T>& network) {
      std::vector<std::int64_t> tail;
      if (!norms) tail.push_back(network.shape->n_parameters());
      const auto f = norms ? per_sample_gradient_norms<T> : per_sample_gradients<T>;
      return for_each_row(network, dataset, true, tail, [&](const auto&... args) { f(args..., n_threads); });
    });
  };
  model
      .def(
          "input_gradients",
          [](Model& self, const Dataset& dataset, nb::handle cotangents, int n_threads) {
            return self.visit([&]<class T>(Network<T>& network) {
              const std::int64_t n_out = network.shape->sizes.back();
              std::optional<View> given;
              const T* from = nullptr;
              if (!cotangents.is_none()) {
                given.emplace(floats<T>(cotangents, "cotangents"));
                if (given->ndim() != 2 || given->dim(0) != dataset.n_samples() || given->dim(1) != n_out)
                  wrong_shape("cotangents", *given,
                              "(" + std::to_string(dataset.n_samples()) + ", " + std::to_string(n_out) + ")");
                from = given->data<T>();
              }
              return for_each_row(
                  network, dataset, !from, {network.shape->n_in(0)},
                  [&](const auto& shape, const auto& kernels, auto* parameters, const auto& data, T* out) {
                    input_gradients(shape, kernels, parameters, data, from, out, n_threads);
                  });
            });
          },
          "data"_a, "cotangents"_a = nb::none(), "n_threads"_a = 0)
      .def(
          "jacobian",
          [](Model& self, const Dataset& dataset, int n_threads) {
            return self.visit([&]<class T>(Network<T>& network) {
              return for_each_row(network, dataset, false, {network.shape->sizes.back(), network.shape->n_in(0)},
                                  [&](const auto&... args) { jacobian(args..., n_threads); });
            });
          },
          "data"_a, "n_threads"_a = 0)
      .def(
          "per_sample_gradients",
          [by_parameters](Model& self, const Dataset& data, int n) { return by_parameters(self, data, n, false); },
          "data"_a, "n_threads"_a = 0)
      .def(
          "per_sample_gradient_norms",
          [by_parameters](Model& self, const Dataset& data, int n) { return by_parameters(self, data, n, true); },
          "data"_a, "n_threads"_a = 0);
}

// ---- training ------------------------------------------------------------------------------------------------

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

template <class T>
nb::object run_epochs(Training& training, Trainer<T>& trainer, const Dataset& dataset, std::int64_t n_epochs,
                      const Order& order, nb::handle factors, const Stop* stop = nullptr) {
  Network<T>& network = training.network<T>();
  const Data<T>& data = checked(network, dataset, true);
  nb::object losses = new_array("float64", nb::make_tuple(n_epochs));
  const View out(losses, true);
  std::optional<View> rates;
  if (!factors.is_none()) {
    rates.emplace(factors, false);
    const std::int64_t batch = std::min(trainer.settings.batch_size, data.n_samples);
    const std::int64_t n_steps = n_epochs * ((data.n_samples + batch - 1) / batch);
    if (!rates->has('f', 8)) throw nb::type_error("factors must be a float64 array");
    if (rates->ndim() != 1 || rates->dim(0) != n_steps)
      wrong_shape("factors", *rates, "(" + std::to_string(n_steps) + ",), one per step");
  }
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
    stopped = trainer.epochs(network.data, data, n_epochs, order, out.data<double>(), interrupted,
                             rates ? rates->data<double>() : nullptr);
  }
  if (stopped) {
    if (!PyErr_Occurred()) PyErr_SetNone(PyExc_KeyboardInterrupt);
    throw nb::python_error();
  }
  return losses;
}

template <class T>
double run_epoch(Training& training, Trainer<T>& trainer, const Dataset& dataset, nb::handle order,
                 nb::handle factors) {
  Order by;
  View view;
  if (!order.is_none()) {
    View given(order, false);
    if (!given.has('i', 8)) throw nb::type_error("order must be an int64 array");
    const std::int64_t n = dataset.n_samples();
    if (given.ndim() != 1 || given.dim(0) != n) wrong_shape("order", given, "(" + std::to_string(n) + ",)");
    for (std::int64_t i = 0; i < n; ++i)
      if (given.data<std::int64_t>()[i] < 0 || given.data<std::int64_t>()[i] >= n)
        throw nb::value_error("order must be a permutation of 0 .. n_samples - 1");
    by.rows = given.data<std::int64_t>();
    nb::object losses = run_epochs(training, trainer, dataset, 1, by, factors);
    return View(losses, false).data<double>()[0];
  }
  nb::object losses = run_epochs(training, trainer, dataset, 1, by, factors);
  return View(losses, false).data<double>()[0];
}

nb::object get_state(Training& training) {
  return training.visit([&]<class T>(Trainer<T>& trainer) -> nb::object {
    nb::list state;
    for (int m = 0; m < trainer.n_moments(); ++m) {
      nb::object flat = new_array(kDtypeName<T>, nb::make_tuple(trainer.shape().n_parameters()));
      trainer.get_moment(m, View(flat, true).data<T>());
      state.append(flat);
    }
    return state;
  });
}

void set_state(Training& training, nb::sequence state) {
  training.visit([&]<class T>(Trainer<T>& trainer) {
    const std::int64_t n = trainer.shape().n_parameters();
    if (static_cast<int>(nb::len(state)) != trainer.n_moments())
      throw nb::value_error(("this optimizer keeps " + std::to_string(trainer.n_moments()) + " arrays, got " +
                             std::to_string(nb::len(state)))
                                .c_str());
    std::vector<View> views;
    for (int m = 0; m < trainer.n_moments(); ++m) {
      views.push_back(floats<T>(state[static_cast<std::size_t>(m)], "state"));
      if (views.back().ndim() != 1 || views.back().dim(0) != n)
        wrong_shape("state", views.back(), "(" + std::to_string(n) + ",)");
    }
    for (int m = 0; m < trainer.n_moments(); ++m)
      trainer.set_moment(m, views[static_cast<std::size_t>(m)].template data<T>());
  });
}

template <class T>
nb::object evaluate_function_of(const std::string& name, nb::handle x, const std::string& isa) {
  const View view = floats<T>(x, "x");
  if (view.ndim() != 1) wrong_shape("x", view, "(n,)");
  nb::object out = new_array(kDtypeName<T>, nb::make_tuple(view.dim(0)));
  if (!kernels_for<T>(isa)->evaluate_function(name.c_str(), view.data<T>(), View(out, true).data<T>(), view.dim(0)))
    throw std::invalid_argument("unknown function '" + name + "'");
  return out;
}

}  // namespace

NB_MODULE(_core, m) {
  nb::set_leak_warnings(false);  // objects that a test runner or a notebook still holds at exit are no leak
  nb::class_<Place>(m, "Place")
      .def_prop_ro("name", [](const Place& self) { return kLearned[self.kind].name; })
      .def_ro("layer", &Place::layer)
      .def_prop_ro("shape", [](const Place& self) { return shape_of(self); })
      .def_ro("offset", &Place::at)
      .def_prop_ro("size", &Place::size)
      .def_prop_ro("subtracted", [](const Place& self) { return kLearned[self.kind].subtracted; })
      .def_prop_ro("penalized", [](const Place& self) { return kLearned[self.kind].penalized; })
      .def_prop_ro("first", [](const Place& self) { return kLearned[self.kind].first; })
      .def("__repr__", [](const Place& self) {
        return nb::str("Place(name={!r}, layer={}, shape={}, offset={})")
            .format(kLearned[self.kind].name, self.layer, shape_of(self), self.at);
      });

  auto model = nb::class_<Model>(m, "Model");
  model
      .def(
          "__init__",
          [](Model* self, std::vector<std::int64_t> sizes, std::vector<std::string> activations, std::string loss,
             const std::string& dtype, int bias_sign, double probability_floor, double loss_divisor,
             std::vector<double> dropout, std::vector<bool> layer_norm, std::vector<bool> residual,
             const std::vector<double>& loss_parameters, std::optional<std::string> isa) {
            auto shape = std::make_shared<const Shape>(
                std::move(sizes), activations, loss, bias_sign, probability_floor, loss_divisor,
                LayerOptions{std::move(dropout), std::move(layer_norm), std::move(residual)}, loss_parameters);
            if (dtype == "float32")
              new (self) Model{Network<float>(shape, isa.value_or(""))};
            else if (dtype == "float64")
              new (self) Model{Network<double>(shape, isa.value_or(""))};
            else
              throw std::invalid_argument("dtype must be 'float32' or 'float64', got '" + dtype + "'");
          },
          "sizes"_a, "activations"_a, "loss"_a, nb::kw_only(), "dtype"_a = "float64", "bias_sign"_a = -1,
          "probability_floor"_a = 0.0, "loss_divisor"_a = 1.0, "dropout"_a = std::vector<double>(),
          "layer_norm"_a = std::vector<bool>(), "residual"_a = std::vector<bool>(),
          "loss_parameters"_a = std::vector<double>(), "isa"_a = nb::none())
      .def_prop_ro("sizes", [](const Model& self) { return self.shape().sizes; })
      .def_prop_ro("activations",
                   [](const Model& self) {
                     std::vector<std::string> names;
                     for (const auto a : self.shape().activations)
                       names.push_back(kActivationNames[static_cast<std::size_t>(a)]);
                     if (self.shape().group < self.shape().sizes.back())
                       names.back() += "(" + std::to_string(self.shape().group) + ")";
                     return names;
                   })
      .def_prop_ro("loss", [](const Model& self) { return loss_name(self.shape().loss); })
      .def_prop_ro("dtype", [](Model& self) { return self.visit([]<class T>(Network<T>&) { return kDtypeName<T>; }); })
      .def_prop_ro("isa", [](Model& self) { return self.visit([](auto& n) { return std::string(n.kernels->name); }); })
      .def_prop_ro("bias_sign", [](const Model& self) { return self.shape().bias_sign; })
      .def_prop_ro("dropout", [](const Model& self) { return self.shape().options.dropout; })
      .def_prop_ro("layer_norm", [](const Model& self) { return self.shape().options.layer_norm; })
      .def_prop_ro("residual", [](const Model& self) { return self.shape().options.residual; })
      .def_prop_ro("layout", [](const Model& self) { return self.shape().layout; })
      .def_prop_ro("parameters", [](Model& self) { return self.visit([](auto& n) { return n.parameters; }); })
      .def(
          "forward",
          [](Model& self, nb::handle x, int n_threads) {
            return self.visit([&](auto& n) { return forward(n, x, n_threads); });
          },
          nb::arg("x").none(), "n_threads"_a = 0)
      .def(
          "predict",
          [](Model& self, const Dataset& dataset, int n_threads) {
            return self.visit([&]<class T>(Network<T>& network) -> nb::object {
              const Data<T>& data = checked(network, dataset, false);
              nb::object out = new_array(kDtypeName<T>, nb::make_tuple(data.n_samples, network.shape->sizes.back()));
              const View to(out, true);
              const nb::gil_scoped_release unlocked;
              predict(*network.shape, *network.kernels, network.data, data, to.data<T>(), n_threads);
              return out;
            });
          },
          "data"_a, "n_threads"_a = 0)
      .def(
          "evaluate",
          [](Model& self, const Dataset& dataset, int n_threads) {
            return self.visit([&]<class T>(Network<T>& network) {
              const Data<T>& data = checked(network, dataset, true);
              const nb::gil_scoped_release unlocked;
              return evaluate(*network.shape, *network.kernels, network.data, data, n_threads);
            });
          },
          "data"_a, "n_threads"_a = 0)
      .def(
          "gradients",
          [](Model& self, const Dataset& dataset, nb::handle gradient, double l2, bool l2_over_rows, int n_threads) {
            return self.visit([&]<class T>(Network<T>& network) {
              const Data<T>& data = checked(network, dataset, true);
              const View out = floats<T>(gradient, "gradient", true);
              const std::int64_t n = network.shape->n_parameters();
              if (out.ndim() != 1 || out.dim(0) != n) wrong_shape("gradient", out, "(" + std::to_string(n) + ",)");
              const nb::gil_scoped_release unlocked;
              const std::unique_lock<std::mutex> alone(network.kept->busy, std::try_to_lock);
              Differentiator<T> fresh;  // where another thread has the model's own
              Differentiator<T>& differentiator = alone.owns_lock() ? network.kept->differentiator : fresh;
              return differentiator.gradients(*network.shape, *network.kernels, network.data, data, out.data<T>(), l2,
                                              l2_over_rows, n_threads);
            });
          },
          "data"_a, "gradient"_a, nb::kw_only(), "l2"_a = 0.0, "l2_over_rows"_a = false, "n_threads"_a = 0);

  define_derivatives(model);

  nb::class_<Dataset>(m, "Dataset")
      .def(
          "__init__",
          [](Dataset* self, nb::object model, nb::object x, nb::object y, nb::object sample_weight,
             nb::object batch_loss) {
            Model& of = nb::cast<Model&>(model);
            auto held = of.visit([&](auto& n) -> std::variant<DataHolder<float>, DataHolder<double>> {
              return hold(n, x, y, sample_weight, batch_loss);
            });
            new (self) Dataset{std::move(held), {x, y, sample_weight, batch_loss}, model};
          },
          "model"_a, nb::arg("x").none(), "y"_a = nb::none(), "sample_weight"_a = nb::none(),
          "batch_loss"_a = nb::none())
      .def_prop_ro("n_samples", &Dataset::n_samples);

  nb::class_<Stop>(m, "Stop")
      .def(nb::init<>())
      .def("set", [](Stop& self) { self.set.store(true, std::memory_order_relaxed); })
      .def("is_set", [](const Stop& self) { return self.set.load(std::memory_order_relaxed); });

  nb::class_<Training>(m, "Trainer")
      .def(
          "__init__",
          [](Training* self, nb::object model, const std::string& optimizer, std::int64_t batch_size,
             std::uint64_t dropout_seed, const std::string& precision, std::vector<double> learning_rate_factors,
             int n_threads, nb::kwargs numbers) {
            Settings settings;
            settings.optimizer = static_cast<Optimizer>(1 + position(kOptimizerNames, optimizer, "optimizer"));
            settings.batch_size = batch_size;
            settings.dropout_seed = dropout_seed;
            settings.learning_rate_factors = std::move(learning_rate_factors);
            for (const auto [name, value] : numbers)
              if (!set(settings, nb::cast<std::string>(name), nb::cast<double>(value)))
                throw nb::type_error(("unknown setting '" + nb::cast<std::string>(name) + "'").c_str());
            settings.bf16 = position(kPrecisionNames, precision, "precision") == 1;
            settings.n_threads = n_threads;
            nb::cast<Model&>(model).visit([&]<class T>(Network<T>& network) {
              auto trainer = std::make_unique<Trainer<T>>(network.shape, *network.kernels, settings);
              new (self) Training{std::move(trainer), model};
            });
          },
          "model"_a, "optimizer"_a, nb::kw_only(), "batch_size"_a, "dropout_seed"_a = 0, "precision"_a = "full",
          "learning_rate_factors"_a = std::vector<double>{}, "n_threads"_a = 0, "numbers"_a)
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
      .def(
          "epoch",
          [](Training& self, const Dataset& data, nb::object order, nb::object factors) {
            return self.visit([&](auto& t) { return run_epoch(self, t, data, order, factors); });
          },
          "data"_a, "order"_a = nb::none(), nb::kw_only(), "factors"_a = nb::none())
      .def(
          "epochs",
          [](Training& self, const Dataset& data, std::int64_t n_epochs, bool shuffle, std::uint64_t seed,
             std::uint64_t first_epoch, nb::object factors, const Stop* stop) {
            if (n_epochs < 0) throw nb::value_error("n_epochs must not be negative");
            const Order order{nullptr, shuffle, seed, first_epoch};
            return self.visit([&](auto& t) { return run_epochs(self, t, data, n_epochs, order, factors, stop); });
          },
          "data"_a, "n_epochs"_a, nb::kw_only(), "shuffle"_a = true, "seed"_a = 0, "first_epoch"_a = 0,
          "factors"_a = nb::none(), "stop"_a = nb::none());

  m.def(
      "permutation",
      [](std::int64_t n, std::uint64_t seed, std::uint64_t epoch) {
        if (n < 0) throw nb::value_error("n must not be negative");
        nb::object out = new_array("int64", nb::make_tuple(n));
        const View to(out, true);
        const Permutation permutation(n, seed, epoch);
        for (std::int64_t i = 0; i < n; ++i) to.data<std::int64_t>()[i] = permutation(i);
        return out;
      },
      "n"_a, "seed"_a, "epoch"_a);
  m.def(
      "dropout_mask",
      [](std::int64_t n_rows, std::int64_t n_units, double rate, std::uint64_t seed, std::int64_t step, int layer) {
        if (n_rows < 0 || n_units < 0 || !(rate >= 0 && rate < 1))
          throw nb::value_error("n_rows and n_units must not be negative, and rate must lie in [0, 1)");
        nb::object out = new_array("float64", nb::make_tuple(n_rows, n_units));
        double* to = View(out, true).data<double>();
        for (std::int64_t r = 0; r < n_rows; ++r) {
          const RowKey key = row_key(layer_key(step_key(seed, step), layer), r);
          for (std::int64_t j = 0; j < n_units; ++j) {
            const std::uint32_t half = unit_bits(key, static_cast<std::uint32_t>(j)) >> 1;
            *to++ = static_cast<std::int32_t>(half) < drop_below(rate) ? 0 : 1 / (1 - rate);
          }
        }
        return out;
      },
      "n_rows"_a, "n_units"_a, "rate"_a, nb::kw_only(), "seed"_a, "step"_a, "layer"_a);
  m.def("isa", &default_isa);
  m.def("available_isas", &available_isas);
  m.def("max_threads", &max_threads);
  m.def("learned", [] {
    std::vector<std::string> names;
    for (const Learned& learned : kLearned) names.emplace_back(learned.name);
    return names;
  });
  m.def(
      "layout",
      [](std::vector<std::int64_t> sizes, const std::vector<std::string>& activations, std::vector<bool> layer_norm) {
        return Shape(std::move(sizes), activations, "squared_error", -1, 0, 1,
                     LayerOptions{{}, std::move(layer_norm), {}})
            .layout;
      },
      "sizes"_a, "activations"_a, nb::kw_only(), "layer_norm"_a = std::vector<bool>());
  m.def("activations", [] { return kActivationNames; });
  m.def("losses", [] { return kLossNames; });
  m.def("optimizers", [] { return kOptimizerNames; });
  m.def("functions", [] {
#define CHAINRULE_NAME(f) #f,
    return std::vector<std::string>{CHAINRULE_FUNCTIONS(CHAINRULE_NAME)};
#undef CHAINRULE_NAME
  });
  m.def(
      "evaluate_function",
      [](const std::string& name, nb::object x, std::optional<std::string> isa) {
        const bool single = View(x, false).has('f', 4);
        return single ? evaluate_function_of<float>(name, x, isa.value_or(""))
                      : evaluate_function_of<double>(name, x, isa.value_or(""));
      },
      "name"_a, "x"_a, "isa"_a = nb::none());
}

}  // namespace chainrule
