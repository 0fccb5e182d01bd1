// E3 and E4: the output layer's activation, the loss of each row, and delta = dE/dnet of the output layer.

namespace {

using chainrule::Layer;
using chainrule::Loss;
using chainrule::Rows;
using chainrule::Step;

template <class T>
CHAINRULE_INLINE Vec<T> positive_part(Vec<T> v) {
  return v > zeros<T>() ? v : zeros<T>();
}

template <class T>
CHAINRULE_INLINE Vec<T> clip_probability(Vec<T> p, T floor) {
  return min(max(p, broadcast(floor)), broadcast(T(1) - floor));
}

// Each loss: `term` is an output's share of the row's loss, `delta` its dE/dnet, from net, y = f(net), target t.
template <class T, class F>
struct SquaredError {  // 1/2 sum (y - t)^2
  static CHAINRULE_INLINE Vec<T> term(Vec<T>, Vec<T> y, Vec<T> t, T) { return (y - t) * (y - t) * broadcast(T(0.5)); }
  static CHAINRULE_INLINE Vec<T> delta(Vec<T> net, Vec<T> y, Vec<T> t) {
    return (y - t) * F::derivative(F::keeps_net ? net : y);
  }
};

template <class T>
struct BinaryCrossEntropy {  // of sigmoid: f' cancels against dE/dy
  static CHAINRULE_INLINE Vec<T> term(Vec<T> net, Vec<T> y, Vec<T> t, T floor) {
    const Vec<T> one = broadcast(T(1));
    if (floor > 0) {
      const Vec<T> p = clip_probability<T>(y, floor);
      return -(t * log<T>(p) + (one - t) * log<T>(one - p));
    }
    const Vec<T> size = net > zeros<T>() ? net : -net;
    return softplus<T>(-size) + ((one - t) * positive_part<T>(net) + t * positive_part<T>(-net));
  }
  static CHAINRULE_INLINE Vec<T> delta(Vec<T>, Vec<T> y, Vec<T> t) { return y - t; }
};

template <class T, class F>
struct Poisson {  // half the deviance: t log(t / y) - t + y
  static CHAINRULE_INLINE Vec<T> term(Vec<T>, Vec<T> y, Vec<T> t, T) {
    const Vec<T> ratio = t > zeros<T>() ? t * log<T>(t / y) : t * broadcast(T(0));
    return ratio - t + y;
  }
  // (y - t) (log f)', which stays finite where y has underflowed to 0
  static CHAINRULE_INLINE Vec<T> delta(Vec<T>, Vec<T> y, Vec<T> t) { return (y - t) * log_derivative(F{}, y); }

