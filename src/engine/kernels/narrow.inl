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

// use(j, sum) for each of n_out units.
template <class T, class Use>
CHAINRULE_INLINE void lane_product(const T* x, int64_t x_step, int64_t n, const T* w, int64_t k_step, int64_t c_step,
                                   int64_t n_out, Use use) {
  constexpr int N = 4;
  int64_t j = 0;
  for (; j + N <= n_out; j += N) {
    Vec<T> sums[N];
    lane_sums(sums, x, x_step, n, w + j * c_step, k_step, c_step);
    for (int c = 0; c < N; ++c) use(j + c, sums[c]);
  }
  for (; j < n_out; ++j) {
    Vec<T> sums[1];
    lane_sums(sums, x, x_step, n, w + j * c_step, k_step, c_step);
    use(j, sums[0]);
  }
}

// E1 and E2; the output layer stops at net.
template <class T>
CHAINRULE_INLINE void lane_forward(const Step<T>& s, int k, Group g) {
  const Layer<T>& layer = s.layers[k];
  const T* x = (k == 0 ? s.input : s.layers[k - 1].output) + g.r;
  with_activation<T>(k + 1 < s.n_layers ? layer.activation : Activation::identity, [&](auto f) {
    lane_product(x, s.lane_stride, layer.n_in, layer.weights, kWidth<T>, 1, layer.n_out, [&](int64_t j, Vec<T> sum) {
      const Vec<T> net = sum - broadcast(layer.bias[j]);
      const int64_t q = j * s.lane_stride + g.r;
      if constexpr (f.keeps_net) put(layer.net + q, net, g);
      put(layer.output + q, f.value(net), g);
    });
  });
}

// A number of each row of a group from the data, which have `step` of them a row; lanes beyond the last row repeat it.
template <class T, class From, int... I>
CHAINRULE_INLINE Vec<T> gather(const From* from, int64_t step, const int64_t* order, int64_t last, Indices<I...>) {
  return Vec<T>{static_cast<T>(from[order[I < last ? I : last] * step])...};
}
template <class T, class From>
CHAINRULE_INLINE Vec<T> gather(const Step<T>& s, const From* from, int64_t step, Group g) {
  return gather<T>(from, step, s.order + g.r, g.n - 1, AllLanes<T>{});
}

