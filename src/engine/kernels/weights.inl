// The weights phase: a thread owns tiles of the weight matrices. It sums E6 over the whole batch in registers, applies
// penalty and optimiser, and writes the tile and its transposed copy. The gradient never goes to memory.

namespace {

using chainrule::ColumnEntries;
using chainrule::kPenaltyRows;
using chainrule::TileRange;

// Rows of the batch summed before the sums are put down, and tiles that share a band of deltas meanwhile.
template <class T>
constexpr int64_t kBatchBlock = 2048 / static_cast<int64_t>(sizeof(T));
constexpr int64_t kTilesAtOnce = 16;

// Sums of squares for the penalty: of kPenaltyRows rows per column, then of 32 bytes of columns.
template <class T>
CHAINRULE_INLINE void tile_penalty(const Step<T>& s, const Layer<T>& layer, const T* weights, int64_t step, int64_t i0,
                                   int rows, int64_t n0, int n_vectors) {
  const int64_t chunks = (layer.n_out + kChunk<T> - 1) / kChunk<T>;
  for (int first = 0; first < rows; first += kPenaltyRows) {
    const int last = first + kPenaltyRows < rows ? first + kPenaltyRows : rows;
    alignas(64) T squares[kPanel<T>]{};
    for (int j = 0; j < n_vectors; ++j) {
      Vec<T> sum{};
      for (int i = first; i < last; ++i) {
        const Vec<T> w = load(weights + i * step + j * Simd<T>::width);
        sum = fma(w, w, sum);
      }
      store(squares + j * Simd<T>::width, sum);
    }
    const int64_t chunk = n0 / kChunk<T>;
    chunk_sums<T>(squares, smaller(kPanel<T> / kChunk<T>, chunks - chunk),
                  s.penalty + layer.penalty_offset + (i0 + first) / kPenaltyRows * chunks + chunk);
  }
}

// A finished tile of sums: rows input units from i0 on, n_vectors vectors of output units from n0 on.
template <class T, class Optimize>
CHAINRULE_INLINE void update_tile(const Step<T>& s, const Layer<T>& layer, const Optimize& optimize, const T* sums,
                                  int64_t i0, int rows, int64_t n0, int n_vectors) {
  const int64_t step = n_vectors * Simd<T>::width;
  const int64_t place = n0 * layer.n_in + i0 * step;
  T* weights = layer.weights + place;
  if (s.penalty) tile_penalty(s, layer, weights, step, i0, rows, n0, n_vectors);
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < n_vectors; ++j) {
      const int64_t q = i * step + j * Simd<T>::width;
      T* m = Optimize::n_moments > 0 ? layer.moments[0] + place + q : nullptr;
      T* v = Optimize::n_moments > 1 ? layer.moments[1] + place + q : nullptr;
      const Vec<T> w = load(weights + q);
      store(weights + q, optimize(load(sums + i * kPanel<T> + j * Simd<T>::width), w, m, v, true));
    }
#if defined(CHAINRULE_PAIRS)
  return pair_weights(layer, weights, step, i0, rows, n0, n_vectors);
#endif
  if (!layer.transposed || s.optimizer == Optimizer::gradient) return;
  const int64_t p0 = i0 / kPanel<T> * kPanel<T>, to_step = band_vectors<T>(layer.n_in, p0) * Simd<T>::width;
  T* to = layer.transposed + p0 * layer.n_out + n0 * to_step + (i0 - p0);
  for (int j = 0; j < n_vectors; ++j) {
    const int64_t columns = smaller(Simd<T>::width, layer.n_out - n0 - j * Simd<T>::width);
    const T* from = weights + j * Simd<T>::width;
    T* into = to + j * Simd<T>::width * to_step;
    if (rows == kTileRows && columns == Simd<T>::width) {
      transpose_tile<T>(from, step, into, to_step);
    } else {
      for (int64_t c = 0; c < columns; ++c)
        for (int i = 0; i < rows; ++i) into[c * to_step + i] = from[i * step + c];
    }
  }
}

