// Functions of the module that need no model: names, instruction sets, shuffles, masks, elementary functions.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <bit>
#include <limits>
#include <optional>
#include <type_traits>

#include "../counter.hpp"
#include "../dispatch.hpp"
#include "../names.hpp"
#include "../parallel.hpp"
#include "../permutation.hpp"
#include "model.hpp"

namespace chainrule::bindings {

using namespace nb::literals;

namespace {

nb::object shuffled(std::int64_t n, std::uint64_t seed, std::uint64_t epoch) {
  if (n < 0) throw std::invalid_argument("n must not be negative");
  const NewArray<std::int64_t> out({n});
  const Permutation permutation(n, seed, epoch);
  for (std::int64_t i = 0; i < n; ++i) out.data[i] = permutation(i);
  return out.array;
}

nb::object dropout_mask(std::int64_t n_rows, std::int64_t n_units, double rate, std::uint64_t seed, std::int64_t step,
                        int layer, std::optional<int> block) {
  if (n_rows < 0 || n_units < 0 || !(rate >= 0 && rate < 1))
    throw std::invalid_argument("n_rows and n_units must not be negative, and rate must lie in [0, 1)");
  const NewArray<double> out({n_rows, n_units});
  double* to = out.data;
  const std::uint64_t of_step = step_key(seed, step), of_rows = block ? block_key(of_step, *block) : of_step;
  for (std::int64_t r = 0; r < n_rows; ++r) {
    const RowKey key = row_key(layer_key(of_rows, layer), r);
    for (std::int64_t j = 0; j < n_units; ++j) {
      const std::uint32_t half = unit_bits(key, static_cast<std::uint32_t>(j)) >> 1;
      *to++ = static_cast<std::int32_t>(half) < drop_below(rate) ? 0 : 1 / (1 - rate);
    }
  }
  return out.array;
}

template <class T>
nb::object evaluate_in(const std::string& name, nb::handle x, const std::string& isa) {
  const View view = floats<T>(x, "x");
  if (view.ndim() != 1) wrong_shape("x", view, "(n,)");
  const NewArray<T> out({view.dim(0)});
  if (!kernels_for<T>(isa)->evaluate_function(name.c_str(), view.data<T>(), out.data, view.dim(0)))
    throw std::invalid_argument("unknown function '" + name + "'");
  return out.array;
}

nb::object evaluate_function(const std::string& name, nb::handle x, const std::optional<std::string>& isa) {
  const bool single = View(x, false).has('f', 4);
  return single ? evaluate_in<float>(name, x, isa.value_or("")) : evaluate_in<double>(name, x, isa.value_or(""));
}

// Adding one to the exponent of infinity or NaN reaches the sign.
template <class T>
bool all_finite(const T* x, std::int64_t n) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  constexpr Bits exponent = std::bit_cast<Bits>(std::numeric_limits<T>::infinity()), one = exponent & -exponent;
  Bits sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum |= (std::bit_cast<Bits>(x[i]) & exponent) + one;
  return (sum & ~(one - 1 + exponent)) == 0;
}

bool is_finite(nb::handle x) {
  const View view(x, false);
  const bool single = view.has('f', 4);
  if (!single && !view.has('f', 8)) throw nb::type_error("x must be a float32 or float64 array");
  std::int64_t n = 1;
  for (int i = 0; i < view.ndim(); ++i) n *= view.dim(i);
  const nb::gil_scoped_release unlocked;
  return single ? all_finite(view.data<float>(), n) : all_finite(view.data<double>(), n);
}

}  // namespace

void define_functions(nb::module_& m) {
  m.def("permutation", &shuffled, "n"_a, "seed"_a, "epoch"_a);
  m.def("dropout_mask", &dropout_mask, "n_rows"_a, "n_units"_a, "rate"_a, nb::kw_only(), "seed"_a, "step"_a, "layer"_a,
        "block"_a = nb::none());
  m.def("isa", &default_isa);
  m.def("available_isas", &available_isas);
  m.def("max_threads", &max_threads);
  m.def("is_finite", &is_finite, "x"_a);
  m.def("activations", [] { return kActivationNames; });
  m.def("losses", [] { return kLossNames; });
  m.def("optimizers", [] { return kOptimizerNames; });
  m.def("functions", [] { return kFunctionNames; });
  m.def("evaluate_function", &evaluate_function, "name"_a, "x"_a, "isa"_a = nb::none());
}

}  // namespace chainrule::bindings
