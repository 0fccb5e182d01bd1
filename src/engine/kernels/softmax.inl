// Softmax and its losses: they couple the outputs of a row.

namespace {

template <class T>
CHAINRULE_INLINE Vec<T> row_top(int64_t n_out, RowOf<T> net_of) {  // the largest net, in every lane
  const T lowest = -__builtin_inff();
  Vec<T> top = broadcast(lowest);
  for (int64_t v = 0; v < vectors<T>(n_out); ++v) {
    const bool whole = n_out - v * Simd<T>::width >= Simd<T>::width;
    Vec<T> net = load(net_of(v));
    if (!whole) {
      const Vec<T> left = broadcast(static_cast<T>(n_out - v * Simd<T>::width));
      net = iota<T>() < left ? net : broadcast(lowest);
    }
    top = max(net, top);
  }
  return across_lanes<T>(top, [](Vec<T> a, Vec<T> b) { return max(a, b); });
}

// y = softmax(net) = exp(net - shift) / total, in place.
template <class T>
struct SoftmaxScale {
  Vec<T> shift, total;  // one value in every lane
};
template <class T>
CHAINRULE_INLINE SoftmaxScale<T> softmax_row(int64_t n_out, RowOf<T> y_of) {
  const int64_t n_vectors = vectors<T>(n_out);
  const Vec<T> shift = row_top(n_out, y_of);
  RowSum<T> sum;
  for (int64_t v = 0; v < n_vectors; ++v) {
    const Vec<T> e = keep_valid<T>(exp<T>(load(y_of(v)) - shift), v, n_out);
    store(y_of(v), e);
    sum.add(v, e);
  }
  const Vec<T> total = sum.total(), least = total * broadcast(Format<T>::smallest_normal);
  for (int64_t v = 0; v < n_vectors; ++v) store(y_of(v), flush(load(y_of(v)), least) / total);
  return {shift, total};
}

// Back through softmax: delta = y o (g - g.y), which is the Jacobian diag(y) - y^T y times g.
template <class T>
CHAINRULE_INLINE void softmax_backward_row(const Step<T>& s, int64_t n_out, RowOf<T> y_of, RowOf<T> delta_of) {
  RowSum<T> product;
  for (int64_t v = 0; v < vectors<T>(n_out); ++v)
    product.add(v, as_delta(s, load(delta_of(v))) * as_factor<T>(load(y_of(v))));
  const Vec<T> mean = product.total();
  for (int64_t v = 0; v < vectors<T>(n_out); ++v)
    store(delta_of(v),
          keep_valid<T>(as_delta(s, as_factor<T>(load(y_of(v))) * as_delta(s, load(delta_of(v)) - mean)), v, n_out));
}

// Cross-entropy: delta = y - t, because the targets of a row sum to 1. They are smoothed to t (1 - s) + s / n_out.
template <class T, bool kDelta>
void cross_entropy_row(const Step<T>& s, int64_t n_out, T smoothing, OutputRow<T> row, int64_t r) {
  const Targets<T> target(s, r, n_out);
  const T weight = row_weight(s, r), kept = T(1) - smoothing, share = smoothing / static_cast<T>(n_out);
  const auto smoothed = [&](int64_t v) { return fma(target(v), broadcast(kept), broadcast(share)); };
  const bool clipped = s.loss.probability_floor > 0;
  RowSum<T> loss;
  T target_net = 0;  // net summed with the targets, before softmax overwrites it
  if (!clipped) {
    for (int64_t v = 0; v < vectors<T>(n_out); ++v) loss.add(v, keep_valid<T>(smoothed(v) * load(row.y(v)), v, n_out));
    target_net = loss.total()[0];
    loss = RowSum<T>{};
  }
  const SoftmaxScale<T> scale = softmax_row<T>(n_out, row.y);
  if (clipped) {
    for (int64_t v = 0; v < vectors<T>(n_out); ++v)
      loss.add(v, keep_valid<T>(-(smoothed(v) * log<T>(clip_probability<T>(load(row.y(v)), s.loss.probability_floor))),
                                v, n_out));
    s.loss.of_rows[r] = static_cast<double>(loss.total()[0]);
  } else {
    s.loss.of_rows[r] = static_cast<double>((scale.shift + log<T>(scale.total))[0] - target_net);
  }
  s.loss.of_rows[r] *= static_cast<double>(weight);
  if constexpr (kDelta)
    for (int64_t v = 0; v < vectors<T>(n_out); ++v)
      store(row.delta(v), keep_valid<T>(as_delta(s, (load(row.y(v)) - smoothed(v)) * broadcast(weight)), v, n_out));
}

// The same for class labels as they are, up to a vector of rows: one logarithm for all. row_of(i) is row r + i.
template <class T, bool kDelta, class RowOf>
CHAINRULE_INLINE void cross_entropy_of_labels(const Step<T>& s, int64_t n_out, int64_t r, int64_t n, RowOf row_of) {
  constexpr int w = Simd<T>::width;
  const bool clipped = s.loss.probability_floor > 0;
  T argument[w], shift[w]{}, label_net[w]{};
  for (T& a : argument) a = T(1);
  for (int64_t i = 0; i < n; ++i) {
    const OutputRow<T> row = row_of(i);
    const Targets<T> target(s, r + i, n_out);
    const auto of_label = [&] { return row.y(target.label / w)[target.label % w]; };
    label_net[i] = of_label();
    const SoftmaxScale<T> scale = softmax_row<T>(n_out, row.y);
    shift[i] = scale.shift[0];
    argument[i] = clipped ? of_label() : scale.total[0];
    if constexpr (kDelta)
      for (int64_t v = 0; v < vectors<T>(n_out); ++v)
        store(row.delta(v),
              keep_valid<T>(as_delta(s, (load(row.y(v)) - target(v)) * broadcast(row_weight(s, r + i))), v, n_out));
  }
  const Vec<T> logs = log<T>(clipped ? clip_probability<T>(load(argument), s.loss.probability_floor) : load(argument));
  const Vec<T> losses = clipped ? -logs : (load(shift) + logs) - load(label_net);
  for (int64_t i = 0; i < n; ++i)
    s.loss.of_rows[r + i] = static_cast<double>(losses[i]) * static_cast<double>(row_weight(s, r + i));
}

// Focal loss, Lin et al. 2017: -sum t q^g log p, with q = 1 - p = -expm1(log p), log p from net. With
// h = t q^g (g p log(p) / q - 1), delta = h - p sum h; log(p) / q tends to -1 as q does to 0.
template <class T, bool kDelta>
void focal_row(const Step<T>& s, int64_t n_out, T gamma, OutputRow<T> row, int64_t r) {
  const Targets<T> target(s, r, n_out);
  const T weight = row_weight(s, r);
  const int64_t n_vectors = vectors<T>(n_out);
  const Vec<T> shift = row_top(n_out, row.y), one = broadcast(T(1));
  RowSum<T> sum, loss, pull;
  for (int64_t v = 0; v < n_vectors; ++v) sum.add(v, keep_valid<T>(exp<T>(load(row.y(v)) - shift), v, n_out));
  const Vec<T> total = sum.total(), log_total = log<T>(total);
  for (int64_t v = 0; v < n_vectors; ++v) {
    const Vec<T> net = load(row.y(v)) - shift, p = exp<T, true>(net) / total, log_p = net - log_total;
    const Vec<T> q = -expm1<T>(log_p);
    const Vec<T> factor = gamma > 0 ? target(v) * exp<T>(broadcast(gamma) * log<T>(q)) : target(v);
    store(row.y(v), keep_valid<T>(p, v, n_out));
    loss.add(v, keep_valid<T>(-(factor * log_p), v, n_out));
    if constexpr (kDelta) {
      const Vec<T> ratio = q > zeros<T>() ? log_p / q : -one;
      const Vec<T> h = keep_valid<T>(as_delta(s, factor * (broadcast(gamma) * p * ratio - one)), v, n_out);
      store(row.delta(v), h);
      pull.add(v, h);
    }
  }
  s.loss.of_rows[r] = static_cast<double>(loss.total()[0]) * static_cast<double>(weight);
  if constexpr (kDelta) {
    const Vec<T> all = as_delta(s, pull.total());
    for (int64_t v = 0; v < n_vectors; ++v)
      store(row.delta(v), as_delta(s, (load(row.delta(v)) - load(row.y(v)) * all) * broadcast(weight)));
  }
}

}  // namespace
