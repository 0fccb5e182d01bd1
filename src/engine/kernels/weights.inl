// The weights phase: a thread owns tiles of the weight matrices. It sums E6 over the whole batch in registers, applies
// penalty and optimizer, and writes the tile and its transposed copy. The gradient goes to memory only in Stage::gradient.

namespace {

using chainrule::ColumnEntries;
using chainrule::kPenaltyRows;
using chainrule::TileRange;

// Rows of the batch summed before the sums are put down, and tiles that share a band of deltas meanwhile.
template <class T>
constexpr int64_t kBatchBlock = 2048 / static_cast<int64_t>(sizeof(T));
constexpr int64_t kTilesAtOnce = 16;

// Sums over a tile for penalties and norms: of kPenaltyRows rows per column, then of 32 bytes of columns. add(sum, q)
// gives the sum with the vector at q.
template <class T, class Add>
CHAINRULE_INLINE void reduce_tile(int64_t n_out, int64_t step, int64_t i0, int rows, int64_t n0, int n_vectors,
                                  double* out, Add add) {
  const int64_t chunks = (n_out + kChunk<T> - 1) / kChunk<T>, chunk = n0 / kChunk<T>;
  for (int first = 0; first < rows; first += kPenaltyRows) {
    const int last = first + kPenaltyRows < rows ? first + kPenaltyRows : rows;
    alignas(64) T totals[kPanel<T>]{};
    for (int j = 0; j < n_vectors; ++j) {
      Vec<T> sum{};
      for (int i = first; i < last; ++i) sum = add(sum, i * step + j * Simd<T>::width);
      store(totals + j * Simd<T>::width, sum);
    }
    chunk_sums<T>(totals, smaller(kPanel<T> / kChunk<T>, chunks - chunk),
                  out + (i0 + first) / kPenaltyRows * chunks + chunk);
  }
}

// The penalties of a tile's weights before their update.
template <class T>
CHAINRULE_INLINE void tile_penalty(const Step<T>& s, const Layer<T>& layer, int64_t i0, int rows, int64_t n0,
                                   int n_vectors) {
  const int64_t step = n_vectors * Simd<T>::width;
  const T* weights = layer.weights + n0 * layer.n_in + i0 * step;
  if (s.sums.squares)
    reduce_tile<T>(layer.n_out, step, i0, rows, n0, n_vectors, s.sums.squares + layer.penalty_offset,
                   [=](Vec<T> sum, int64_t q) { return fma(load(weights + q), load(weights + q), sum); });
  if (s.sums.absolutes)
    reduce_tile<T>(layer.n_out, step, i0, rows, n0, n_vectors, s.sums.absolutes + layer.penalty_offset,
                   [=](Vec<T> sum, int64_t q) { return sum + max(load(weights + q), -load(weights + q)); });
}

// The same for all weights of a narrow layer.
template <class T>
CHAINRULE_INLINE void narrow_penalty(const Step<T>& s, const Layer<T>& layer) {
  if (!s.sums.squares && !s.sums.absolutes) return;
  for (int64_t i0 = 0; i0 < layer.n_in; i0 += kTileRows)
    tile_penalty(s, layer, i0, static_cast<int>(smaller(kTileRows, layer.n_in - i0)), 0, 1);
}

// A tile of weights into the copies that products read.
template <class T>
CHAINRULE_INLINE void mirror_tile(const Layer<T>& layer, int64_t i0, int rows, int64_t n0, int n_vectors) {
  const int64_t step = n_vectors * Simd<T>::width;
  const T* weights = layer.weights + n0 * layer.n_in + i0 * step;
#if defined(CHAINRULE_PAIRS)
  return pair_weights(layer, weights, step, i0, rows, n0, n_vectors);
#endif
  if (!layer.transposed) return;
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

// A gradient's square beside those of others.
template <class T>
CHAINRULE_INLINE Vec<T> add_square(Vec<T> sum, Vec<T> g) {
  g = as_factor<T>(g);
  return fma(g, g, sum);
}

// Whether weights, or a vector, stay as they are.
template <class T, class Parameters>
CHAINRULE_INLINE bool frozen(const Step<T>& s, const Parameters& parameters) {
  return parameters.factors.rate == T(0) && s.rule.optimizer != Optimizer::gradient;
}

// A finished tile of sums: rows input units from i0 on, n_vectors vectors of output units from n0 on.
template <class T, class Optimize, Source kSource>
void update_tile(const Step<T>& s, const Layer<T>& layer, const T* sums, int64_t sums_step, int64_t i0, int rows,
                 int64_t n0, int n_vectors) {
  const Update<T, Optimize, kSource> update(s, layer.factors);
  const int64_t step = n_vectors * Simd<T>::width, place = n0 * layer.n_in + i0 * step;
  if (kSource != Source::kept) tile_penalty(s, layer, i0, rows, n0, n_vectors);
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < n_vectors; ++j)
      update(load(sums + i * sums_step + j * Simd<T>::width), layer.weights, layer.moments,
             place + i * step + j * Simd<T>::width, true);
  update.sweep(layer.weights, layer.moments, place, rows * n_vectors);
  if constexpr (Optimize::changes_weights) {
    mirror_tile(layer, i0, rows, n0, n_vectors);
  } else if (s.sums.gradient_squares) {
    const T* g = layer.moments[s.rule.gradient_slot] + place;
    reduce_tile<T>(layer.n_out, step, i0, rows, n0, n_vectors, s.sums.gradient_squares + layer.penalty_offset,
                   [=](Vec<T> sum, int64_t q) { return add_square<T>(sum, load(g + q)); });
  }
}

// The same for one band of a vector: biases, gains, ...
template <class T, class Optimize, Source kSource>
void update_vector(const Step<T>& s, const LearnedVector<T>& vector, const T* sums, int64_t n0, int n_vectors) {
  if (frozen(s, vector)) return;
  const Update<T, Optimize, kSource> update(s, vector.factors);
  for (int j = 0; j < n_vectors; ++j)
    update(load(sums + j * Simd<T>::width), vector.values, vector.moments, n0 + j * Simd<T>::width, false);
  update.sweep(vector.values, vector.moments, n0, n_vectors);
  if (!Optimize::changes_weights && s.sums.gradient_squares) {
    const T* g = vector.moments[s.rule.gradient_slot] + n0;
    reduce_tile<T>(vector.size, 0, 0, 1, n0, n_vectors, s.sums.gradient_squares + vector.penalty_offset,
                   [=](Vec<T> sum, int64_t q) { return add_square<T>(sum, load(g + q)); });
  }
}

// Weights and biases of a narrow layer for a batch of one row: E4 to E6 without sums.
template <class T, class Optimize, Source kSource>
void update_by_row(const Step<T>& s, const Layer<T>& layer, const T* x, Vec<T> delta) {
  narrow_penalty(s, layer);
  const auto valid = [&](Vec<T> sum) { return keep_valid<T>(sum, 0, layer.n_out); };
  if (layer.factors.rate != T(0)) {
    const Update<T, Optimize, kSource> update(s, layer.factors);
    for (int64_t i = 0; i < layer.n_in; ++i)
      update(valid(fma(broadcast(x[i]), delta, zeros<T>())), layer.weights, layer.moments, i * Simd<T>::width, true);
    update.sweep(layer.weights, layer.moments, 0, layer.n_in);
  }
  const LearnedVector<T>& bias = layer.vectors[kBias];
  if (bias.factors.rate != T(0)) {
    const Update<T, Optimize, kSource> update(s, bias.factors);
    update(valid(zeros<T>() - delta), bias.values, bias.moments, 0, false);
    update.sweep(bias.values, bias.moments, 0, 1);
  }
}

// One band of a vector's gradient, summed over the rows: add(sum, place) gives the sum with that of a row whose numbers
// are at `place` of the batch matrices.
template <class T, class Add>
CHAINRULE_INLINE void sum_vector(const Step<T>& s, const LearnedVector<T>& vector, int64_t n0, int n_vectors, T* into,
                                 Add add) {
  Vec<T> sums[kTileVectors]{};
  if (s.rule.accumulate)
    for (int j = 0; j < n_vectors; ++j) sums[j] = load(vector.moments[s.rule.gradient_slot] + n0 + j * Simd<T>::width);
  int64_t place = n0 / kPanel<T> * s.batch.stride;
  for (int64_t r = 0; r < s.batch.n_rows; ++r, place += kPanel<T>)
    for (int j = 0; j < n_vectors; ++j) sums[j] = add(sums[j], place + j * Simd<T>::width);
  for (int j = 0; j < n_vectors; ++j) store(into + j * Simd<T>::width, sums[j]);
}

// Penalties and decay are for the weights alone.
static_assert([] {
  for (int v = 0; v < chainrule::kVectors; ++v)
    if (chainrule::kLearned[chainrule::kFirstVector + v].penalized) return false;
  return chainrule::kLearned[chainrule::kWeights].penalized;
}());

// use(vector, add) for all that a layer learns unit by unit, `add` as for sum_vector: E4 and E5 (dE/db = -delta), then
// what layers.inl has left in `gradients`.
template <class T, class Use>
CHAINRULE_INLINE void each_vector(const Layer<T>& layer, Use use) {
  use(layer.vectors[kBias], [&](Vec<T> sum, int64_t q) { return sum - load(layer.delta + q); });
  if (!layer.special) return;
  for (int v = kBias + 1; v < chainrule::kVectors; ++v) {
    if (!layer.vectors[v].values) continue;
    const T *of_row = layer.gradients[v].of_row, *factor = layer.gradients[v].factor;
    if (factor)
      use(layer.vectors[v], [=](Vec<T> sum, int64_t q) { return fma(load(of_row + q), load(factor + q), sum); });
    else
      use(layer.vectors[v], [=](Vec<T> sum, int64_t q) { return sum + load(of_row + q); });
  }
}

// E6 for one whole tile, as weight_tile, and between its rows the update of the whole tile before it, whose sums are at
// `before`: what the update waits for, memory and divisions, then costs little. With 16 registers the sums would have to
// leave them at each update, and that costs more.
constexpr bool kUpdatesMeanwhile = kTileRows * kTileVectors > 12;
template <class T, class Optimize, Source kSource>
void sum_while_updating(const Step<T>& s, const Layer<T>& layer, const T* a, int64_t n, const T* b, T* c,
                        bool accumulate, const T* next, const T* before, int64_t i0, int64_t n0) {
  constexpr int n_updates = kTileRows * kTileVectors;
  constexpr int64_t tile_step = kTileVectors * Simd<T>::width;
  const Update<T, Optimize, kSource> update(s, layer.factors);
  tile_penalty(s, layer, i0, kTileRows, n0, kTileVectors);
  Vec<T> sums[kTileRows][kTileVectors];
  load_sums<T>(sums, c, accumulate);
  const int64_t each = n / n_updates, place = n0 * layer.n_in + i0 * tile_step;
  for (int q = 0; q < n_updates; ++q, a += each * kPanel<T>, b += each * kPanel<T>) {
    add_rows<T>(sums, a, b, each, next);
    update(load(before + q * Simd<T>::width), layer.weights, layer.moments, place + q * Simd<T>::width, true);
    if (next) next += each * kTileRows;
  }
  add_rows<T>(sums, a, b, n - n_updates * each, next);
  store_sums<T>(sums, c);
  update.sweep(layer.weights, layer.moments, place, n_updates);
  mirror_tile(layer, i0, kTileRows, n0, kTileVectors);
}

// What finishes a tile of sums and a band of a vector, for a step's optimizer and settings.
template <class T>
struct Finish {
  void (*tile)(const Step<T>&, const Layer<T>&, const T* sums, int64_t sums_step, int64_t i0, int rows, int64_t n0,
               int n_vectors);
  void (*vector)(const Step<T>&, const LearnedVector<T>&, const T* sums, int64_t n0, int n_vectors);
  void (*by_row)(const Step<T>&, const Layer<T>&, const T* x, Vec<T> delta);
  void (*tile_meanwhile)(const Step<T>&, const Layer<T>&, const T* a, int64_t n, const T* b, T* c, bool accumulate,
                         const T* next, const T* before, int64_t i0, int64_t n0);  // or null
};

template <class T, class Optimize, Source kSource>
constexpr Finish<T> finish_by() {
  Finish<T> finish{update_tile<T, Optimize, kSource>, update_vector<T, Optimize, kSource>,
                   update_by_row<T, Optimize, kSource>, nullptr};
  if constexpr (kUpdatesMeanwhile && Optimize::divides && kSource != Source::kept)
    finish.tile_meanwhile = sum_while_updating<T, Optimize, kSource>;
  return finish;
}
template <class T, class Optimize, Source kSource>
constexpr Finish<T> kFinish = finish_by<T, Optimize, kSource>();

template <class T>
CHAINRULE_INLINE const Finish<T>& finish_of(const Step<T>& s) {
  return with_optimizer<T>(s, [&](auto tag) -> const Finish<T>& {
    using Optimize = typename decltype(tag)::type;
    if constexpr (!Optimize::changes_weights) {
      if (s.rule.optimizer == Optimizer::gradient) return kFinish<T, Optimize, Source::raw>;
      return kFinish<T, Optimize, Source::full>;
    } else {
      if (s.rule.stage == Stage::update) return kFinish<T, Optimize, Source::kept>;
      const bool full = s.l1 != T(0) || s.rule.clip_value != T(0) || s.decoupled != T(0);
      return full ? kFinish<T, Optimize, Source::full> : kFinish<T, Optimize, Source::sum>;
    }
  });
}

// The sums of one band for tiles i_first..i_last of a dense layer.
template <class T>
CHAINRULE_INLINE void sum_dense(const Step<T>& s, const Layer<T>& layer, const T* x, int64_t i_first, int64_t i_last,
                                int64_t n0, int n_vectors, T* sums, const Finish<T>& finish) {
  const int64_t stride = kPairs ? s.batch.stride / 2 : s.batch.stride, n_rows = sum_steps(s.batch.n_rows);
  const T* delta = (kPairs ? layer.delta_pairs : layer.delta) + n0 / kPanel<T> * stride;
  constexpr int64_t tile_size = kTileRows * kPanel<T>;
  const bool asks = n_rows * layer.n_in * static_cast<int64_t>(sizeof(T)) > s.batch.asks_above;
  const auto rows_of = [&](int64_t t) { return static_cast<int>(smaller(kTileRows, layer.n_in - t * kTileRows)); };
  for (int64_t first = i_first; first < i_last; first += kTilesAtOnce) {
    const int64_t last = smaller(i_last, first + kTilesAtOnce);
    const auto finish_tile = [&](int64_t t) {
      finish.tile(s, layer, sums + (t - first) * tile_size, kPanel<T>, t * kTileRows, rows_of(t), n0, n_vectors);
    };
    for (int64_t r0 = 0; r0 < n_rows; r0 += kBatchBlock<T>) {
      const int64_t n = smaller(kBatchBlock<T>, n_rows - r0);
      const bool ends = r0 + n == n_rows;
      for (int64_t t = first; t < last; ++t) {
        const int64_t i0 = t * kTileRows;
        const int rows = rows_of(t);
        T* tile = sums + (t - first) * tile_size;
        if (r0 == 0 && s.rule.accumulate) {
          const T* from = layer.moments[s.rule.gradient_slot] + n0 * layer.n_in + i0 * n_vectors * Simd<T>::width;
          for (int i = 0; i < rows; ++i)
            for (int j = 0; j < n_vectors; ++j)
              store(tile + i * kPanel<T> + j * Simd<T>::width, load(from + (i * n_vectors + j) * Simd<T>::width));
        }
        const T* a = x + i0 / kPanel<T> * stride + r0 * kPanel<T> + i0 % kPanel<T>;
        const T* b = delta + r0 * kPanel<T>;
        // The tiles of a panel share out the same rows of the panel that follows; after the last, of the first again.
        const int64_t after = i0 / kPanel<T> + 1, share = i0 % kPanel<T> / kTileRows * n * kTileRows;
        const T* next = x + (after * kPanel<T> < layer.n_in ? after * stride : 0) + r0 * kPanel<T> + share;
        if (!asks) next = nullptr;
        const bool add = r0 > 0 || s.rule.accumulate, before = ends && t > first;
        const bool whole = rows == kTileRows && n_vectors == kTileVectors && n >= 2 * kTileRows * kTileVectors;
        if (before && whole && finish.tile_meanwhile) {
          finish.tile_meanwhile(s, layer, a, n, b, tile, add, next, tile - tile_size, i0 - kTileRows, n0);
        } else {
          kTiles<T>.weight[rows - 1][n_vectors - 1](a, n, b, tile, add, next);
          if (before) finish_tile(t - 1);
        }
      }
    }
    finish_tile(last - 1);
  }
}

// The same for the first layer of sparse rows, column by column of the batch.
template <class T, class Finish>
CHAINRULE_INLINE void sum_sparse(const Step<T>& s, const Layer<T>& layer, const ColumnEntries<T>& columns,
                                 int64_t i_first, int64_t i_last, int64_t n0, int n_vectors, T* sums, Finish finish) {
  const T* delta = layer.delta + n0 / kPanel<T> * s.batch.stride;
  for (int64_t i0 = i_first * kTileRows; i0 < i_last * kTileRows; i0 += kTileRows) {
    const int rows = static_cast<int>(smaller(kTileRows, layer.n_in - i0));
    for (int i = 0; i < rows; ++i) {
      Vec<T> sum[kTileVectors]{};
      if (s.rule.accumulate) {
        const T* from = layer.moments[s.rule.gradient_slot] + n0 * layer.n_in + (i0 + i) * n_vectors * Simd<T>::width;
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
  for (int64_t r = 0; r < s.batch.n_rows; ++r)
    for (int64_t e = indptr[s.batch.order[r]]; e < static_cast<int64_t>(indptr[s.batch.order[r] + 1]); ++e)
      if (indices[e] + 1 < n) ++columns.begin[indices[e] + 2];
  for (int64_t i = 2; i <= n; ++i) columns.begin[i] += columns.begin[i - 1];
  for (int64_t r = 0; r < s.batch.n_rows; ++r)  // begin[i + 1] is column i's next free place, and ends as its end
    for (int64_t e = indptr[s.batch.order[r]]; e < static_cast<int64_t>(indptr[s.batch.order[r] + 1]); ++e) {
      const int64_t place = columns.begin[indices[e] + 1]++;
      columns.row[place] = r;
      columns.value[place] = s.data.values[e];
    }
}

// The same for narrow networks. A few sums over the rows wait for each other, so those of several layers are taken before
// any is finished: the processor then works on two of them at once.
template <class T>
CHAINRULE_INLINE void narrow_weights(const Step<T>& s, const TileRange* ranges, int n_ranges, T* sums,
                                     const Finish<T>& finish) {
  struct {
    const Layer<T>* layer;
    int64_t i0;
    int rows;
  } summed[kTilesAtOnce];
  alignas(64) T biases[kTilesAtOnce * kWidth<T>];
  constexpr int64_t tile_size = kTileRows * kPanel<T>;
  int n = 0;
  const auto finish_all = [&] {
    for (int i = 0; i < n; ++i) {
      const auto& [layer, i0, rows] = summed[i];
      if (i0 == 0) finish.vector(s, layer->vectors[kBias], biases + i * kWidth<T>, 0, 1);
      if (frozen(s, *layer))
        tile_penalty(s, *layer, i0, rows, 0, 1);
      else
        finish.tile(s, *layer, sums + i * tile_size, kPanel<T>, i0, rows, 0, 1);
    }
    n = 0;
  };
  for (int q = 0; q < n_ranges; ++q) {
    const int k = ranges[q].layer;
    const Layer<T>& layer = s.layers[k];
    const bool all_frozen = frozen(s, layer) && layer.vectors[kBias].factors.rate == T(0);
    const T* x = k == 0 ? s.batch.input : s.layers[k - 1].output;
    for (int64_t t = ranges[q].first; t < ranges[q].last; ++t) {
      const int64_t i0 = t * kTileRows;
      const int rows = static_cast<int>(smaller(kTileRows, layer.n_in - i0));
      if (all_frozen) {
        tile_penalty(s, layer, i0, rows, 0, 1);
        continue;
      }
      narrow_tile(s, layer, x + i0 * s.batch.lane_stride, i0, rows, sums + n * tile_size,
                  i0 == 0 ? biases + n * kWidth<T> : nullptr);
      summed[n] = {&layer, i0, rows};
      if (++n == kTilesAtOnce) finish_all();
    }
  }
  finish_all();
}

template <class T>
void weights_phase(const Step<T>& s, const TileRange* ranges, int n_ranges, ColumnEntries<T>* columns) {
  alignas(64) T sums[kTilesAtOnce * kTileRows * kPanel<T>];
  const Finish<T>& finish_step = finish_of(s);
  const bool summed = s.rule.stage == Stage::update || s.rule.summed;
  if (!kPairs && s.batch.narrow && !summed) return narrow_weights(s, ranges, n_ranges, sums, finish_step);
  for (int q = 0; q < n_ranges; ++q) {
    const Layer<T>& layer = s.layers[ranges[q].layer];
    const bool still = frozen(s, layer);
    const bool sparse = ranges[q].layer == 0 && s.data.values;
    if (sparse && !still && !summed && !columns->collected) {
      if (s.data.wide_indices)
        collect_columns<T, int64_t>(s, *columns);
      else
        collect_columns<T, std::int32_t>(s, *columns);
      columns->collected = true;
    }
    const T* x = ranges[q].layer == 0
                     ? (kPairs ? s.batch.input_pairs : s.batch.input)
                     : (kPairs ? s.layers[ranges[q].layer - 1].output_pairs : s.layers[ranges[q].layer - 1].output);
    const int64_t tiles = (layer.n_in + kTileRows - 1) / kTileRows;
    for (int64_t t = ranges[q].first; t < ranges[q].last;) {
      const int64_t panel = t < tiles ? 0 : t / tiles, i_first = t - panel * tiles, n0 = panel * kPanel<T>;
      const int64_t i_last = smaller(tiles, ranges[q].last - panel * tiles);
      const int n_vectors = band_vectors<T>(layer.n_out, n0);
      const auto each_tile = [&](auto use) {
        for (int64_t i0 = i_first * kTileRows; i0 < i_last * kTileRows; i0 += kTileRows)
          use(i0, static_cast<int>(smaller(kTileRows, layer.n_in - i0)));
      };
      const auto finish = [&](const T* tile, int64_t i0, int rows) {
        finish_step.tile(s, layer, tile, kPanel<T>, i0, rows, n0, n_vectors);
      };
      if (i_first == 0)
        each_vector(layer, [&](const LearnedVector<T>& vector, auto add) {
          if (frozen(s, vector)) return;
          const T* gradient = vector.moments[s.rule.gradient_slot] + n0;
          if (!summed) sum_vector(s, vector, n0, n_vectors, sums, add), gradient = sums;
          finish_step.vector(s, vector, gradient, n0, n_vectors);
        });
      if (still) {
        if (s.rule.stage != Stage::update)
          each_tile([&](int64_t i0, int rows) { tile_penalty(s, layer, i0, rows, n0, n_vectors); });
      } else if (summed) {
        const T* band = layer.moments[s.rule.gradient_slot] + n0 * layer.n_in;
        const int64_t step = n_vectors * Simd<T>::width;
        each_tile(
            [&](int64_t i0, int rows) { finish_step.tile(s, layer, band + i0 * step, step, i0, rows, n0, n_vectors); });
      } else {
        if (sparse)
          sum_sparse(s, layer, *columns, i_first, i_last, n0, n_vectors, sums, finish);
        else
          sum_dense(s, layer, x, i_first, i_last, n0, n_vectors, sums, finish_step);
      }
      t += i_last - i_first;
    }
  }
}

// The same before the first product.
template <class T>
void inputs_phase(const Step<T>& s, int64_t first, int64_t last) {
  const Finish<T>& finish = finish_of(s);
  for (int64_t q = first; q < last; ++q) {
    const InputShare& share = s.inputs.shares[q];
    const InputPiece<T>& piece = s.inputs.pieces[share.piece];
    const LearnedVector<T>& learned = piece.learned;
    if (frozen(s, learned)) continue;
    const int64_t n = share.last - share.first;
    const T* gradient = learned.moments[s.rule.gradient_slot] + share.first;
    if (s.rule.stage != Stage::update && !s.rule.summed) {
      T* sums = s.inputs.scratch;
      const int64_t padded = (n + 63) / 64 * 64;
      for (int64_t i = 0; i < padded; ++i) sums[i] = s.rule.accumulate && i < n ? gradient[i] : T(0);
      sum_share(s, piece, share, sums, sums + padded);
      gradient = sums;
    }
    const int64_t step = s.sums.gradient_squares ? kPanel<T> : n;  // squares are summed panel by panel
    for (int64_t n0 = 0; n0 < n; n0 += step)
      finish.vector(s, learned, gradient + n0, share.first + n0, static_cast<int>(vectors<T>(smaller(n - n0, step))));
    if (piece.below && s.rule.optimizer != Optimizer::gradient && s.rule.stage != Stage::gradient) sum_rises(piece);
  }
}

// Whole steps of a narrow network, one row each. Going forward, a row waits for one activation after the other; meanwhile the
// layers above get the update that the row before has left them. Two rows' outputs stand beside each other for that.
template <class T>
void row_steps(const Step<T>& all, const chainrule::Rates<T>* rates, int64_t n) {
  Step<T> s = all;
  const Finish<T>* finish = nullptr;
  const auto update = [&](const Layer<T>& layer, const T* x, Vec<T> delta) { finish->by_row(s, layer, x, delta); };
  const auto update_above = [&](int k, int64_t at) {
    update(s.layers[k], s.layers[k - 1].output + at, load(s.layers[k].delta));
  };
  for (int64_t i = 0; i < n; ++i, ++s.batch.order, ++s.loss.of_rows) {
    const int64_t at = i % 2 * kWidth<T>, at_before = kWidth<T> - at;
    const auto before = [&](int k) {
      if (i > 0 && k > 0) update_above(k, at_before);
    };
    narrow_row(s, at, before, [&](int k, Vec<T> delta) {
      if (k > 0) return store(s.layers[k].delta, delta);
      static_cast<chainrule::Rates<T>&>(s) = rates[i];
      finish = &finish_of(s);
      update(s.layers[0], s.batch.input, delta);
    });
  }
  for (int k = 1; k < s.n_layers; ++k) update_above(k, (n - 1) % 2 * kWidth<T>);
}

// After a step: the incoming weights of a unit whose norm exceeds max_norm are scaled back to it. A column's squares are
// summed over its rows in ascending order.
template <class T>
void norms_phase(const Step<T>& s, const TileRange* ranges, int n_ranges) {
  const Vec<T> bound = broadcast(s.rule.max_norm);
  for (int q = 0; q < n_ranges; ++q) {
    const Layer<T>& layer = s.layers[ranges[q].layer];
    if (layer.factors.rate == T(0)) continue;
    for (int64_t n0 = ranges[q].first * kPanel<T>; n0 < smaller(layer.n_out, ranges[q].last * kPanel<T>);
         n0 += kPanel<T>) {
      const int n_vectors = band_vectors<T>(layer.n_out, n0);
      const int64_t step = n_vectors * Simd<T>::width;
      T* band = layer.weights + n0 * layer.n_in;
      Vec<T> squares[kTileVectors]{};
      for (int64_t i = 0; i < layer.n_in; ++i)
        for (int j = 0; j < n_vectors; ++j) {
          const Vec<T> w = load(band + i * step + j * Simd<T>::width);
          squares[j] = fma(w, w, squares[j]);
        }
      alignas(64) T factors[kPanel<T>];
      bool any = false;
      for (int j = 0; j < n_vectors; ++j) {
        const Vec<T> norm = sqrt(squares[j]);
        store(factors + j * Simd<T>::width, norm > bound ? bound / norm : broadcast(T(1)));
      }
      for (int64_t j = 0; j < step; ++j) any = any || factors[j] < T(1);
      if (!any) continue;
      for (int64_t i = 0; i < layer.n_in; ++i)
        for (int64_t j = 0; j < step; j += Simd<T>::width)
          store(band + i * step + j, load(band + i * step + j) * load(factors + j));
      for (int64_t i0 = 0; i0 < layer.n_in; i0 += kTileRows)
        mirror_tile(layer, i0, static_cast<int>(smaller(kTileRows, layer.n_in - i0)), n0, n_vectors);
    }
  }
}

}  // namespace