// E4 and E5 summed over the rows, for one band of biases (dE/db = -delta).
template <class T, class Optimize>
CHAINRULE_INLINE void update_bias(const Step<T>& s, const Layer<T>& layer, const Optimize& optimize, int64_t n0,
                                  int n_vectors) {
  const T* delta = layer.delta + n0 / kPanel<T> * s.batch_stride;
  Vec<T> sums[kTileVectors]{};
  if (s.accumulate)
    for (int j = 0; j < n_vectors; ++j) sums[j] = load(layer.bias_moments[0] + n0 + j * Simd<T>::width);
  for (int64_t r = 0; r < s.n_rows; ++r, delta += kPanel<T>)
    for (int j = 0; j < n_vectors; ++j) sums[j] = sums[j] - load(delta + j * Simd<T>::width);
  for (int j = 0; j < n_vectors; ++j) {
    const int64_t q = n0 + j * Simd<T>::width;
    T* m = Optimize::n_moments > 0 ? layer.bias_moments[0] + q : nullptr;
    T* v = Optimize::n_moments > 1 ? layer.bias_moments[1] + q : nullptr;
    store(layer.bias + q, optimize(sums[j], load(layer.bias + q), m, v, false));
  }
}

// The sums of one band for tiles i_first..i_last of a dense layer.
template <class T, class Finish>
CHAINRULE_INLINE void sum_dense(const Step<T>& s, const Layer<T>& layer, const T* x, int64_t i_first, int64_t i_last,
                                int64_t n0, int n_vectors, T* sums, Finish finish) {
  const int64_t stride = kPairs ? s.batch_stride / 2 : s.batch_stride, n_rows = sum_steps(s.n_rows);
  const T* delta = (kPairs ? layer.delta_pairs : layer.delta) + n0 / kPanel<T> * stride;
  constexpr int64_t tile_size = kTileRows * kPanel<T>;
  for (int64_t first = i_first; first < i_last; first += kTilesAtOnce) {
    const int64_t last = smaller(i_last, first + kTilesAtOnce);
    for (int64_t r0 = 0; r0 < n_rows; r0 += kBatchBlock<T>) {
      const int64_t n = smaller(kBatchBlock<T>, n_rows - r0);
      for (int64_t t = first; t < last; ++t) {
        const int64_t i0 = t * kTileRows;
        const int rows = static_cast<int>(smaller(kTileRows, layer.n_in - i0));
        T* tile = sums + (t - first) * tile_size;
        if (r0 == 0 && s.accumulate) {
          const T* from = layer.moments[0] + n0 * layer.n_in + i0 * n_vectors * Simd<T>::width;
          for (int i = 0; i < rows; ++i)
            for (int j = 0; j < n_vectors; ++j)
              store(tile + i * kPanel<T> + j * Simd<T>::width, load(from + (i * n_vectors + j) * Simd<T>::width));
        }
        kTiles<T>.weight[rows - 1][n_vectors - 1](x + i0 / kPanel<T> * stride + r0 * kPanel<T> + i0 % kPanel<T>, n,
                                                  delta + r0 * kPanel<T>, tile, r0 > 0 || s.accumulate);
        if (r0 + n == n_rows) finish(tile, i0, rows);
      }
    }
  }
}

