// One row through an unpacked network: no packing, no batch, microseconds.

namespace {

using chainrule::PlainLayer;

// N vectors of outputs from column j on, in the order of sums of every other path.
template <class T, int N, bool kHidden, class F>
CHAINRULE_INLINE void forward_columns(const PlainLayer<T>& layer, const T* x, T* y, int64_t j, F f) {
  constexpr int w = Simd<T>::width;
  Vec<T> sums[N]{};
  const T* weights = layer.weights + j;
  for (int64_t k = 0; k < layer.n_in; ++k, weights += layer.n_out) {
    const Vec<T> factor = broadcast(x[k]);
    for (int v = 0; v < N; ++v) sums[v] = fma(factor, load(weights + v * w), sums[v]);
  }
  for (int v = 0; v < N; ++v) {
    const Vec<T> bias = load(layer.vectors[kBias] + j + v * w);
    const Vec<T> net = layer.add_bias ? sums[v] + bias : sums[v] - bias;
    store(y + j + v * w, kHidden ? factor_value<T>(f, net) : f.value(net));
  }
}

// What follows E1 in a special layer: its net in y becomes its output. x: its input.
template <class T>
void finish_row(const PlainLayer<T>& layer, const T* x, T* y) {
  constexpr int w = Simd<T>::width;
  const int64_t n = layer.n_out;
  if (layer.vectors[kGain]) {
    const RowMoments<T> m = row_moments<T>(n, RowOf<T>{y, kPanel<T>});
    for (int64_t j = 0; j < n; j += w)
      store(y + j, scaled_and_shifted<T>((load(y + j) - m.mean) * m.scale, layer.vectors[kGain] + j,
                                         layer.vectors[kShift] + j));
  }
  with_hidden_activation<T>(
      layer.activation, [&](auto v) { return layer.vectors[v]; },
      [&](auto f) {
        for (int64_t j = 0; j < n; j += w) store(y + j, value_at<T>(f, load(y + j), j));
      });
  if (layer.residual)
    for (int64_t j = 0; j < n; j += w) store(y + j, load(y + j) + (n - j < w ? load_first(x + j, n - j) : load(x + j)));
}

template <class T>
void forward_row(const PlainLayer<T>* layers, int n_layers, const T* x, T* out, T* scratch, int64_t scratch_row) {
  constexpr int w = Simd<T>::width;
  T* y = scratch;
  for (int k = 0; k < n_layers; ++k) {
    const PlainLayer<T>& layer = layers[k];
    y = scratch + (k % 2) * scratch_row;
    const auto columns = [&](auto f, auto hidden) {
      constexpr bool h = hidden();
      int64_t j = 0;
      for (; j + 7 * w < layer.n_out; j += 8 * w) forward_columns<T, 8, h>(layer, x, y, j, f);
      if (j + 3 * w < layer.n_out) forward_columns<T, 4, h>(layer, x, y, j, f), j += 4 * w;
      if (j + w < layer.n_out) forward_columns<T, 2, h>(layer, x, y, j, f), j += 2 * w;
      if (j < layer.n_out) forward_columns<T, 1, h>(layer, x, y, j, f);
    };
    with_activation<T>(layer.special ? Activation::identity : layer.activation, [&](auto f) {
      if constexpr (f.fades)
        if (k + 1 < n_layers) return columns(f, [] { return true; });
      columns(f, [] { return false; });
    });
    if (layer.special) finish_row(layer, x, y);
    if (layer.activation == Activation::softmax) softmax_row<T>(layer.n_out, RowOf<T>{y, kPanel<T>});
    if (layer.activation == Activation::ordered)
      ordered_row<T>(layer.n_out, layer.group, RowOf<T>{y, kPanel<T>}, RowOf<T>{nullptr, 0});
    x = y;
  }
  const int64_t n = layers[n_layers - 1].n_out;
  int64_t j = 0;
  for (; j + w <= n; j += w) store(out + j, load(y + j));
  store_first(out + j, load(y + j), n - j);
}

}  // namespace