  static CHAINRULE_INLINE Vec<T> log_derivative(Exp<T>, Vec<T>) { return broadcast(T(1)); }
  static CHAINRULE_INLINE Vec<T> log_derivative(Sigmoid<T>, Vec<T> y) { return broadcast(T(1)) - y; }
  static CHAINRULE_INLINE Vec<T> log_derivative(Softplus<T> f, Vec<T> y) {
    return y > zeros<T>() ? f.derivative(y) / y : broadcast(T(1));
  }
};

// Which outputs a loss makes sense for; model.cpp refuses the other pairs.
template <class F>
constexpr bool kProbability = false;
template <class T>
constexpr bool kProbability<Sigmoid<T>> = true;
template <class F>
constexpr bool kPositive = kProbability<F>;
template <class T>
constexpr bool kPositive<Exp<T>> = true;
template <class T>
constexpr bool kPositive<Softplus<T>> = true;

// One row's place in a batch matrix: vector v is columns v * width onwards.
template <class T>
struct RowOf {
  T* base;
  int64_t stride;
  CHAINRULE_INLINE T* operator()(int64_t v) const {
    return base + v / kTileVectors * stride + v % kTileVectors * Simd<T>::width;
  }
};

// The targets of one row, a vector at a time; columns beyond the last are zero.
template <class T>
struct Targets {
  const T* values;  // null: `label` says which column is 1
  int64_t label;
  int64_t n_out;
  CHAINRULE_INLINE Targets(const Rows<T>& data, int64_t row, int64_t n_out) : values(nullptr), label(0), n_out(n_out) {
    if (data.targets)
      values = data.targets + row * n_out;
    else if (data.classes)
      label = data.wide_classes ? static_cast<const int64_t*>(data.classes)[row]
                                : static_cast<const std::int32_t*>(data.classes)[row];
  }
  CHAINRULE_INLINE Vec<T> operator()(int64_t v) const {
    constexpr int w = Simd<T>::width;
    const int64_t first = v * w, left = n_out - first;
    if (values) return left >= w ? load(values + first) : load_first(values + first, left);
    Vec<T> t{};
    if (label >= first && label < first + w)
      t = iota<T>() == broadcast(static_cast<T>(label - first)) ? broadcast(T(1)) : t;
    return t;
  }
};

template <class T>
CHAINRULE_INLINE Vec<T> keep_valid(Vec<T> v, int64_t vector, int64_t n) {
  const Vec<T> left = broadcast(static_cast<T>(n - vector * Simd<T>::width));
  return iota<T>() < left ? v : zeros<T>();
}

template <class T>
CHAINRULE_INLINE T row_weight(const Step<T>& s, int64_t r) {
  return s.data.sample_weight ? s.data.sample_weight[s.order[r]] : T(1);
}

// Element-wise output activation f with loss L.
template <class T, class F, class L, bool kDelta>
CHAINRULE_INLINE void output_row(const Step<T>& s, int64_t n_out, RowOf<T> y_of, RowOf<T> delta_of, int64_t r) {
  const Targets<T> target(s.data, s.order[r], n_out);
  const T weight = row_weight(s, r);
  RowSum<T> loss;
  for (int64_t v = 0; v < vectors<T>(n_out); ++v) {
    const Vec<T> net = load(y_of(v)), y = F::value(net), t = target(v);
    store(y_of(v), y);
    loss.add(v, keep_valid<T>(L::term(net, y, t, s.probability_floor), v, n_out));
    if constexpr (kDelta) store(delta_of(v), keep_valid<T>(L::delta(net, y, t) * broadcast(weight), v, n_out));
  }
  s.row_loss[r] = static_cast<double>(loss.total()[0]) * static_cast<double>(weight);
}

// y = softmax(net) = exp(net - shift) / total, in place.
template <class T>
struct SoftmaxScale {
  Vec<T> shift, total;  // one value in every lane
};
template <class T>
CHAINRULE_INLINE SoftmaxScale<T> softmax_row(int64_t n_out, RowOf<T> y_of) {
  const int64_t n_vectors = vectors<T>(n_out);
  const T lowest = -__builtin_inff();
  Vec<T> top = broadcast(lowest);
  for (int64_t v = 0; v < n_vectors; ++v) {
    const bool whole = n_out - v * Simd<T>::width >= Simd<T>::width;
    Vec<T> net = load(y_of(v));
    if (!whole) {
      const Vec<T> left = broadcast(static_cast<T>(n_out - v * Simd<T>::width));
      net = iota<T>() < left ? net : broadcast(lowest);
    }
    top = max(net, top);
  }
  const Vec<T> shift = across_lanes<T>(top, [](Vec<T> a, Vec<T> b) { return max(a, b); });
  RowSum<T> sum;
  for (int64_t v = 0; v < n_vectors; ++v) {
    const Vec<T> e = keep_valid<T>(exp<T>(load(y_of(v)) - shift), v, n_out);
    store(y_of(v), e);
    sum.add(v, e);
  }
  const Vec<T> total = sum.total();
  for (int64_t v = 0; v < n_vectors; ++v) store(y_of(v), load(y_of(v)) / total);
  return {shift, total};
}

// Softmax with cross-entropy: delta = y - t, because the targets of a row sum to 1.
template <class T, bool kDelta>
void softmax_cross_entropy_row(const Step<T>& s, int64_t n_out, RowOf<T> y_of, RowOf<T> delta_of, int64_t r) {
  const Targets<T> target(s.data, s.order[r], n_out);
  const T weight = row_weight(s, r);
  const bool clipped = s.probability_floor > 0;
  RowSum<T> loss;
  T label_net = 0;  // the net input of the true class, read before softmax overwrites it
  if (!clipped) {
    if (target.values) {
      for (int64_t v = 0; v < vectors<T>(n_out); ++v) loss.add(v, keep_valid<T>(target(v) * load(y_of(v)), v, n_out));
      label_net = loss.total()[0];
      loss = RowSum<T>{};
    } else {
      label_net = y_of(target.label / Simd<T>::width)[target.label % Simd<T>::width];
    }
  }
  const SoftmaxScale<T> scale = softmax_row<T>(n_out, y_of);
  if (clipped) {
    for (int64_t v = 0; v < vectors<T>(n_out); ++v)
      loss.add(v,
               keep_valid<T>(-(target(v) * log<T>(clip_probability<T>(load(y_of(v)), s.probability_floor))), v, n_out));
    s.row_loss[r] = static_cast<double>(loss.total()[0]);
  } else {
    s.row_loss[r] = static_cast<double>((scale.shift + log<T>(scale.total))[0] - label_net);
  }
  s.row_loss[r] *= static_cast<double>(weight);
  if constexpr (kDelta)
    for (int64_t v = 0; v < vectors<T>(n_out); ++v)
      store(delta_of(v), keep_valid<T>((load(y_of(v)) - target(v)) * broadcast(weight), v, n_out));
}

// Softmax with squared error needs the whole Jacobian diag(y) - y^T y: delta = y o (g - g.y), g = y - t.
template <class T, bool kDelta>
void softmax_squared_error_row(const Step<T>& s, int64_t n_out, RowOf<T> y_of, RowOf<T> delta_of, int64_t r) {
  const Targets<T> target(s.data, s.order[r], n_out);
  const T weight = row_weight(s, r);
  softmax_row<T>(n_out, y_of);
  RowSum<T> loss, product;
  for (int64_t v = 0; v < vectors<T>(n_out); ++v) {
    const Vec<T> y = load(y_of(v)), g = keep_valid<T>(y - target(v), v, n_out);
    loss.add(v, g * g * broadcast(T(0.5)));
    product.add(v, g * y);
  }
  s.row_loss[r] = static_cast<double>(loss.total()[0]) * static_cast<double>(weight);
  if constexpr (kDelta) {
    const Vec<T> mean = product.total();
    for (int64_t v = 0; v < vectors<T>(n_out); ++v) {
      const Vec<T> y = load(y_of(v));
      store(delta_of(v), keep_valid<T>(y * (y - target(v) - mean) * broadcast(weight), v, n_out));
    }
  }
}

// The rows r0..r1 of the output layer, stored from position `at` of the batch matrices on. On entry `output` holds
// net; on return y, the rows' losses are in row_loss, and (kDelta) `delta` holds dE/dnet times the row's weight.
template <class T, bool kDelta>
void output_rows(const Step<T>& s, const Layer<T>& layer, int64_t r0, int64_t r1, int64_t at) {
  const auto each_row = [&](auto row) {
    for (int64_t r = r0; r < r1; ++r) {
      const int64_t place = (at + r - r0) * kPanel<T>;
      row(RowOf<T>{layer.output + place, s.batch_stride}, RowOf<T>{layer.delta + place, s.batch_stride}, r);
    }
  };
  const int64_t n = layer.n_out;
  if (layer.activation == Activation::softmax) {
    if (s.loss == Loss::cross_entropy)
      each_row([&](RowOf<T> y, RowOf<T> d, int64_t r) { softmax_cross_entropy_row<T, kDelta>(s, n, y, d, r); });
    else
      each_row([&](RowOf<T> y, RowOf<T> d, int64_t r) { softmax_squared_error_row<T, kDelta>(s, n, y, d, r); });
    return;
  }
  with_activation<T>(layer.activation, [&](auto f) {
    using F = decltype(f);
    const auto run = [&](auto loss) {
      using L = decltype(loss);
      each_row([&](RowOf<T> y, RowOf<T> d, int64_t r) { output_row<T, F, L, kDelta>(s, n, y, d, r); });
    };
    if constexpr (kPositive<F>)
      if (s.loss == Loss::poisson) return run(Poisson<T, F>{});
    if constexpr (kProbability<F>)
      if (s.loss == Loss::binary_cross_entropy) return run(BinaryCrossEntropy<T>{});
    run(SquaredError<T, F>{});
  });
}

// Outputs alone.
template <class T>
void activate_output_row(const Layer<T>& layer, RowOf<T> y_of) {
  if (layer.activation == Activation::softmax) {
    softmax_row<T>(layer.n_out, y_of);
    return;
  }
  with_activation<T>(layer.activation, [&](auto f) {
    for (int64_t v = 0; v < vectors<T>(layer.n_out); ++v) store(y_of(v), f.value(load(y_of(v))));
  });
}

}  // namespace