// The targets of a group, unit by unit.
template <class T>
struct LaneTargets {
  const Step<T>& s;
  int64_t n_out;
  Group g;
  Vec<T> label{};
  CHAINRULE_INLINE LaneTargets(const Step<T>& s, int64_t n_out, Group g) : s(s), n_out(n_out), g(g) {
    if (!labels()) return;
    label = s.data.wide_classes ? gather(s, static_cast<const int64_t*>(s.data.classes), 1, g)
                                : gather(s, static_cast<const std::int32_t*>(s.data.classes), 1, g);
  }
  CHAINRULE_INLINE bool labels() const { return !s.data.targets; }
  CHAINRULE_INLINE Vec<T> operator()(int64_t j) const {
    if (!labels()) return gather(s, s.data.targets + j, n_out, g);
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
  __builtin_memcpy(s.row_loss + g.r, &weighted, static_cast<std::size_t>(g.n) * sizeof(double));
}

// E3 and E4 for an element-wise output activation: deltas to delta[j * kWidth].
template <class T, class F, class L>
CHAINRULE_INLINE void lane_output(const Step<T>& s, const Layer<T>& layer, L loss_of, T* delta, Group g) {
  const LaneTargets<T> target(s, layer.n_out, g);
  const Vec<T> weight = lane_weights(s, g);
  Vec<T> terms[kWidth<T>];
  for (int64_t j = 0; j < layer.n_out; ++j) {
    const Vec<T> net = load(layer.output + j * s.lane_stride + g.r), y = F::value(net), t = target(j);
    terms[j] = loss_of.term(net, y, t);
    store(delta + j * kWidth<T>, loss_of.delta(net, y, t) * weight);
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
  const auto net = [&](int64_t j) { return load(layer.output + j * s.lane_stride + g.r); };
  Vec<T> shift = broadcast(lowest), terms[kWidth<T>];
  for (int64_t j = 0; j < n; ++j) shift = max(net(j), shift);
  for (int64_t j = 0; j < n; ++j) store(delta + j * kWidth<T>, terms[j] = exp<T>(net(j) - shift));
  const Vec<T> total = lane_total<T>(terms, n);
  for (int64_t j = 0; j < n; ++j) {
    const Vec<T> t = target(j), y = load(delta + j * kWidth<T>) / total;
    if (s.probability_floor > 0)
      terms[j] = -(t * log<T>(clip_probability<T>(y, s.probability_floor)));
    else if (!target.labels())
      terms[j] = t * net(j);
    else
      terms[0] = t > zeros<T>() ? net(j) : j == 0 ? zeros<T>() : terms[0];
    store(delta + j * kWidth<T>, (y - t) * weight);
  }
  const Vec<T> sum = target.labels() && !(s.probability_floor > 0) ? terms[0] : lane_total<T>(terms, n);
  put_losses(s, s.probability_floor > 0 ? sum : shift + log<T>(total) - sum, weight, g);
}

// E5 for the layer below `next`, whose deltas are at next_delta[n * kWidth].
template <class T>
CHAINRULE_INLINE void lane_backward(const Step<T>& s, int k, const T* next_delta, T* delta, Group g) {
  const Layer<T>& layer = s.layers[k];
  const Layer<T>& next = s.layers[k + 1];
  with_activation<T>(layer.activation, [&](auto f) {
    const T* kept = (f.keeps_net ? layer.net : layer.output) + g.r;
    lane_product(next_delta, kWidth<T>, next.n_out, next.weights, 1, kWidth<T>, layer.n_out,
                 [&](int64_t i, Vec<T> sum) {
                   store(delta + i * kWidth<T>, sum * f.derivative(load(kept + i * s.lane_stride)));
                 });
  });
}

// J vectors, a unit each, become the packed rows of a group.
template <class T, int J>
CHAINRULE_INLINE void pack_rows(const T* delta, T* to, Group g) {
  Vec<T> v[J];
  for (int j = 0; j < J; ++j) v[j] = load(delta + j * kWidth<T>);
  transpose<T, J>(v);
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
  for (int64_t j = layer.n_out; j < step; ++j) store(delta + j * kWidth<T>, zeros<T>());
  T* to = layer.delta + g.r * step;
  if (step == 2) return pack_rows<T, 2>(delta, to, g);
  if constexpr (kWidth<T> >= 4)
    if (step == 4) return pack_rows<T, 4>(delta, to, g);
  if constexpr (kWidth<T> >= 8)
    if (step == 8) return pack_rows<T, 8>(delta, to, g);
  if constexpr (kWidth<T> >= 16) pack_rows<T, 16>(delta, to, g);
}

template <class T>
CHAINRULE_INLINE void lane_outputs(const Step<T>& s, const Layer<T>& layer, T* delta, Group g) {
  const auto element_wise = [&](auto f, auto loss) { lane_output<T, decltype(f)>(s, layer, loss, delta, g); };
  const T setting = static_cast<T>(s.loss_setting);
  switch (s.loss) {  // those of Shape::narrow
    case Loss::cross_entropy: return lane_softmax(s, layer, delta, g);
    case Loss::binary_cross_entropy:
      return element_wise(Sigmoid<T>{}, BinaryCrossEntropy<T>{s.probability_floor, setting});
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
  constexpr int w = kWidth<T>;
  const int64_t n = s.data.n_features;
  T* to = s.input + g.r;
  int64_t i = 0;
  for (; n - i > w / 4; i += w) {  // where most of a vector is filled, rows are read as they lie
    const int64_t left = smaller(w, n - i);
    Vec<T> v[w];
    for (int r = 0; r < w; ++r) v[r] = r < g.n ? load_first(s.data.x + s.order[g.r + r] * n + i, left) : zeros<T>();
    transpose<T, w>(v);
    for (int c = 0; c < w; ++c)
      if (c < left) put(to + (i + c) * s.lane_stride, v[c], g);
  }
  for (; i < n; ++i) put(to + i * s.lane_stride, gather(s, s.data.x + i, n, g), g);
}

// Batches of one row: units take the lanes, and with a lane stride of 1 the columns of a batch matrix are its row.

// Column n of a layer's weights, up to J input units.
template <class T, int J, int... I>
CHAINRULE_INLINE Vec<T> weight_column(const T* weights, int64_t n, Indices<I...>) {
  return Vec<T>{(I < J ? weights[I * kWidth<T> + n] : T(0))...};
}

template <class T, int J>
CHAINRULE_INLINE Vec<T> row_backward(const Layer<T>& next) {
  Vec<T> sum{};
  for (int64_t n = 0; n < next.n_out; ++n)
    sum = fma(broadcast(next.delta[n]), weight_column<T, J>(next.weights, n, AllLanes<T>{}), sum);
  return sum;
}

template <class T>
CHAINRULE_INLINE void narrow_row(const Step<T>& s) {
  const int64_t n = s.data.n_features;
  const T* x = s.data.x + s.order[0] * n;
  for (int64_t i = 0; i < n; i += kWidth<T>) store(s.input + i, load_first(x + i, smaller(kWidth<T>, n - i)));
  for (int k = 0; k < s.n_layers; ++k) {
    const Layer<T>& layer = s.layers[k];
    Vec<T> sum{};
    for (int64_t i = 0; i < layer.n_in; ++i) sum = fma(broadcast(x[i]), load(layer.weights + i * kWidth<T>), sum);
    const Vec<T> net = sum - load(layer.bias);
    with_activation<T>(k + 1 < s.n_layers ? layer.activation : Activation::identity, [&](auto f) {
      if constexpr (f.keeps_net) store(layer.net, net);
      store(layer.output, f.value(net));
    });
    x = layer.output;
  }
  output_rows<T, true>(s, s.layers[s.n_layers - 1], 0, 1, 0);
  for (int k = s.n_layers - 2; k >= 0; --k) {
    const Layer<T>& layer = s.layers[k];
    const Layer<T>& next = s.layers[k + 1];
    Vec<T> sum;
    if (next.n_in <= 4)
      sum = row_backward<T, 4>(next);
    else if (next.n_in <= 8)
      sum = row_backward<T, 8>(next);
    else
      sum = row_backward<T, kWidth<T>>(next);
    with_activation<T>(layer.activation, [&](auto f) {
      store(layer.delta, sum * f.derivative(load(f.keeps_net ? layer.net : layer.output)));
    });
  }
}

template <class T>
void narrow_rows(const Step<T>& s, int64_t begin, int64_t end) {
  if (s.lane_stride == 1) {
    if (begin < end) narrow_row(s);
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
  if (s.accumulate) {
    for (int i = 0; i < R; ++i) sum[i] = load_few(layer.moments[s.gradient_slot] + (i0 + i) * kWidth<T>);
    minus = load_few(layer.bias_moments[s.gradient_slot]);
  }
  for (int64_t r = 0; r < s.n_rows; ++r, ++x, delta += step) {
    const V d = load_few(delta);
    for (int i = 0; i < R; ++i) sum[i] = fma(spread(x[i * s.lane_stride]), d, sum[i]);
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
