// Networks whose layers fit into one vector each: rows take the lanes, so that no lane is idle. Every sum runs in the order
// that it has elsewhere, so the bits are the same.
//
// A batch matrix is kept by columns here: unit i of row r at [i * lane_stride + r]. Deltas are written by rows as well,
// packed: unit j of row r at [r * delta_step + j], as E6 reads them.

namespace {

template <class T>
constexpr int kWidth = Simd<T>::width;

// The smallest power of two that holds the units of a layer.
CHAINRULE_INLINE int64_t delta_step(int64_t n_out) {
  int64_t step = 2;
  while (step < n_out) step *= 2;
  return step;
}

// kWidth rows or, at the end, `n` of them: rows r .. r + n - 1 of the step, whose place is `at`.
struct Group {
  int64_t r, n;
};

template <class T>
CHAINRULE_INLINE void put(T* to, Vec<T> v, Group g) {
  if (g.n == kWidth<T>)
    store(to, v);
  else
    store_first(to, v, g.n);
}

// Units j .. j + N - 1 of a product, for the rows of a group: sum over k of x_k w[k * k_step + c * c_step].
template <class T, int N>
CHAINRULE_INLINE void lane_sums(Vec<T> (&sums)[N], const T* x, int64_t x_step, int64_t n, const T* w, int64_t k_step,
                                int64_t c_step) {
  for (int c = 0; c < N; ++c) sums[c] = zeros<T>();
  for (int64_t k = 0; k < n; ++k, x += x_step, w += k_step) {
    const Vec<T> factor = load(x);
    for (int c = 0; c < N; ++c) sums[c] = fma(factor, broadcast(w[c * c_step]), sums[c]);
  }
}

// All n_out units of it.
template <class T>
__attribute__((noinline)) void lane_product(const T* x, int64_t x_step, int64_t n, const T* w, int64_t k_step,
                                            int64_t c_step, int64_t n_out, Vec<T>* sums) {
  const auto some = [&](auto& into) {
    lane_sums(into, x, x_step, n, w, k_step, c_step);
    for (const Vec<T>& sum : into) *sums++ = sum;
  };
  for (; n_out >= 4; n_out -= 4, w += 4 * c_step) {
    Vec<T> four[4];
    some(four);
  }
  Vec<T> one[1], two[2], three[3];
  if (n_out == 1) some(one);
  if (n_out == 2) some(two);
  if (n_out == 3) some(three);
}

// E1 and E2; the output layer stops at net.
template <class T>
CHAINRULE_INLINE void lane_forward(const Step<T>& s, int k, Group g) {
  const Layer<T>& layer = s.layers[k];
  const T* x = (k == 0 ? s.batch.input : s.layers[k - 1].output) + g.r;
  Vec<T> sums[kWidth<T>];
  lane_product(x, s.batch.lane_stride, layer.n_in, layer.weights, kWidth<T>, 1, layer.n_out, sums);
  with_activation<T>(k + 1 < s.n_layers ? layer.activation : Activation::identity, [&](auto f) {
    for (int64_t j = 0, q = g.r; j < layer.n_out; ++j, q += s.batch.lane_stride) {
      const Vec<T> net = sums[j] - broadcast(layer.vectors[kBias].values[j]);
      if constexpr (f.keeps_net) put(layer.net + q, net, g);
      put(layer.output + q, factor_value<T>(f, net), g);
    }
  });
}

// A number of each row of a group from the data, which have `step` of them a row; lanes beyond the last row repeat it.
template <class T, class From, int... I>
CHAINRULE_INLINE Vec<T> gather(const From* from, int64_t step, const int64_t* order, Indices<I...>) {
  return Vec<T>{static_cast<T>(from[order[I] * step])...};
}
template <class T, class From>
CHAINRULE_INLINE Vec<T> gather(const Step<T>& s, const From* from, int64_t step, Group g) {
  return gather<T>(from, step, s.batch.order + g.r, AllLanes<T>{});
}

// use(i, column i) for the n columns of the rows of a group, as gather. Rows are read as they lie, 16 bytes of each where
// those are all that is left.
template <class T, class Use>
CHAINRULE_INLINE void gather_columns(const Step<T>& s, const T* from, int64_t n, Group g, Use use) {
  constexpr int w = kWidth<T>, few = kQuad<T>;
  const auto row = [&](int r) { return from + s.batch.order[g.r + r] * n; };
  int64_t i = 0;
  for (; n - i > few; i += w) {
    const int64_t left = smaller(w, n - i);
    Vec<T> v[w];
    for (int r = 0; r < w; ++r) v[r] = load_first(row(r) + i, left);
    transpose<T, w>(v);
    for (int c = 0; c < w; ++c)
      if (c < left) use(i + c, v[c]);
  }
  if (i >= n) return;
  Vec<T> v[few];
  quad_columns<T>([&](int r) __attribute__((always_inline)) { return load_quad(row(r) + i, n - i); }, v);
  for (int c = 0; c < few; ++c)
    if (i + c < n) use(i + c, v[c]);
}

// The targets of a group, unit by unit.
template <class T>
struct LaneTargets {
  bool labels;
  Vec<T> label{}, columns[kWidth<T>];
  CHAINRULE_INLINE LaneTargets(const Step<T>& s, int64_t n_out, Group g) : labels(!s.data.targets) {
    if (!labels)
      gather_columns(s, s.data.targets, n_out, g, [&](int64_t j, Vec<T> t) { columns[j] = t; });
    else
      label = s.data.wide_classes ? gather(s, static_cast<const int64_t*>(s.data.classes), 1, g)
                                  : gather(s, static_cast<const std::int32_t*>(s.data.classes), 1, g);
  }
  CHAINRULE_INLINE Vec<T> operator()(int64_t j) const {
    if (!labels) return columns[j];
    return label == broadcast(static_cast<T>(j)) ? broadcast(T(1)) : zeros<T>();
  }
};

// The sum of a row's terms in the order of RowSum.
template <class T>
CHAINRULE_INLINE Vec<T> lane_total(Vec<T> (&terms)[kWidth<T>], int64_t n) {
  for (int64_t half = kWidth<T> / 2; half > 0; half /= 2)
    for (int64_t i = 0; i < half && i + half < n; ++i) terms[i] = terms[i] + terms[i + half];
  return terms[0];
}

template <class T>
CHAINRULE_INLINE Vec<T> lane_weights(const Step<T>& s, Group g) {
  return s.data.sample_weight ? gather(s, s.data.sample_weight, 1, g) : broadcast(T(1));
}

template <class T>
CHAINRULE_INLINE void put_losses(const Step<T>& s, Vec<T> loss, Vec<T> weight, Group g) {
  typedef double Doubles __attribute__((vector_size(kWidth<T> * sizeof(double))));
  const Doubles weighted = __builtin_convertvector(loss, Doubles) * __builtin_convertvector(weight, Doubles);
  __builtin_memcpy(s.loss.of_rows + g.r, &weighted, static_cast<std::size_t>(g.n) * sizeof(double));
}

// E3 and E4 for an element-wise output activation: deltas to delta[j * kWidth].
template <class T, class F, class L>
CHAINRULE_INLINE void lane_output(const Step<T>& s, const Layer<T>& layer, L loss_of, T* delta, Group g) {
  const LaneTargets<T> target(s, layer.n_out, g);
  const Vec<T> weight = lane_weights(s, g);
  Vec<T> terms[kWidth<T>];
  for (int64_t j = 0; j < layer.n_out; ++j) {
    const Vec<T> net = load(layer.output + j * s.batch.lane_stride + g.r), y = factor_value<T>(F{}, net), t = target(j);
    terms[j] = loss_of.term(net, y, t);
    store(delta + j * kWidth<T>, as_delta(s, loss_of.delta(net, y, t) * weight));
  }
  put_losses(s, lane_total<T>(terms, layer.n_out), weight, g);
}

// Softmax with cross-entropy, as cross_entropy_row without smoothing.
template <class T>
CHAINRULE_INLINE void lane_softmax(const Step<T>& s, const Layer<T>& layer, T* delta, Group g) {
  const LaneTargets<T> target(s, layer.n_out, g);
  const Vec<T> weight = lane_weights(s, g);
  const int64_t n = layer.n_out;
  const T lowest = -__builtin_inff();
  const auto net = [&](int64_t j) { return load(layer.output + j * s.batch.lane_stride + g.r); };
  Vec<T> shift = broadcast(lowest), terms[kWidth<T>];
  for (int64_t j = 0; j < n; ++j) shift = max(net(j), shift);
  for (int64_t j = 0; j < n; ++j) store(delta + j * kWidth<T>, terms[j] = exp<T>(net(j) - shift));
  const Vec<T> total = lane_total<T>(terms, n), least = total * broadcast(Format<T>::smallest_normal);
  for (int64_t j = 0; j < n; ++j) {
    const Vec<T> t = target(j), y = flush(load(delta + j * kWidth<T>), least) / total;
    if (s.loss.probability_floor > 0)
      terms[j] = -(t * log<T>(clip_probability<T>(y, s.loss.probability_floor)));
    else if (!target.labels)
      terms[j] = t * net(j);
    else
      terms[0] = t > zeros<T>() ? net(j) : j == 0 ? zeros<T>() : terms[0];
    store(delta + j * kWidth<T>, as_delta(s, (y - t) * weight));
  }
  const Vec<T> sum = target.labels && !(s.loss.probability_floor > 0) ? terms[0] : lane_total<T>(terms, n);
  put_losses(s, s.loss.probability_floor > 0 ? sum : shift + log<T>(total) - sum, weight, g);
}

// E5 for the layer below `next`, whose deltas are at next_delta[n * kWidth].
template <class T>
CHAINRULE_INLINE void lane_backward(const Step<T>& s, int k, const T* next_delta, T* delta, Group g) {
  const Layer<T>& layer = s.layers[k];
  const Layer<T>& next = s.layers[k + 1];
  Vec<T> sums[kWidth<T>];
  lane_product(next_delta, kWidth<T>, next.n_out, next.weights, 1, kWidth<T>, layer.n_out, sums);
  with_activation<T>(layer.activation, [&](auto f) {
    const T* kept = (f.keeps_net ? layer.net : layer.output) + g.r;
    for (int64_t i = 0; i < layer.n_out; ++i)
      store(delta + i * kWidth<T>, as_delta(s, sums[i] * f.derivative(load(kept + i * s.batch.lane_stride))));
  });
}

// J vectors, a unit each, become the packed rows of a group.
template <class T, int J>
CHAINRULE_INLINE void pack_rows(const T* delta, int64_t n_out, T* to, Group g) {
  Vec<T> v[J];
  for (int j = 0; j < J; ++j) v[j] = j <= J / 2 || j < n_out ? load(delta + j * kWidth<T>) : zeros<T>();
  transpose<T, J>(v);
  if (g.n == kWidth<T>) {
    for (int j = 0; j < J; ++j) store(to + j * kWidth<T>, v[j]);
    return;
  }
  for (int j = 0; j < J; ++j) {
    const int64_t left = g.n * J - j * kWidth<T>;
    if (left >= kWidth<T>)
      store(to + j * kWidth<T>, v[j]);
    else if (left > 0)
      store_first(to + j * kWidth<T>, v[j], left);
  }
}

template <class T>
CHAINRULE_INLINE void put_delta(const Layer<T>& layer, T* delta, Group g) {
  const int64_t step = delta_step(layer.n_out);
  if (layer.n_out == 1) store(delta + kWidth<T>, zeros<T>());
  T* to = layer.delta + g.r * step;
  if (step == 2) return pack_rows<T, 2>(delta, 2, to, g);
  if constexpr (kWidth<T> >= 4)
    if (step == 4) return pack_rows<T, 4>(delta, layer.n_out, to, g);
  if constexpr (kWidth<T> >= 8)
    if (step == 8) return pack_rows<T, 8>(delta, layer.n_out, to, g);
  if constexpr (kWidth<T> >= 16) pack_rows<T, 16>(delta, layer.n_out, to, g);
}

template <class T>
CHAINRULE_INLINE void lane_outputs(const Step<T>& s, const Layer<T>& layer, T* delta, Group g) {
  const auto element_wise = [&](auto f, auto loss) { lane_output<T, decltype(f)>(s, layer, loss, delta, g); };
  const T setting = static_cast<T>(s.loss.setting);
  switch (s.loss.kind) {  // those of Shape::narrow
    case Loss::cross_entropy: return lane_softmax(s, layer, delta, g);
    case Loss::binary_cross_entropy:
      return element_wise(Sigmoid<T>{}, BinaryCrossEntropy<T>{s.loss.probability_floor, setting});
    case Loss::binary_focal: return element_wise(Sigmoid<T>{}, BinaryFocal<T>{setting});
    case Loss::poisson:
      return with_positive<T>(layer.activation, [&](auto f) { element_wise(f, Poisson<T, decltype(f)>{}); });
    default:
      return with_activation<T>(layer.activation,
                                [&](auto f) { element_wise(f, Through<T, decltype(f), SquaredError<T>>{}); });
  }
}

// The rows of a group into the columns of x_1.
template <class T>
CHAINRULE_INLINE void gather_lanes(const Step<T>& s, Group g) {
  gather_columns(s, s.data.x, s.data.n_features, g,
                 [&](int64_t i, Vec<T> column) { put(s.batch.input + g.r + i * s.batch.lane_stride, column, g); });
}

// Batches of one row: units take the lanes, and with a lane stride of 1 the columns of a batch matrix are its row.

// Column n of a layer's weights, up to J input units.
template <class T, int J, int... I>
CHAINRULE_INLINE Vec<T> weight_column(const T* weights, int64_t n, Indices<I...>) {
  return Vec<T>{(I < J ? weights[I * kWidth<T> + n] : T(0))...};
}

template <class T, int J>
CHAINRULE_INLINE Vec<T> row_backward(const Layer<T>& next, Vec<T> delta) {
  Vec<T> sum{};
  for (int64_t n = 0; n < next.n_out; ++n)
    sum = fma(spread(delta, n), weight_column<T, J>(next.weights, n, AllLanes<T>{}), sum);
  return sum;
}

// E2 to E4 of the output layer, whose net is given: its delta.
template <class T>
CHAINRULE_INLINE Vec<T> row_output(const Step<T>& s, const Layer<T>& layer, Vec<T> net) {
  if (s.loss.kind != Loss::squared_error || layer.activation == Activation::softmax ||
      layer.activation == Activation::ordered) {
    store(layer.output, net);
    output_rows<T, true>(s, layer, 0, 1, 0);
    return load(layer.delta);
  }
  Vec<T> delta;
  with_activation<T>(layer.activation, [&](auto f) {
    const Through<T, decltype(f), SquaredError<T>> loss_of{};
    const Vec<T> y = factor_value<T>(f, net), t = Targets<T>(s, 0, layer.n_out)(0);
    const T weight = row_weight(s, 0);
    RowSum<T> loss;
    loss.add(0, keep_valid<T>(loss_of.term(net, y, t), 0, layer.n_out));
    s.loss.of_rows[0] = static_cast<double>(loss.total()[0]) * static_cast<double>(weight);
    delta = keep_valid<T>(as_delta(s, loss_of.delta(net, y, t) * broadcast(weight)), 0, layer.n_out);
  });
  return delta;
}

// The only row of a batch forward and back; outputs of hidden layers stand `at` elements into their batch matrices. Each
// operation waits for the one before, so what the next one needs stays in a register. before(k) is called when all below
// layer k is on its way; use(k, delta) from the last layer on, once nothing more is read of its weights.
template <class T, class Before, class Use>
CHAINRULE_INLINE void narrow_row(const Step<T>& s, int64_t at, Before before, Use use) {
  const int64_t n = s.data.n_features;
  const T* row = s.data.x + s.batch.order[0] * n;
  for (int64_t i = 0; i < n; i += kWidth<T>) store(s.batch.input + i, load_first(row + i, smaller(kWidth<T>, n - i)));
  Vec<T> x = load_first(row, smaller(kWidth<T>, n));
  const int last = s.n_layers - 1;
  Vec<T> delta;
  for (int k = 0;; ++k) {
    before(k);
    const Layer<T>& layer = s.layers[k];
    const T* weights = layer.weights;
    Vec<T> sum{};
    for (int64_t left = layer.n_in;;) {
      const int64_t units = smaller(kWidth<T>, left);
      for (int64_t i = 0; i < units; ++i, weights += kWidth<T>) sum = fma(spread(x, i), load(weights), sum);
      if ((left -= units) == 0) break;
      x = load(s.batch.input + layer.n_in - left);  // more inputs than lanes, in the first layer
    }
    const Vec<T> net = sum - load(layer.vectors[kBias].values);
    if (k == last) {
      delta = row_output(s, layer, net);
      break;
    }
    with_activation<T>(layer.activation, [&](auto f) {
      if constexpr (f.keeps_net) store(layer.net, net);
      x = factor_value<T>(f, net);
    });
    store(layer.output + at, x);
  }
  for (int k = last; k > 0; --k) {
    const Layer<T>& layer = s.layers[k];
    const Layer<T>& below = s.layers[k - 1];
    Vec<T> sum;
    if (layer.n_in <= 4)
      sum = row_backward<T, 4>(layer, delta);
    else if (layer.n_in <= 8)
      sum = row_backward<T, 8>(layer, delta);
    else
      sum = row_backward<T, kWidth<T>>(layer, delta);
    use(k, delta);
    with_activation<T>(below.activation, [&](auto f) {
      delta = as_delta(s, sum * f.derivative(load(f.keeps_net ? below.net : below.output + at)));
    });
  }
  use(0, delta);
}

template <class T>
void narrow_rows(const Step<T>& s, int64_t begin, int64_t end) {
  if (s.batch.lane_stride == 1) {
    if (begin < end) narrow_row(s, 0, [](int) {}, [&](int k, Vec<T> delta) { store(s.layers[k].delta, delta); });
    return;
  }
  for (int64_t r = begin; r < end; r += kWidth<T>) gather_lanes(s, Group{r, smaller(kWidth<T>, end - r)});
  for (int64_t r = begin; r < end; r += kWidth<T>) {
    const Group g{r, smaller(kWidth<T>, end - r)};
    alignas(64) T deltas[2][kWidth<T> * kWidth<T>];
    for (int k = 0; k < s.n_layers; ++k) lane_forward(s, k, g);
    for (int k = s.n_layers - 1; k >= 0; --k) {
      T* delta = deltas[k % 2];
      if (k == s.n_layers - 1)
        lane_outputs(s, s.layers[k], delta, g);
      else
        lane_backward(s, k, deltas[(k + 1) % 2], delta, g);
      put_delta(s.layers[k], delta, g);
    }
  }
}

// E4 to E6 summed over the batch for the R input units from i0 on, whose column begins at x: the sums' lanes beyond n_out
// are zero. `bias`, where not null: minus the sum of the deltas. spread(x): the vector of sums with x in each lane.
template <class T, int R, class Spread>
__attribute__((noinline)) void narrow_sums(const Step<T>& s, const Layer<T>& layer, const T* x, int64_t i0, T* sums,
                                           T* bias, Spread spread) {
  using V = decltype(spread(T(0)));
  const auto load_few = [](const T* p) {
    V v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
  };
  const auto store_valid = [&](T* to, V v) { store(to, keep_valid<T>(whole(v), 0, layer.n_out)); };
  const int64_t step = delta_step(layer.n_out);
  const T* delta = layer.delta;
  V sum[R]{}, minus{};
  if (s.rule.accumulate) {
    for (int i = 0; i < R; ++i) sum[i] = load_few(layer.moments[s.rule.gradient_slot] + (i0 + i) * kWidth<T>);
    minus = load_few(layer.vectors[kBias].moments[s.rule.gradient_slot]);
  }
#pragma GCC unroll 4
  for (int64_t r = 0; r < s.batch.n_rows; ++r, ++x, delta += step) {
    const V d = load_few(delta);
    for (int i = 0; i < R; ++i) sum[i] = fma(spread(x[i * s.batch.lane_stride]), d, sum[i]);
    minus = minus - d;
  }
  for (int i = 0; i < R; ++i) store_valid(sums + i * kPanel<T>, sum[i]);
  if (bias) store_valid(bias, minus);
}

template <class T, int R = kTileRows>
CHAINRULE_INLINE void narrow_tile(const Step<T>& s, const Layer<T>& layer, const T* x, int64_t i0, int rows, T* sums,
                                  T* bias) {
  if (rows == R) {
    if (layer.n_out <= static_cast<int64_t>(sizeof(few(T(0))) / sizeof(T)))
      return narrow_sums<T, R>(s, layer, x, i0, sums, bias, [](T value) { return few(value); });
    return narrow_sums<T, R>(s, layer, x, i0, sums, bias, [](T value) { return broadcast(value); });
  }
  if constexpr (R > 1) narrow_tile<T, R - 1>(s, layer, x, i0, rows, sums, bias);
}

}  // namespace
