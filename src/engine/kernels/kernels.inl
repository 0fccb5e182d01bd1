// The body of every instruction set's build: this file, and those it includes, compiled once per file in isa/.

#include "../engine.hpp"
#include "../counter.hpp"
#include "simd.inl"
#include "math.inl"
#include "tiny.inl"
#include "tiles.inl"
#include "lanes.inl"
#include "pairs.inl"
#include "activations.inl"
#include "losses.inl"
#include "softmax.inl"
#include "ordered.inl"
#include "output.inl"
#include "narrow.inl"
#include "layers.inl"
#include "inputs.inl"
#include "rows.inl"
#include "custom.inl"
#include "optimizers.inl"
#include "weights.inl"
#include "forward.inl"
#include "derivatives.inl"

namespace {

template <class T, class F>
CHAINRULE_INLINE void map(F f, const T* x, T* y, int64_t n) {
  constexpr int w = Simd<T>::width;
  for (int64_t i = 0; i < n; i += w) {
    const int64_t lanes = smaller(w, n - i);
    store_first(y + i, f(load_first(x + i, lanes)), lanes);
  }
}

// The functions of math.inl by name, for their tests.
template <class T>
bool evaluate_function(const char* name, const T* x, T* y, int64_t n) {
  const auto is = [&](const char* other) { return __builtin_strcmp(name, other) == 0; };
#define CHAINRULE_FUNCTION(f) \
  if (is(#f)) return map<T>([](Vec<T> v) { return f<T>(v); }, x, y, n), true;
  CHAINRULE_FUNCTIONS(CHAINRULE_FUNCTION)
#undef CHAINRULE_FUNCTION
  return false;
}

template <class T>
constexpr chainrule::Kernels<T> step_kernels(const char* name) {
  return {.name = name,
          .width = Simd<T>::width,
          .panel = kPanel<T>,
          .tile_rows = kTileRows,
          .pairs = kPairs,
          .keeps_net = keeps_net<T>,
          .rows_phase = rows_phase<T>,
          .rows_forward = rows_forward<T>,
          .rows_backward = rows_backward<T>,
          .weights_phase = weights_phase<T>,
          .inputs_phase = inputs_phase<T>,
          .row_steps = row_steps<T>,
          .norms_phase = norms_phase<T>,
          .predict_rows = nullptr,
          .evaluate_rows = nullptr,
          .derive_rows = nullptr,
          .forward_row = nullptr,
          .input_row = nullptr,
          .evaluate_function = nullptr};
}

template <class T>
constexpr chainrule::Kernels<T> kernels(const char* name) {
  chainrule::Kernels<T> table = step_kernels<T>(name);
  table.predict_rows = predict_rows<T>;
  table.evaluate_rows = evaluate_rows<T>;
  table.derive_rows = derive_rows<T>;
  table.forward_row = forward_row<T>;
  table.input_row = input_row<T>;
  table.evaluate_function = evaluate_function<T>;
  return table;
}

}  // namespace

// Defines the two entry points of this build, e.g. avx2_kernels<float>().
#define CHAINRULE_DEFINE_KERNELS(isa)                               \
  namespace chainrule {                                             \
  template <>                                                       \
  const Kernels<float>* isa##_kernels<float>() {                    \
    static constexpr Kernels<float> table = kernels<float>(#isa);   \
    return &table;                                                  \
  }                                                                 \
  template <>                                                       \
  const Kernels<double>* isa##_kernels<double>() {                  \
    static constexpr Kernels<double> table = kernels<double>(#isa); \
    return &table;                                                  \
  }                                                                 \
  }
