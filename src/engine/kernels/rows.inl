// The rows phase: a thread takes its own rows through E1, E2 for all layers, E3, E4, and E5 back to the first layer.
// Rows do not depend on each other, so nothing is synchronized, and a block of rows stays in cache.

namespace {

// Inner columns summed before the sums are put down: rows of a tile stay in the first-level cache, a band of weights in the
// second. 512 float32 numbers fit, and whole panels of every build. Where products ask for what they need next, the band
// stays in the first, beside the rows of two tiles.
template <class T>
constexpr int64_t kInnerBlock = 2112 / static_cast<int64_t>(sizeof(T)) / kPanel<T> * kPanel<T>;
template <class T>
constexpr int64_t kAskingBlock = (27 << 10) / (kPanel<T> * static_cast<int64_t>(sizeof(T))) / kPanel<T> * kPanel<T>;

// What is multiplied after a block of n steps of weights lies behind it in memory; the tiles of that block share it out.
template <class T>
CHAINRULE_INLINE Ahead ahead_of(const T* weights, int64_t n, int n_vectors, int64_t rows) {
  const T* end = weights + n * n_vectors * Simd<T>::width;
  const int64_t lines = (end - weights) * static_cast<int64_t>(sizeof(T)) / kLineBytes;
  const int64_t panels = (n + kPanel<T> - 1) / kPanel<T>, shares = panels * ((rows + kTileRows - 1) / kTileRows);
  const int64_t each = (lines + shares - 1) / shares;
  return {reinterpret_cast<const char*>(end), each, panels * each * kLineBytes};
}

// Rows of a batch matrix as the factor of a product; the first of them is at `rows`.
template <class T>
struct Factor {
  const T* rows;
  int64_t stride;
};
template <class T>
CHAINRULE_INLINE Factor<T> row_factor(const Step<T>& s, const T* a, int64_t n, int64_t r0, int64_t r1) {
#if defined(CHAINRULE_PAIRS)
  const int64_t stride = s.batch.row_block * kPanel<T>;
  pair_columns(a, n, s.batch.stride, r0, r1, s.batch.row_pairs, stride);
  return {s.batch.row_pairs, stride};
#else
  (void)n, (void)r1;
  return {a + r0 * kPanel<T>, s.batch.stride};
#endif
}

// c = a b for rows r0..r1 of batch matrix c (n_outer columns), b in panels of weights, n_inner steps along the sum.
// finish(tile, place, rows, n0, n_vectors) is called once for each tile, while it is in cache.
template <class T, class Finish>
CHAINRULE_INLINE void multiply_rows(Factor<T> a, int64_t n_inner, const T* b, T* c, int64_t n_outer,
                                    const chainrule::StepBatch<T>& batch, int64_t r0, int64_t r1, Finish finish) {
  const bool asks = kAsks && n_inner * n_outer * static_cast<int64_t>(sizeof(T)) > batch.asks_above;
  const int64_t block = asks ? kAskingBlock<T> : kInnerBlock<T>;
  for (int64_t n0 = 0; n0 < n_outer; n0 += kPanel<T>) {
    const int n_vectors = band_vectors<T>(n_outer, n0);
    const int64_t panel = n0 / kPanel<T>;
    const T* band = b + n0 * n_inner;
    for (int64_t k0 = 0; k0 < n_inner; k0 += block) {
      const int64_t n = smaller(block, n_inner - k0);
      const T* weights = band + k0 * n_vectors * Simd<T>::width;
      Ahead next = asks ? ahead_of(weights, n, n_vectors, r1 - r0) : Ahead{};
      for (int64_t r = r0; r < r1; r += kTileRows, next.at += next.of_tile) {
        const int rows = static_cast<int>(smaller(kTileRows, r1 - r));
        const int64_t place = panel * batch.stride + r * kPanel<T>;
        kTiles<T>.row[rows - 1][n_vectors - 1](a.rows + k0 / kPanel<T> * a.stride + (r - r0) * kPanel<T>, a.stride, n,
                                               weights, c + place, k0 > 0, next);
        if (k0 + n == n_inner) finish(c + place, place, rows, n0, n_vectors);
      }
    }
  }
}

// c = x b for sparse rows: only the stored entries, in their order.
template <class T, class Index, class Finish>
CHAINRULE_INLINE void multiply_sparse_rows(const Step<T>& s, const Layer<T>& layer, int64_t r0, int64_t r1, int64_t at,
                                           Finish finish) {
  const Index* indptr = static_cast<const Index*>(s.data.indptr);
  const Index* indices = static_cast<const Index*>(s.data.indices);
  for (int64_t n0 = 0; n0 < layer.n_out; n0 += kPanel<T>) {
    const int n_vectors = band_vectors<T>(layer.n_out, n0);
    const T* band = layer.weights + n0 * layer.n_in;
    for (int64_t r = r0; r < r1; ++r) {
      Vec<T> sums[kTileVectors]{};
      const int64_t row = s.batch.order[r];
      for (int64_t e = indptr[row]; e < static_cast<int64_t>(indptr[row + 1]); ++e) {
        const T* weights = band + static_cast<int64_t>(indices[e]) * n_vectors * Simd<T>::width;
        const Vec<T> factor = broadcast(s.data.values[e]);
        for (int j = 0; j < n_vectors; ++j) sums[j] = fma(factor, load(weights + j * Simd<T>::width), sums[j]);
      }
      const int64_t place = n0 / kPanel<T> * s.batch.stride + (at + r - r0) * kPanel<T>;
      for (int j = 0; j < n_vectors; ++j) store(layer.output + place + j * Simd<T>::width, sums[j]);
      finish(layer.output + place, place, 1, n0, n_vectors);
    }
  }
}

// Rows of the data into the batch matrix x_1, unless they are sparse.
template <class T>
CHAINRULE_INLINE void gather_rows(const Step<T>& s, int64_t r0, int64_t r1, int64_t at) {
  if (s.data.values) return;
  if (s.inputs.n_pieces > 0) return inputs_forward(s, r0, r1, at);
  const int64_t n = s.data.n_features;
  for (int64_t r = r0; r < r1; ++r) {
    const T* from = s.data.x + s.batch.order[r] * n;
    T* to = s.batch.input + (at + r - r0) * kPanel<T>;
    for (int64_t n0 = 0; n0 < n; n0 += kPanel<T>, to += s.batch.stride) {
      const int64_t left = smaller(kPanel<T>, n - n0);
      int64_t i = 0;
      for (; i + Simd<T>::width <= left; i += Simd<T>::width) store(to + i, load(from + n0 + i));
      if (i < left) store(to + i, load_first(from + n0 + i, left - i));
    }
  }
}

// A row of a batch matrix to n contiguous elements.
template <class T>
CHAINRULE_INLINE void scatter_row(RowOf<T> from, int64_t n, T* to) {
  for (int64_t n0 = 0; n0 < n; n0 += kPanel<T>)
    __builtin_memcpy(to + n0, from(n0 / Simd<T>::width),
                     static_cast<std::size_t>(smaller(kPanel<T>, n - n0)) * sizeof(T));
}

// E1 but for the bias: a layer's product for the rows r0..r1, stored from position `at` on.
template <class T, class Finish>
CHAINRULE_INLINE void multiply_layer(const Step<T>& s, int k, int64_t r0, int64_t r1, int64_t at, Finish finish) {
  const Layer<T>& layer = s.layers[k];
  if (k == 0 && s.data.values) {
    if (s.data.wide_indices)
      multiply_sparse_rows<T, int64_t>(s, layer, r0, r1, at, finish);
    else
      multiply_sparse_rows<T, std::int32_t>(s, layer, r0, r1, at, finish);
  } else {
    const T* x = k == 0 ? s.batch.input : s.layers[k - 1].output;
    const int64_t end = at + r1 - r0;
    multiply_rows(row_factor(s, x, layer.n_in, at, end), sum_steps(layer.n_in),
                  kPairs ? layer.weight_pairs : layer.weights, layer.output, layer.n_out, s.batch, at, end, finish);
  }
}

// E9 at the first layer of sparse rows.
template <class T, class Index>
void add_sparse_rows(const Step<T>& s, int64_t r0, int64_t r1, int64_t at) {
  const Index* indptr = static_cast<const Index*>(s.data.indptr);
  const Index* indices = static_cast<const Index*>(s.data.indices);
  for (int64_t r = r0; r < r1; ++r)
    for (int64_t e = indptr[s.batch.order[r]]; e < static_cast<int64_t>(indptr[s.batch.order[r] + 1]); ++e) {
      const int64_t column = static_cast<int64_t>(indices[e]);
      s.layers[0].output[column / kPanel<T> * s.batch.stride + (at + r - r0) * kPanel<T> + column % kPanel<T>] +=
          s.data.values[e];
    }
}

// E1, E8, E2, E10, E9 of a hidden layer, positions at .. at + r1 - r0.
template <class T>
void special_layer_forward(const Step<T>& s, int k, int64_t r0, int64_t r1, int64_t at) {
  const Layer<T>& layer = s.layers[k];
  LayerTile<T> finish = nullptr;
  with_hidden_activation<T>(
      layer.activation, [&](auto v) { return layer.vectors[v].values; },
      [&](auto f) { finish = forward_tile<T, decltype(f)>; });
  const T* x = !layer.residual ? nullptr : k == 0 ? s.batch.input : s.layers[k - 1].output;
  const bool norm = layer.vectors[kGain].values != nullptr;
  multiply_layer(s, k, r0, r1, at, [&](T* tile, int64_t place, int rows, int64_t n0, int n_vectors) {
    if (!norm) finish(s, k, tile, place, rows, n0, n_vectors, x);
  });
  if (norm)
    for (int64_t r = at; r < at + r1 - r0; r += kTileRows) {
      const int rows = static_cast<int>(smaller(kTileRows, at + r1 - r0 - r));
      norm_rows_forward(s, layer, r, r + rows);
      for (int64_t n0 = 0; n0 < layer.n_out; n0 += kPanel<T>) {
        const int64_t place = n0 / kPanel<T> * s.batch.stride + r * kPanel<T>;
        finish(s, k, layer.output + place, place, rows, n0, band_vectors<T>(layer.n_out, n0), x);
      }
    }
  if (layer.residual && k == 0 && s.data.values) {
    if (s.data.wide_indices)
      add_sparse_rows<T, int64_t>(s, r0, r1, at);
    else
      add_sparse_rows<T, std::int32_t>(s, r0, r1, at);
  }
}

// E1 and E2 for one layer; the output layer stops at net.
template <class T>
void layer_forward(const Step<T>& s, int k, int64_t r0, int64_t r1, int64_t at) {
  const Layer<T>& layer = s.layers[k];
  if (layer.special) return special_layer_forward(s, k, r0, r1, at);
  const Activation activation = k + 1 < s.n_layers ? layer.activation : Activation::identity;
  with_activation<T>(activation, [&](auto f) {
    const auto finish = [&](T* tile, int64_t place, int rows, int64_t n0, int n_vectors) {
      for (int j = 0; j < n_vectors; ++j) {
        const Vec<T> bias = load(layer.vectors[kBias].values + n0 + j * Simd<T>::width);
        for (int i = 0; i < rows; ++i) {
          const int64_t q = i * kPanel<T> + j * Simd<T>::width;
          const Vec<T> net = load(tile + q) - bias;
          if constexpr (f.keeps_net) store(layer.net + place + q, net);
          store(tile + q, factor_value<T>(f, net));
        }
      }
    };
    multiply_layer(s, k, r0, r1, at, finish);
  });
}

// E9, E10, E5 and E8 back through a hidden layer, where it or the next one is special.
template <class T>
void special_layer_backward(const Step<T>& s, int k, int64_t r0, int64_t r1) {
  const Layer<T>& layer = s.layers[k];
  const Layer<T>& next = s.layers[k + 1];
  LayerTile<T> finish = nullptr;
  with_hidden_activation<T>(
      layer.activation, [&](auto v) { return layer.vectors[v].values; },
      [&](auto f) { finish = backward_tile<T, decltype(f)>; });
  const T* around = next.residual ? next.output_gradient : nullptr;
  const bool norm = layer.vectors[kGain].values != nullptr;
  multiply_rows(row_factor(s, next.delta, next.n_out, r0, r1), sum_steps(next.n_out),
                kPairs ? next.transposed_pairs : next.transposed, norm ? layer.norm_delta : layer.delta, layer.n_out,
                s.batch, r0, r1, [&](T* tile, int64_t place, int rows, int64_t n0, int n_vectors) {
                  finish(s, k, tile, place, rows, n0, n_vectors, around);
                });
  if (norm) norm_rows_backward(s, layer, r0, r1);
}

// E5: the delta of layer k from that of layer k + 1.
template <class T>
void layer_backward(const Step<T>& s, int k, int64_t r0, int64_t r1) {
  const Layer<T>& layer = s.layers[k];
  const Layer<T>& next = s.layers[k + 1];
  if (layer.special || next.residual) return special_layer_backward(s, k, r0, r1);
  with_activation<T>(layer.activation, [&](auto f) {
    const T* kept = f.keeps_net ? layer.net : layer.output;
    const auto finish = [&](T* tile, int64_t place, int rows, int64_t, int n_vectors) {
      for (int i = 0; i < rows; ++i)
        for (int j = 0; j < n_vectors; ++j) {
          const int64_t q = i * kPanel<T> + j * Simd<T>::width;
          store(tile + q, as_delta(s, load(tile + q) * f.derivative(load(kept + place + q))));
        }
    };
    multiply_rows(row_factor(s, next.delta, next.n_out, r0, r1), sum_steps(next.n_out),
                  kPairs ? next.transposed_pairs : next.transposed, layer.delta, layer.n_out, s.batch, r0, r1, finish);
  });
}

// dE/dx_1 from the first layer's delta, then through E11.
template <class T>
void inputs_backward(const Step<T>& s, int64_t r0, int64_t r1) {
  const Layer<T>& first = s.layers[0];
  const InputPiece<T>& last = s.inputs.pieces[s.inputs.n_pieces - 1];
  const T* scale = last.kind == InputKind::scale ? last.arrays[0] : nullptr;
  multiply_rows(row_factor(s, first.delta, first.n_out, r0, r1), sum_steps(first.n_out),
                kPairs ? first.transposed_pairs : first.transposed, s.inputs.delta, first.n_in, s.batch, r0, r1,
                [&](T* tile, int64_t place, int rows, int64_t n0, int n_vectors) {
                  for (int i = 0; i < rows; ++i)
                    for (int j = 0; j < n_vectors; ++j) {
                      const int64_t q = i * kPanel<T> + j * Simd<T>::width;
                      Vec<T> g = load(tile + q);
                      if (first.residual) g = g + load(first.output_gradient + place + q);  // E9
                      if (scale) {
                        T* raw = s.inputs.raw + place + q;
                        store(raw, as_delta(s, load(raw) * g));
                        g = g * load(scale + n0 + j * Simd<T>::width);
                      }
                      store(tile + q, as_delta(s, g));
                    }
                });
}

// What E6 reads of the rows r0..r1: x_1 .. x_l and every delta.
template <class T>
CHAINRULE_INLINE void pair_block(const Step<T>& s, int64_t r0, int64_t r1) {
#if defined(CHAINRULE_PAIRS)
  if (s.batch.input_pairs) pair_rows(s.batch.input, s.layers[0].n_in, s.batch.stride, r0, r1, s.batch.input_pairs);
  for (int k = 0; k < s.n_layers; ++k) {
    const Layer<T>& layer = s.layers[k];
    if (k + 1 < s.n_layers) pair_rows(layer.output, layer.n_out, s.batch.stride, r0, r1, layer.output_pairs);
    pair_rows(layer.delta, layer.n_out, s.batch.stride, r0, r1, layer.delta_pairs);
  }
#else
  (void)s, (void)r0, (void)r1;
#endif
}

// From the output layer's delta to all that is before it.
template <class T>
CHAINRULE_INLINE void backward(const Step<T>& s, int64_t r0, int64_t r1) {
  for (int k = s.n_layers - 2; k >= 0; --k) layer_backward(s, k, r0, r1);
  if (s.inputs.n_pieces > 0) inputs_backward(s, r0, r1);
}

template <class T>
void rows_phase(const Step<T>& s, int64_t begin, int64_t end) {
  if (!kPairs && s.batch.narrow) return narrow_rows(s, begin, end);
  for (int64_t r0 = begin; r0 < end; r0 += s.batch.row_block) {
    const int64_t r1 = smaller(end, r0 + s.batch.row_block);
    gather_rows(s, r0, r1, r0);
    for (int k = 0; k < s.n_layers; ++k) layer_forward(s, k, r0, r1, r0);
    output_rows<T, true>(s, s.layers[s.n_layers - 1], r0, r1, r0);
    backward(s, r0, r1);
    pair_block(s, r0, r1);
  }
}

// Forward only, through batch matrices of row_block rows.
template <class T, class Use>
CHAINRULE_INLINE void forward_blocks(const Step<T>& s, int64_t begin, int64_t end, Use use) {
  for (int64_t r0 = begin; r0 < end; r0 += s.batch.row_block) {
    const int64_t r1 = smaller(end, r0 + s.batch.row_block);
    gather_rows(s, r0, r1, 0);
    for (int k = 0; k < s.n_layers; ++k) layer_forward(s, k, r0, r1, 0);
    use(r0, r1);
  }
}

template <class T>
void predict_rows(const Step<T>& s, int64_t begin, int64_t end, T* out) {
  const Layer<T>& layer = s.layers[s.n_layers - 1];
  forward_blocks(s, begin, end, [&](int64_t r0, int64_t r1) {
    for (int64_t r = r0; r < r1; ++r) {
      const OutputRow<T> row(layer, s.batch.stride, r - r0);
      activate_output_row(layer, row);
      scatter_row(row.y, layer.n_out, out + r * layer.n_out);
    }
  });
}

template <class T>
void evaluate_rows(const Step<T>& s, int64_t begin, int64_t end) {
  forward_blocks(s, begin, end,
                 [&](int64_t r0, int64_t r1) { output_rows<T, false>(s, s.layers[s.n_layers - 1], r0, r1, 0); });
}

}  // namespace
