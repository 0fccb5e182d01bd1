// E3 and E4 of single outputs: the losses. What happens to a whole row is in softmax.inl and output.inl.

namespace {

using chainrule::kBias;
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

// --- distances: losses of the output y and the target t alone, for any activation ---------------------------
//
// `value` is an output's share of the row's loss, `gradient` its derivative by y. A kink at y = t has the derivative 0.

template <class T>
struct SquaredError {  // 1/2 sum (y - t)^2
  static CHAINRULE_INLINE Vec<T> value(Vec<T> y, Vec<T> t) { return (y - t) * (y - t) * broadcast(T(0.5)); }
  static CHAINRULE_INLINE Vec<T> gradient(Vec<T> y, Vec<T> t) { return y - t; }
};
template <class T>
struct SquaredErrorOfPredictions : SquaredError<T> {  // which have not become 0 where they are no factors
  static CHAINRULE_INLINE Vec<T> value(Vec<T> y, Vec<T> t) {
    return SquaredError<T>::value(as_factor<T>(y - t), zeros<T>());
  }
};

template <class T>
struct AbsoluteError {  // sum |y - t|; a NaN stays one
  static CHAINRULE_INLINE Vec<T> value(Vec<T> y, Vec<T> t) { return absolute<T>(y - t); }
  static CHAINRULE_INLINE Vec<T> gradient(Vec<T> y, Vec<T> t) {
    const Vec<T> e = y - t, one = broadcast(T(1));
    return e > zeros<T>() ? one : e < zeros<T>() ? -one : e;
  }
};

template <class T>
struct Huber {  // Huber 1964: c (|e| - c / 2) with c = min(|e|, delta), both branches at once
  T delta;
  CHAINRULE_INLINE Vec<T> value(Vec<T> y, Vec<T> t) const {
    const Vec<T> size = absolute<T>(y - t), c = min(broadcast(delta), size);
    return c * (size - c * broadcast(T(0.5)));
  }
  CHAINRULE_INLINE Vec<T> gradient(Vec<T> y, Vec<T> t) const {
    return min(broadcast(delta), max(broadcast(-delta), y - t));
  }
};

template <class T>
struct LogCosh {  // with w = e^-|e|: log1p((1 - w)^2 / 2w) does not cancel near 0, |e| - ln 2 + log1p(w^2) not overflow
  static CHAINRULE_INLINE Vec<T> value(Vec<T> y, Vec<T> t) {
    const Vec<T> size = absolute<T>(y - t), one = broadcast(T(1)), m = expm1<T>(-size), w = one + m;
    const auto near = size < one;
    const Vec<T> l = log1p<T>(near ? m * m / (w + w) : w * w);
    return near ? l : l + (size - broadcast(T(0.693147180559945309417)));
  }
  static CHAINRULE_INLINE Vec<T> gradient(Vec<T> y, Vec<T> t) { return tanh<T>(y - t); }
};

template <class T>
struct Pinball {  // Koenker and Bassett 1978: (1 - q) e above the target, -q e below it, e = y - t
  Vec<T> q;
  CHAINRULE_INLINE Vec<T> value(Vec<T> y, Vec<T> t) const {
    const Vec<T> e = y - t;
    return e > zeros<T>() ? (broadcast(T(1)) - q) * e : -q * e;
  }
  CHAINRULE_INLINE Vec<T> gradient(Vec<T> y, Vec<T> t) const {
    const Vec<T> e = y - t;
    return e > zeros<T>() ? broadcast(T(1)) - q : e < zeros<T>() ? -q : e;
  }
};

// --- losses that take a logarithm, from net, of the outputs of certain activations F --------------------------
//
// `term` is an output's share of the row's loss, `delta` its dE/dnet, from net, y = f(net) as a factor, and the target t.

template <class T, class F, class D>
struct Through {  // a distance as one of these: E7 in the same pass
  D distance;
  CHAINRULE_INLINE Vec<T> term(Vec<T>, Vec<T> y, Vec<T> t) const { return distance.value(y, t); }
  CHAINRULE_INLINE Vec<T> delta(Vec<T> net, Vec<T> y, Vec<T> t) const {
    return distance.gradient(y, t) * F::derivative(F::keeps_net ? net : y);
  }
};

template <class T>
struct BinaryCrossEntropy {  // of sigmoid: f' cancels against dE/dy. Targets are smoothed to t (1 - s) + s / 2
  T floor, smoothing;
  CHAINRULE_INLINE Vec<T> smoothed(Vec<T> t) const {
    return fma(t, broadcast(T(1) - smoothing), broadcast(smoothing / 2));
  }
  CHAINRULE_INLINE Vec<T> term(Vec<T> net, Vec<T> y, Vec<T> t) const {
    const Vec<T> one = broadcast(T(1));
    t = smoothed(t);
    if (floor > 0) {
      const Vec<T> p = clip_probability<T>(y, floor);
      return -(t * log<T>(p) + (one - t) * log<T>(one - p));
    }
    const Vec<T> size = net > zeros<T>() ? net : -net;
    return softplus<T, true>(-size) + ((one - t) * positive_part<T>(net) + t * positive_part<T>(-net));
  }
  CHAINRULE_INLINE Vec<T> delta(Vec<T>, Vec<T> y, Vec<T> t) const { return y - smoothed(t); }
};

template <class T>
struct BinaryFocal {  // Lin et al. 2017, of sigmoid: -t q^g log p - (1 - t) p^g log q, with p = y and q = 1 - p
  T gamma;
  CHAINRULE_INLINE Vec<T> term(Vec<T> net, Vec<T>, Vec<T> t) const {
    const Vec<T> g = broadcast(gamma), minus_log_p = softplus<T, true>(-net), minus_log_q = softplus<T, true>(net);
    return t * exp<T, true>(-(g * minus_log_q)) * minus_log_p +
           (broadcast(T(1)) - t) * exp<T, true>(-(g * minus_log_p)) * minus_log_q;
  }
  CHAINRULE_INLINE Vec<T> delta(Vec<T> net, Vec<T> p, Vec<T> t) const {
    const Vec<T> g = broadcast(gamma), minus_log_p = softplus<T, true>(-net), minus_log_q = softplus<T, true>(net);
    const Vec<T> q = sigmoid<T, true>(-net);
    return (broadcast(T(1)) - t) * exp<T, true>(-(g * minus_log_p)) * (g * q * minus_log_q + p) -
           t * exp<T, true>(-(g * minus_log_q)) * (g * p * minus_log_p + q);
  }
};

// log f from net, and its derivative by net, finite where y = f(net) has underflowed to 0.
template <class F>
struct LogOf;
template <class T>
struct LogOf<Exp<T>> {
  static CHAINRULE_INLINE Vec<T> value(Vec<T> net, Vec<T>) { return net; }
  static CHAINRULE_INLINE Vec<T> derivative(Vec<T>) { return broadcast(T(1)); }
};
template <class T>
struct LogOf<Sigmoid<T>> {
  static CHAINRULE_INLINE Vec<T> value(Vec<T> net, Vec<T>) { return -softplus<T>(-net); }
  static CHAINRULE_INLINE Vec<T> derivative(Vec<T> y) { return broadcast(T(1)) - y; }
};
template <class T>
struct LogOf<Softplus<T>> {
  // Once e^net is below the resolution, softplus(net) = e^net to every digit.
  static constexpr T kTiny = is_float<T> ? T(-15.942385) : T(-36.04365338911715);
  static CHAINRULE_INLINE Vec<T> value(Vec<T> net, Vec<T> y) { return net < broadcast(kTiny) ? net : log<T>(y); }
  static CHAINRULE_INLINE Vec<T> derivative(Vec<T> y) {
    return y > zeros<T>() ? Softplus<T>::derivative(y) / y : broadcast(T(1));
  }
};

// log(y / t) for t > 0: from y - t where they are near each other, else from net.
template <class T, class F>
CHAINRULE_INLINE Vec<T> log_ratio(Vec<T> net, Vec<T> y, Vec<T> t) {
  const Vec<T> x = (y - t) / t;
  return absolute<T>(x) < broadcast(T(0.5)) ? log1p<T>(x) : LogOf<F>::value(net, y) - log<T>(t);
}

template <class T, class F>
struct Poisson {  // half the deviance: t log(t / y) - t + y
  static CHAINRULE_INLINE Vec<T> term(Vec<T> net, Vec<T> y, Vec<T> t) {
    const Vec<T> d = t > zeros<T>() ? t * log_ratio<T, F>(net, y, t) : t * broadcast(T(0));
    return (y - t) - d;
  }
  static CHAINRULE_INLINE Vec<T> delta(Vec<T>, Vec<T> y, Vec<T> t) { return (y - t) * LogOf<F>::derivative(y); }
};

template <class T, class F>
struct Gamma {  // half the deviance: log(y / t) + t / y - 1
  static CHAINRULE_INLINE Vec<T> term(Vec<T> net, Vec<T> y, Vec<T> t) {
    const Vec<T> d = log_ratio<T, F>(net, y, t);
    return d + expm1<T>(-d);
  }
  static CHAINRULE_INLINE Vec<T> delta(Vec<T> net, Vec<T> y, Vec<T> t) {
    return -expm1<T>(-log_ratio<T, F>(net, y, t)) * LogOf<F>::derivative(y);
  }
};

template <class T, class F>
struct Tweedie {  // half the deviance of power 1 - a = 2 - b: t^b (phi(b, d) - phi(a, d)), d = log(y / t)
  T a, b;
  // t^b phi(c, d), where phi(c, d) = (e^(cd) - 1) / c, and d for c = 0. A factor e^(cd) > 1 joins t^b = e^(b log t): the
  // product may be small where it alone overflows.
  static CHAINRULE_INLINE Vec<T> scaled_phi(T c, Vec<T> log_scale, Vec<T> d) {
    if (c == 0) return exp<T>(log_scale) * d;
    const Vec<T> cd = broadcast(c) * d, m = expm1<T>(minus_absolute<T>(cd));
    const auto grows = cd > zeros<T>();
    return exp<T>(grows ? log_scale + cd : log_scale) * (grows ? -m : m) / broadcast(c);
  }
  CHAINRULE_INLINE Vec<T> term(Vec<T> net, Vec<T> y, Vec<T> t) const {
    const auto some = t > zeros<T>();
    const Vec<T> positive = some ? t : broadcast(T(1)), d = log_ratio<T, F>(net, y, positive);
    const Vec<T> log_scale = broadcast(b) * log<T>(positive);
    const Vec<T> e = scaled_phi(b, log_scale, d) - scaled_phi(a, log_scale, d);
    const Vec<T> none = exp<T>(broadcast(b) * LogOf<F>::value(net, y)) / broadcast(b);  // t = 0, which needs b > 0
    return some ? e : none + t;
  }
  CHAINRULE_INLINE Vec<T> delta(Vec<T> net, Vec<T> y, Vec<T> t) const {
    // y^b - t y^a, from the larger of the two, so that it is 0 where y = t
    const auto some = t > zeros<T>();
    const Vec<T> positive = some ? t : broadcast(T(1)), u = LogOf<F>::value(net, y);
    const Vec<T> d = log_ratio<T, F>(net, y, positive), m = expm1<T>(minus_absolute<T>(d));
    const auto above = d > zeros<T>();
    const Vec<T> e = exp<T>((above ? broadcast(b) : broadcast(a)) * u) * (above ? -m : positive * m);
    return (some ? e : exp<T>(broadcast(b) * u) + t) * LogOf<F>::derivative(y);
  }
};

// --- rows -----------------------------------------------------------------------------------------------------

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
  int64_t outputs_each;  // neighboring outputs that share a target
  CHAINRULE_INLINE Targets(const Step<T>& s, int64_t r, int64_t n_out)
      : values(nullptr), label(0), n_out(n_out), outputs_each(s.loss.n_quantiles > 1 ? s.loss.n_quantiles : 1) {
    const int64_t row = s.batch.order[r];
    if (s.data.targets)
      values = s.data.targets + row * (n_out / outputs_each);
    else if (s.data.classes)
      label = s.data.wide_classes ? static_cast<const int64_t*>(s.data.classes)[row]
                                  : static_cast<const std::int32_t*>(s.data.classes)[row];
  }
  CHAINRULE_INLINE Vec<T> operator()(int64_t v) const {
    constexpr int w = Simd<T>::width;
    const int64_t first = v * w, left = n_out - first;
    Vec<T> t{};
    if (outputs_each > 1) {
      for (int i = 0; i < smaller(w, left); ++i) t[i] = values[(first + i) / outputs_each];
      return t;
    }
    if (values) return left >= w ? load(values + first) : load_first(values + first, left);
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

// Where a row of the output layer lies: y (on entry net), what f' is taken from where that is not y, and dE/dnet.
template <class T>
struct OutputRow {
  RowOf<T> y, net, delta;
  CHAINRULE_INLINE OutputRow(const Layer<T>& layer, int64_t stride, int64_t at)
      : y{layer.output + at * kPanel<T>, stride},
        net{layer.net ? layer.net + at * kPanel<T> : nullptr, stride},
        delta{layer.delta ? layer.delta + at * kPanel<T> : nullptr, stride} {}
};

template <class T>
CHAINRULE_INLINE T row_weight(const Step<T>& s, int64_t r) {
  return s.data.sample_weight ? s.data.sample_weight[s.batch.order[r]] : T(1);
}

}  // namespace
