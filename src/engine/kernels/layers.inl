// What a hidden layer may have beside E1 and E2, in this order: E8 (layer normalization), f (E2; prelu has slopes, E12 alphas), E10
// (dropout, in training), E9 (residual connection). A layer with none of them never comes here.

namespace {

using chainrule::kAlpha;
using chainrule::kGain;
using chainrule::kShift;
using chainrule::kSlope;
using chainrule::LearnedVector;

// --- f with or without a vector that is learned -------------------------------------------------------------------
//
// Such an f has the vector's numbers and its name in Layer::vectors; `value` and `derivative`, which take the units from
// `column` on; and `by_vector`, the derivative by the vector, from dE/dy.

template <class T>
struct Prelu {  // He et al. 2015; the sign of net decides, because a slope may be negative
  static constexpr bool keeps_net = true;
  static constexpr chainrule::Vector vector = kSlope;
  const T* slope;
  CHAINRULE_INLINE Vec<T> value(Vec<T> net, int64_t column) const {
    return net > zeros<T>() ? net : net * load(slope + column);
  }
  CHAINRULE_INLINE Vec<T> derivative(Vec<T> net, int64_t column) const {
    return net > zeros<T>() ? broadcast(T(1)) : load(slope + column);
  }
  CHAINRULE_INLINE Vec<T> by_vector(Vec<T> g, Vec<T> net) const { return g * min(zeros<T>(), net); }
};

// E12: x + alpha (sigma(x) - x), as (1 - alpha) x + alpha sigma(x), which is sigma(x) where alpha is 1. Both net and
// sigma(net) are kept.
template <class T, class F>
struct Parametric {
  using Sigma = F;
  static constexpr bool keeps_net = true;
  static constexpr chainrule::Vector vector = kAlpha;
  const T* alpha;
  CHAINRULE_INLINE Vec<T> value(Vec<T> net, Vec<T> sigma, int64_t column) const {
    const Vec<T> a = load(alpha + column);
    return fma(a, sigma, (broadcast(T(1)) - a) * net);
  }
  CHAINRULE_INLINE Vec<T> value(Vec<T> net, int64_t column) const {
    return value(net, factor_value<T>(F{}, net), column);
  }
  CHAINRULE_INLINE Vec<T> derivative(Vec<T> net, Vec<T> sigma, int64_t column) const {
    const Vec<T> a = load(alpha + column);
    return fma(a, F::derivative(F::keeps_net ? net : sigma), broadcast(T(1)) - a);
  }
  CHAINRULE_INLINE Vec<T> by_vector(Vec<T> g, Vec<T> net, Vec<T> sigma) const { return g * (sigma - net); }
};

template <class F>
constexpr bool kLearns = requires { F::vector; };
template <class F>
constexpr bool kBlends = false;
template <class T, class F>
constexpr bool kBlends<Parametric<T, F>> = true;

// f and f' of the units from `column` on.
template <class T, class F>
CHAINRULE_INLINE Vec<T> value_at(F f, Vec<T> net, int64_t column) {
  if constexpr (kLearns<F>)
    return f.value(net, column);
  else
    return factor_value<T>(f, net);
}
template <class T, class F>
CHAINRULE_INLINE Vec<T> derivative_at(F f, Vec<T> kept, int64_t column) {
  if constexpr (kLearns<F>)
    return f.derivative(kept, column);
  else
    return f.derivative(kept);
}

// values_of(vector): a layer's numbers.
template <class T, class Values, class Use>
CHAINRULE_INLINE void with_hidden_activation(Activation activation, Values values_of, Use use) {
  if (activation == Activation::prelu) return use(Prelu<T>{values_of(kSlope)});
  if (const T* alpha = values_of(kAlpha))
    return with_activation<T>(activation, [&](auto f) { use(Parametric<T, decltype(f)>{alpha}); });
  return with_activation<T>(activation, use);
}

// --- E8 ---------------------------------------------------------------------------------------------------------

template <class T>
struct RowMoments {  // of a row's units: one value in every lane; scale is 1 / sqrt(variance + 1e-5)
  Vec<T> mean, scale;
};

template <class T>
CHAINRULE_INLINE RowMoments<T> row_moments(int64_t n, RowOf<T> net_of) {
  const Vec<T> count = broadcast(static_cast<T>(n));
  RowSum<T> sum, squares;
  for (int64_t v = 0; v < vectors<T>(n); ++v) sum.add(v, keep_valid<T>(load(net_of(v)), v, n));
  const Vec<T> mean = sum.total() / count;
  for (int64_t v = 0; v < vectors<T>(n); ++v) {
    const Vec<T> centered = keep_valid<T>(load(net_of(v)) - mean, v, n);
    squares.add(v, centered * centered);
  }
  const Vec<T> variance = squares.total() / count + broadcast(T(chainrule::kNormEpsilon));
  return {mean, broadcast(T(1)) / sqrt(variance)};
}

template <class T>
CHAINRULE_INLINE Vec<T> scaled_and_shifted(Vec<T> normalized, const T* gain, const T* shift) {
  return fma(load(gain), normalized, load(shift));
}

// net - bias becomes z, in place.
template <class T>
void norm_rows_forward(const Step<T>& s, const Layer<T>& layer, int64_t r0, int64_t r1) {
  constexpr int w = Simd<T>::width;
  const int64_t n = layer.n_out;
  for (int64_t r = r0; r < r1; ++r) {
    const RowOf<T> row{layer.output + r * kPanel<T>, s.batch.stride};
    const RowOf<T> normalized_of{layer.normalized ? layer.normalized + r * kPanel<T> : nullptr, s.batch.stride};
    for (int64_t v = 0; v < vectors<T>(n); ++v) store(row(v), load(row(v)) - load(layer.vectors[kBias].values + v * w));
    const RowMoments<T> m = row_moments<T>(n, row);
    if (layer.normalized) layer.row_scale[r] = m.scale[0];
    for (int64_t v = 0; v < vectors<T>(n); ++v) {
      const Vec<T> normalized = keep_valid<T>((load(row(v)) - m.mean) * m.scale, v, n);
      if (layer.normalized) store(normalized_of(v), normalized);
      store(row(v), scaled_and_shifted<T>(normalized, layer.vectors[kGain].values + v * w,
                                          layer.vectors[kShift].values + v * w));
    }
  }
}

// dE/dz becomes delta = (g - mean(g) - n mean(g o n)) scale, g = dE/dz o gain.
template <class T>
void norm_rows_backward(const Step<T>& s, const Layer<T>& layer, int64_t r0, int64_t r1) {
  const int64_t n = layer.n_out;
  const Vec<T> count = broadcast(static_cast<T>(n));
  for (int64_t r = r0; r < r1; ++r) {
    const int64_t place = r * kPanel<T>;
    const RowOf<T> from{layer.norm_delta + place, s.batch.stride}, to{layer.delta + place, s.batch.stride};
    const RowOf<T> normalized_of{layer.normalized + place, s.batch.stride};
    RowSum<T> sum, product;
    for (int64_t v = 0; v < vectors<T>(n); ++v) {
      const Vec<T> g =
          load(from(v)) * load(layer.vectors[kGain].values + v * Simd<T>::width);  // 0 beyond the last column
      sum.add(v, g);
      product.add(v, g * load(normalized_of(v)));
      store(to(v), g);
    }
    const Vec<T> mean = sum.total() / count, along = product.total() / count, scale = broadcast(layer.row_scale[r]);
    for (int64_t v = 0; v < vectors<T>(n); ++v) {
      const Vec<T> g = load(to(v)) - mean - load(normalized_of(v)) * along;
      store(to(v), keep_valid<T>(as_delta(s, g * scale), v, n));
    }
  }
}

// --- E10 --------------------------------------------------------------------------------------------------------

template <class T>
struct UnitLanes {  // 32 bits for each lane of a Vec<T>
  typedef std::uint32_t Unsigned __attribute__((vector_size(4 * Simd<T>::width)));
  typedef std::int32_t Signed __attribute__((vector_size(4 * Simd<T>::width)));
};

template <class T>
struct Dropout {  // of a layer in a step
  std::int32_t below;
  T kept;
};

template <class T>
CHAINRULE_INLINE Dropout<T> dropout_of(const Step<T>& s, const Layer<T>& layer) {
  if (s.dropout_factor == 1) return {layer.drop_below, layer.kept_factor};
  const double rate = layer.dropout * s.dropout_factor;
  return {drop_below(rate), static_cast<T>(1 / (1 - rate))};
}

// The factors of units column, column + 1, ...: 0 or 1 / (1 - rate).
template <class T>
CHAINRULE_INLINE Vec<T> dropout_factors(const Dropout<T>& dropout, RowKey key, int64_t column) {
  using Unsigned = typename UnitLanes<T>::Unsigned;
  using Signed = typename UnitLanes<T>::Signed;
  Unsigned unit;
  for (int i = 0; i < Simd<T>::width; ++i) unit[i] = static_cast<std::uint32_t>(i);
  const Signed half = (Signed)(unit_bits<Unsigned>(key, unit + static_cast<std::uint32_t>(column)) >> 1);
  const auto dropped = __builtin_convertvector(half < dropout.below, IntVec<T>);
  return dropped ? zeros<T>() : broadcast(dropout.kept);
}

// --- tiles: `rows` rows x n_vectors vectors of a batch matrix, whose first element is at `place` -------------------

// Called through a pointer, once for each tile: one body of the products serves all activations.
template <class T>
using LayerTile = void (*)(const Step<T>&, int k, T* tile, int64_t place, int rows, int64_t n0, int n_vectors,
                           const T* added);

template <class T, class F>
CHAINRULE_INLINE F of_layer(const Layer<T>& layer) {
  if constexpr (kLearns<F>)
    return {layer.vectors[F::vector].values};
  else
    return {};
}

// z (or net before its bias is subtracted) becomes x_{k+1}. x: the layer's input, null where nothing is added.
template <class T, class F>
void forward_tile(const Step<T>& s, int k, T* tile, int64_t place, int rows, int64_t n0, int n_vectors, const T* x) {
  const Layer<T>& layer = s.layers[k];
  const F f = of_layer<T, F>(layer);
  const bool dropping = s.training && layer.mask;
  const Dropout<T> dropout = dropping ? dropout_of(s, layer) : Dropout<T>{};
  const int64_t r = (place - n0 / kPanel<T> * s.batch.stride) / kPanel<T>;
  for (int i = 0; i < rows; ++i) {
    const RowKey key = dropping ? row_key(layer_key(s.dropout_key, k), r + i) : RowKey{};
    for (int j = 0; j < n_vectors; ++j) {
      const int64_t q = i * kPanel<T> + j * Simd<T>::width, column = n0 + j * Simd<T>::width;
      Vec<T> z = load(tile + q);
      if (!layer.vectors[kGain].values) z = z - load(layer.vectors[kBias].values + column);
      if constexpr (F::keeps_net) store(layer.net + place + q, z);
      Vec<T> y;
      if constexpr (kBlends<F>) {
        const Vec<T> sigma = factor_value<T>(typename F::Sigma{}, z);
        if (layer.value) store(layer.value + place + q, sigma);
        y = f.value(z, sigma, column);
      } else {
        y = value_at<T>(f, z, column);
        if (layer.value) store(layer.value + place + q, y);
      }
      if (dropping) {
        const Vec<T> m = dropout_factors<T>(dropout, key, column);
        store(layer.mask + place + q, m);
        y = y * m;
      }
      if (x) y = y + load(x + place + q);
      store(tile + q, y);
    }
  }
}

// dE/dx_{k+1}, but for what goes around layer k + 1, becomes dE/dz. around: dE/dx_{k+2}, or null.
template <class T, class F>
void backward_tile(const Step<T>& s, int k, T* tile, int64_t place, int rows, int64_t n0, int n_vectors,
                   const T* around) {
  const Layer<T>& layer = s.layers[k];
  const F f = of_layer<T, F>(layer);
  const T* kept = F::keeps_net ? layer.net : layer.value ? layer.value : layer.output;
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < n_vectors; ++j) {
      const int64_t q = i * kPanel<T> + j * Simd<T>::width, column = n0 + j * Simd<T>::width;
      Vec<T> g = load(tile + q);
      if (around) g = g + load(around + place + q);
      if (layer.residual) store(layer.output_gradient + place + q, g);
      if (s.training && layer.mask) g = g * load(layer.mask + place + q);
      const Vec<T> from = load(kept + place + q);
      if constexpr (kBlends<F>) {
        const Vec<T> sigma = load(layer.value + place + q);
        store(layer.gradients[kAlpha].of_row + place + q, as_delta(s, f.by_vector(g, from, sigma)));
        store(tile + q, as_delta(s, g * f.derivative(from, sigma, column)));
      } else {
        if constexpr (kLearns<F>)
          store(layer.gradients[F::vector].of_row + place + q, as_delta(s, f.by_vector(g, from)));
        store(tile + q, as_delta(s, g * derivative_at<T>(f, from, column)));
      }
    }
}

}  // namespace