// The same for the first layer of sparse rows, column by column of the batch.
template <class T, class Finish>
CHAINRULE_INLINE void sum_sparse(const Step<T>& s, const Layer<T>& layer, const ColumnEntries<T>& columns,
                                 int64_t i_first, int64_t i_last, int64_t n0, int n_vectors, T* sums, Finish finish) {
  const T* delta = layer.delta + n0 / kPanel<T> * s.batch_stride;
  for (int64_t i0 = i_first * kTileRows; i0 < i_last * kTileRows; i0 += kTileRows) {
    const int rows = static_cast<int>(smaller(kTileRows, layer.n_in - i0));
    for (int i = 0; i < rows; ++i) {
      Vec<T> sum[kTileVectors]{};
      if (s.accumulate) {
        const T* from = layer.moments[0] + n0 * layer.n_in + (i0 + i) * n_vectors * Simd<T>::width;
        for (int j = 0; j < n_vectors; ++j) sum[j] = load(from + j * Simd<T>::width);
      }
      for (int64_t e = columns.begin[i0 + i]; e < columns.begin[i0 + i + 1]; ++e) {
        const Vec<T> x = broadcast(columns.value[e]);
        const T* d = delta + columns.row[e] * kPanel<T>;
        for (int j = 0; j < n_vectors; ++j) sum[j] = fma(x, load(d + j * Simd<T>::width), sum[j]);
      }
      for (int j = 0; j < n_vectors; ++j) store(sums + i * kPanel<T> + j * Simd<T>::width, sum[j]);
    }
    finish(sums, i0, rows);
  }
}

// The batch's entries by column, rows ascending within a column: counting sort.
template <class T, class Index>
CHAINRULE_INLINE void collect_columns(const Step<T>& s, ColumnEntries<T>& columns) {
  const Index* indptr = static_cast<const Index*>(s.data.indptr);
  const Index* indices = static_cast<const Index*>(s.data.indices);
  const int64_t n = s.data.n_features;
  for (int64_t i = 0; i <= n; ++i) columns.begin[i] = 0;
  for (int64_t r = 0; r < s.n_rows; ++r)
    for (int64_t e = indptr[s.order[r]]; e < static_cast<int64_t>(indptr[s.order[r] + 1]); ++e)
      if (indices[e] + 1 < n) ++columns.begin[indices[e] + 2];
  for (int64_t i = 2; i <= n; ++i) columns.begin[i] += columns.begin[i - 1];
  for (int64_t r = 0; r < s.n_rows; ++r)  // begin[i + 1] is column i's next free place, and ends as its end
    for (int64_t e = indptr[s.order[r]]; e < static_cast<int64_t>(indptr[s.order[r] + 1]); ++e) {
      const int64_t place = columns.begin[indices[e] + 1]++;
      columns.row[place] = r;
      columns.value[place] = s.data.values[e];
    }
}

template <class T>
void weights_phase(const Step<T>& s, const TileRange* ranges, int n_ranges, ColumnEntries<T>* columns) {
  alignas(64) T sums[kTilesAtOnce * kTileRows * kPanel<T>];
  with_optimizer<T>(s, [&](const auto& optimize) {
    for (int q = 0; q < n_ranges; ++q) {
      const Layer<T>& layer = s.layers[ranges[q].layer];
      const bool sparse = ranges[q].layer == 0 && s.data.values;
      if (sparse && !columns->collected) {
        if (s.data.wide_indices)
          collect_columns<T, int64_t>(s, *columns);
        else
          collect_columns<T, std::int32_t>(s, *columns);
        columns->collected = true;
      }
      const T* x = ranges[q].layer == 0
                       ? (kPairs ? s.input_pairs : s.input)
                       : (kPairs ? s.layers[ranges[q].layer - 1].output_pairs : s.layers[ranges[q].layer - 1].output);
      const int64_t tiles = (layer.n_in + kTileRows - 1) / kTileRows;
      for (int64_t t = ranges[q].first; t < ranges[q].last;) {
        const int64_t panel = t / tiles, i_first = t % tiles, n0 = panel * kPanel<T>;
        const int64_t i_last = smaller(tiles, ranges[q].last - panel * tiles);
        const int n_vectors = band_vectors<T>(layer.n_out, n0);
        if (i_first == 0) update_bias(s, layer, optimize, n0, n_vectors);
        const auto finish = [&](const T* tile, int64_t i0, int rows) {
          update_tile(s, layer, optimize, tile, i0, rows, n0, n_vectors);
        };
        if (sparse)
          sum_sparse(s, layer, *columns, i_first, i_last, n0, n_vectors, sums, finish);
        else
          sum_dense(s, layer, x, i_first, i_last, n0, n_vectors, sums, finish);
        t += i_last - i_first;
      }
    }
  });
}

}  // namespace
