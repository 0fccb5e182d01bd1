// Model's derivatives of each row by itself.
#include "../derivatives.hpp"

#include <optional>

#include "model.hpp"

namespace chainrule::bindings {

using namespace nb::literals;

namespace {

// compute(shape, kernels, parameters, data, out) fills a new array (n_samples, ...), whose other dimensions are `tail`.
template <class T, class Compute>
nb::object for_each_row(const Network<T>& network, const Dataset& dataset, bool labeled, Dims tail, Compute compute) {
  const Data<T>& data = dataset.of(network, labeled);
  std::vector<std::int64_t> dims(tail);
  dims.insert(dims.begin(), data.n_samples);
  const NewArray<T> out(dims.data(), dims.size());
  const nb::gil_scoped_release unlocked;
  compute(*network.shape, *network.kernels, network.data, data, out.data);
  return out.array;
}

nb::object input_gradients_of(Model& self, const Dataset& dataset, nb::handle cotangents, int n_threads) {
  return self.visit([&]<class T>(Network<T>& network) {
    std::optional<View> given;
    const T* from = nullptr;
    if (!cotangents.is_none()) {
      given.emplace(floats<T>(cotangents, "cotangents"));
      check_shape("cotangents", *given, {dataset.n_samples(), network.n_out()});
      from = given->data<T>();
    }
    return for_each_row(network, dataset, !from, {network.n_in()},
                        [&](const auto& shape, const auto& kernels, auto* parameters, const auto& data, T* out) {
                          input_gradients(shape, kernels, parameters, data, from, out, n_threads);
                        });
  });
}

nb::object jacobian_of(Model& self, const Dataset& dataset, int n_threads) {
  return self.visit([&](auto& network) {
    return for_each_row(network, dataset, false, {network.n_out(), network.n_in()},
                        [&](const auto&... args) { jacobian(args..., n_threads); });
  });
}

nb::object per_sample_gradients_of(Model& self, const Dataset& dataset, int n_threads) {
  return self.visit([&](auto& network) {
    return for_each_row(network, dataset, true, {network.shape->n_parameters()},
                        [&](const auto&... args) { per_sample_gradients(args..., n_threads); });
  });
}

nb::object per_sample_gradient_norms_of(Model& self, const Dataset& dataset, int n_threads) {
  return self.visit([&](auto& network) {
    return for_each_row(network, dataset, true, {},
                        [&](const auto&... args) { per_sample_gradient_norms(args..., n_threads); });
  });
}

}  // namespace

void define_derivatives(nb::class_<Model>& model) {
  model.def("input_gradients", &input_gradients_of, "data"_a, "cotangents"_a = nb::none(), "n_threads"_a = 0)
      .def("jacobian", &jacobian_of, "data"_a, "n_threads"_a = 0)
      .def("per_sample_gradients", &per_sample_gradients_of, "data"_a, "n_threads"_a = 0)
      .def("per_sample_gradient_norms", &per_sample_gradient_norms_of, "data"_a, "n_threads"_a = 0);
}

}  // namespace chainrule::bindings
