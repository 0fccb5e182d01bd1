// Model: a network's shape and parameters, its outputs, losses and gradients.
#include "model.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <optional>
#include <tuple>

#include "../dispatch.hpp"
#include "../names.hpp"

namespace chainrule::bindings {

using namespace nb::literals;

template <class T>
Network<T>::Network(std::shared_ptr<const Shape> shape_, const std::string& isa)
    : shape(std::move(shape_)), kernels(kernels_for<T>(isa)) {
  const std::int64_t n = shape->n_parameters();
  static nb::object zeros = nb::module_::import_("numpy").attr("zeros");
  nb::object whole = zeros(n + 64 / static_cast<std::int64_t>(sizeof(T)), kDtypeName<T>);
  parameters = whole[nb::slice(nb::int_(0), nb::int_(n), nb::none())];
  data = View(parameters, true).template data<T>();
  write_first_values(*shape, data);
}

namespace {

// use(the network's kept workspace), or use(nullptr) where another thread has it.
template <class T, class Use>
auto with_kept_rows(const Network<T>& network, Use use) {
  const std::unique_lock<std::mutex> alone(network.kept->busy, std::try_to_lock);
  return use(alone.owns_lock() ? &network.kept->rows : nullptr);
}

template <class T>
void predict_rows(const Network<T>& network, const Data<T>& data, T* out, int n_threads) {
  const nb::gil_scoped_release unlocked;
  with_kept_rows(network, [&](KeptRows<T>* kept) {
    predict(*network.shape, *network.kernels, network.data, data, out, n_threads, kept);
  });
}

template <class T>
nb::object forward(const Network<T>& network, nb::handle x, int n_threads) {
  const View view = floats<T>(x, "x");
  const std::int64_t n_in = network.n_in(), n_out = network.n_out();
  if (has_shape(view, {n_in})) {
    const NewArray<T> out({n_out});
    forward_row(*network.shape, *network.kernels, network.data, view.data<T>(), out.data);
    return out.array;
  }
  if (!has_shape(view, {kSamples, n_in}))
    wrong_shape("x", view, shape_text({n_in}) + " or " + shape_text({kSamples, n_in}));
  const NewArray<T> out({view.dim(0), n_out});
  Data<T> data;
  data.rows.n_features = n_in;
  data.rows.x = view.data<T>();
  data.n_samples = view.dim(0);
  predict_rows(network, data, out.data, n_threads);
  return out.array;
}

// Weighted sum of the outputs of several networks for the same rows, in their order.
template <class T>
nb::object weighted_sum(const std::vector<Model*>& models, const std::vector<double>& weights, nb::handle x,
                        int n_threads) {
  std::vector<const Network<T>*> networks;
  for (Model* model : models) {
    const auto* network = model ? std::get_if<Network<T>>(&model->network) : nullptr;
    if (!network) throw nb::type_error("models must be networks of one dtype");
    networks.push_back(network);
  }
  const std::int64_t n_in = networks[0]->n_in(), n_out = networks[0]->n_out();
  for (const auto* network : networks)
    if (network->n_in() != n_in || network->n_out() != n_out)
      throw std::invalid_argument("models must have as many inputs and outputs each");
  const View view = floats<T>(x, "x");
  if (!has_shape(view, {kSamples, n_in})) wrong_shape("x", view, shape_text({kSamples, n_in}));
  Data<T> data;
  data.rows.n_features = n_in;
  data.rows.x = view.data<T>();
  data.n_samples = view.dim(0);
  const std::int64_t size = data.n_samples * n_out;
  const NewArray<double> total({data.n_samples, n_out});
  const nb::gil_scoped_release unlocked;
  std::fill_n(total.data, size, 0.0);
  std::vector<T> outputs(static_cast<std::size_t>(size));
  for (std::size_t k = 0; k < networks.size(); ++k) {
    const Network<T>& network = *networks[k];
    with_kept_rows(network, [&](KeptRows<T>* kept) {
      predict(*network.shape, *network.kernels, network.data, data, outputs.data(), n_threads, kept);
    });
    for (std::int64_t j = 0; j < size; ++j)
      total.data[j] += weights[k] * static_cast<double>(outputs[static_cast<std::size_t>(j)]);
  }
  return total.array;
}

template <class T>
nb::object predict_all(const Network<T>& network, const Dataset& dataset, int n_threads) {
  const Data<T>& data = dataset.of(network, false);
  const NewArray<T> out({data.n_samples, network.n_out()});
  predict_rows(network, data, out.data, n_threads);
  return out.array;
}

template <class T>
double loss_of_all(const Network<T>& network, const Dataset& dataset, int n_threads) {
  const Data<T>& data = dataset.of(network, true);
  const nb::gil_scoped_release unlocked;
  return with_kept_rows(network, [&](KeptRows<T>* kept) {
    return evaluate(*network.shape, *network.kernels, network.data, data, n_threads, kept);
  });
}

template <class T>
double gradients(const Network<T>& network, const Dataset& dataset, nb::handle gradient, double l2, bool l2_over_rows,
                 int n_threads) {
  const Data<T>& data = dataset.of(network, true);
  const View out = floats<T>(gradient, "gradient", true);
  check_shape("gradient", out, {network.shape->n_parameters()});
  const nb::gil_scoped_release unlocked;
  const std::unique_lock<std::mutex> alone(network.kept->busy, std::try_to_lock);
  Differentiator<T> fresh;  // where another thread has the model's own
  Differentiator<T>& differentiator = alone.owns_lock() ? network.kept->differentiator : fresh;
  return differentiator.gradients(*network.shape, *network.kernels, network.data, data, out.data<T>(), l2, l2_over_rows,
                                  n_threads);
}

std::vector<std::string> activations(const Shape& shape) {
  std::vector<std::string> names;
  for (const auto a : shape.activations) names.push_back(name_of(a));
  if (shape.group < shape.sizes.back()) names.back().append("(").append(std::to_string(shape.group)).append(")");
  return names;
}

// An input layer as Python gives it: kind, columns, and the other members of InputLayer up to the edges.
using GivenInput = std::tuple<std::string, std::vector<std::int64_t>, std::int64_t, std::int64_t, std::vector<double>>;

std::vector<InputLayer> input_layers(const std::vector<GivenInput>& given) {
  std::vector<InputLayer> layers;
  for (const auto& [kind, columns, n_inner, n_each, edges] : given)
    layers.push_back({input_of(kind), columns, n_inner, n_each, edges});
  return layers;
}

nb::tuple dims_of(const Place& place) {
  return place.vector() ? nb::make_tuple(place.columns) : nb::make_tuple(place.rows, place.columns);
}

void define_place(nb::module_& m) {
  const auto learned = [](const Place& place) -> const Learned& { return kLearned[place.kind]; };
  nb::class_<Place>(m, "Place")
      .def_prop_ro("name", [learned](const Place& self) { return learned(self).name; })
      .def_ro("layer", &Place::layer)
      .def_prop_ro("of_input", &Place::of_input)
      .def_prop_ro("shape", &dims_of)
      .def_ro("offset", &Place::at)
      .def_prop_ro("size", &Place::size)
      .def_prop_ro("subtracted", [learned](const Place& self) { return learned(self).subtracted; })
      .def_prop_ro("penalized", [learned](const Place& self) { return learned(self).penalized; })
      .def_prop_ro("first", [learned](const Place& self) { return learned(self).first; })
      .def("__repr__", [learned](const Place& self) {
        return nb::str("Place(name={!r}, layer={}, shape={}, offset={})")
            .format(learned(self).name, self.layer, dims_of(self), self.at);
      });
  m.def("learned", [] {
    std::vector<std::string> names;
    for (int kind = 0; kind < kFirstInput; ++kind) names.emplace_back(kLearned[kind].name);
    return names;
  });
  m.def(
      "layout",
      [](std::vector<std::int64_t> sizes, const std::vector<std::string>& activations, std::vector<bool> layer_norm,
         std::vector<bool> parametric, const std::vector<GivenInput>& inputs) {
        const LayerOptions options{{}, std::move(layer_norm), {}, std::move(parametric)};
        return Shape(std::move(sizes), activations, "squared_error", -1, 0, 1, options, {}, input_layers(inputs))
            .layout;
      },
      "sizes"_a, "activations"_a, nb::kw_only(), "layer_norm"_a = std::vector<bool>(),
      "parametric"_a = std::vector<bool>(), "inputs"_a = std::vector<GivenInput>());
}

}  // namespace

void define_model(nb::module_& m) {
  define_place(m);
  auto model = nb::class_<Model>(m, "Model");
  model
      .def(
          "__init__",
          [](Model* self, std::vector<std::int64_t> sizes, const std::vector<std::string>& activations,
             const std::string& loss, const std::string& dtype, int bias_sign, double probability_floor,
             double loss_divisor, std::vector<double> dropout, std::vector<bool> layer_norm, std::vector<bool> residual,
             std::vector<bool> parametric, const std::vector<GivenInput>& inputs,
             const std::vector<double>& loss_parameters, const std::optional<std::string>& isa) {
            auto shape = std::make_shared<const Shape>(
                std::move(sizes), activations, loss, bias_sign, probability_floor, loss_divisor,
                LayerOptions{std::move(dropout), std::move(layer_norm), std::move(residual), std::move(parametric)},
                loss_parameters, input_layers(inputs));
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
          "parametric"_a = std::vector<bool>(), "inputs"_a = std::vector<GivenInput>(),
          "loss_parameters"_a = std::vector<double>(), "isa"_a = nb::none())
      .def_prop_ro("sizes", [](const Model& self) { return self.shape().sizes; })
      .def_prop_ro("activations", [](const Model& self) { return activations(self.shape()); })
      .def_prop_ro("loss", [](const Model& self) { return entry_of(self.shape().loss).name; })
      .def_prop_ro("dtype", [](Model& self) { return self.visit([]<class T>(Network<T>&) { return kDtypeName<T>; }); })
      .def_prop_ro("isa", [](Model& self) { return self.visit([](auto& n) { return std::string(n.kernels->name); }); })
      .def_prop_ro("bias_sign", [](const Model& self) { return self.shape().bias_sign; })
      .def_prop_ro("dropout", [](const Model& self) { return self.shape().options.dropout; })
      .def_prop_ro("layer_norm", [](const Model& self) { return self.shape().options.layer_norm; })
      .def_prop_ro("residual", [](const Model& self) { return self.shape().options.residual; })
      .def_prop_ro("parametric", [](const Model& self) { return self.shape().options.parametric; })
      .def_prop_ro("n_1", [](const Model& self) { return self.shape().n_in(0); })
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
          [](Model& self, const Dataset& data, int n_threads) {
            return self.visit([&](auto& n) { return predict_all(n, data, n_threads); });
          },
          "data"_a, "n_threads"_a = 0)
      .def(
          "evaluate",
          [](Model& self, const Dataset& data, int n_threads) {
            return self.visit([&](auto& n) { return loss_of_all(n, data, n_threads); });
          },
          "data"_a, "n_threads"_a = 0)
      .def(
          "gradients",
          [](Model& self, const Dataset& data, nb::handle gradient, double l2, bool l2_over_rows, int n_threads) {
            return self.visit([&](auto& n) { return gradients(n, data, gradient, l2, l2_over_rows, n_threads); });
          },
          "data"_a, "gradient"_a, nb::kw_only(), "l2"_a = 0.0, "l2_over_rows"_a = false, "n_threads"_a = 0);
  define_derivatives(model);
  m.def(
      "weighted_sum",
      [](const std::vector<Model*>& models, const std::vector<double>& weights, nb::handle x, int n_threads) {
        if (models.empty() || models.size() != weights.size())
          throw std::invalid_argument("expected at least one model, and a weight for each");
        const bool single = models[0] && std::holds_alternative<Network<float>>(models[0]->network);
        return single ? weighted_sum<float>(models, weights, x, n_threads)
                      : weighted_sum<double>(models, weights, x, n_threads);
      },
      "models"_a, "weights"_a, nb::arg("x").none(), "n_threads"_a = 0);
}

template struct Network<float>;
template struct Network<double>;

}  // namespace chainrule::bindings
