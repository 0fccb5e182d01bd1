// E3 and E4 of whole rows: the output layer's activation, the loss of each row, and delta = dE/dnet of the output layer.

namespace {

// Outputs: y = f(net), in place. Not inline, as those that call it are many, and each would have every activation.
template <class T>
__attribute__((noinline)) void activate_output_row(const Layer<T>& layer, OutputRow<T> row) {
  if (layer.activation == Activation::softmax) {
    softmax_row<T>(layer.n_out, row.y);
    return;
  }
  if (layer.activation == Activation::ordered) {
    ordered_row<T>(layer.n_out, layer.group, row.y, row.net);
    return;
  }
  with_activation<T>(layer.activation, [&](auto f) {
    for (int64_t v = 0; v < vectors<T>(layer.n_out); ++v) {
      const Vec<T> net = load(row.y(v));
      if constexpr (f.keeps_net) store(row.net(v), net);
      store(row.y(v), f.value(net));
    }
  });
}

// E7: `delta` is dE/dy on entry and dE/dnet on return.
template <class T>
__attribute__((noinline)) void output_backward_row(const Step<T>& s, const Layer<T>& layer, OutputRow<T> row) {
  if (layer.activation == Activation::softmax) {
    softmax_backward_row<T>(s, layer.n_out, row.y, row.delta);
    return;
  }
  if (layer.activation == Activation::ordered) {
    ordered_backward_row<T>(s, layer.n_out, layer.group, row.net, row.delta);
    return;
  }
  with_activation<T>(layer.activation, [&](auto f) {
    const RowOf<T> kept = f.keeps_net ? row.net : row.y;
    for (int64_t v = 0; v < vectors<T>(layer.n_out); ++v) {
      Vec<T> slope = f.derivative(load(kept(v)));
      if constexpr (f.fades) slope = as_factor<T>(slope);
      store(row.delta(v), as_delta(s, as_delta(s, load(row.delta(v))) * slope));
    }
  });
}

// Element-wise activation F and loss in one pass.
template <class T, class F, bool kDelta, class L>
CHAINRULE_INLINE void fused_row(const Step<T>& s, int64_t n_out, L loss_of, OutputRow<T> row, int64_t r) {
  const Targets<T> target(s, r, n_out);
  const T weight = row_weight(s, r);
  RowSum<T> loss;
  for (int64_t v = 0; v < vectors<T>(n_out); ++v) {
    const Vec<T> net = load(row.y(v)), y = factor_value<T>(F{}, net), t = target(v);
    store(row.y(v), y);
    loss.add(v, keep_valid<T>(loss_of.term(net, y, t), v, n_out));
    if constexpr (kDelta)
      store(row.delta(v), keep_valid<T>(as_delta(s, loss_of.delta(net, y, t) * broadcast(weight)), v, n_out));
  }
  s.loss.of_rows[r] = static_cast<double>(loss.total()[0]) * static_cast<double>(weight);
}

// The quantile of each output of vector v: they repeat from target to target.
template <class T>
CHAINRULE_INLINE Vec<T> quantiles_of(const Step<T>& s, int64_t v) {
  if (s.loss.n_quantiles == 1) return broadcast(static_cast<T>(s.loss.quantiles[0]));
  Vec<T> q{};
  for (int i = 0; i < Simd<T>::width; ++i)
    q[i] = static_cast<T>(s.loss.quantiles[(v * Simd<T>::width + i) % s.loss.n_quantiles]);
  return q;
}

// A distance of y, which is there, and t: `delta` becomes dE/dy. distance_of(v) is the distance of vector v's outputs.
template <class T, bool kDelta, class D>
CHAINRULE_INLINE void distance_row(const Step<T>& s, int64_t n_out, D distance_of, OutputRow<T> row, int64_t r) {
  const Targets<T> target(s, r, n_out);
  const T weight = row_weight(s, r);
  RowSum<T> loss;
  for (int64_t v = 0; v < vectors<T>(n_out); ++v) {
    const Vec<T> y = load(row.y(v)), t = target(v);
    const auto distance = distance_of(v);
    loss.add(v, keep_valid<T>(distance.value(y, t), v, n_out));
    if constexpr (kDelta) store(row.delta(v), keep_valid<T>(distance.gradient(y, t) * broadcast(weight), v, n_out));
  }
  s.loss.of_rows[r] = static_cast<double>(loss.total()[0]) * static_cast<double>(weight);
}

// Calls use(f) with an activation whose logarithm LogOf knows.
template <class T, class Use>
CHAINRULE_INLINE void with_positive(Activation activation, Use use) {
  if (activation == Activation::exp) return use(Exp<T>{});
  if (activation == Activation::softplus) return use(Softplus<T>{});
  use(Sigmoid<T>{});
}

// A loss of one setting or of none.
template <class L, class T>
CHAINRULE_INLINE L with_setting(T setting) {
  if constexpr (__is_empty(L))
    return {};
  else
    return {setting};
}

// The rows r0..r1 of the output layer, stored from position `at` of the batch matrices on. On entry `output` holds
// net; on return y, the rows' losses are in loss.of_rows, and (kDelta) `delta` holds dE/dnet times the row's weight.
template <class T, bool kDelta>
void output_rows(const Step<T>& s, const Layer<T>& layer, int64_t r0, int64_t r1, int64_t at) {
  const int64_t n = layer.n_out;
  const T setting = static_cast<T>(s.loss.setting);
  const auto each_row = [&](auto use) {
    for (int64_t r = r0; r < r1; ++r) use(OutputRow<T>(layer, s.batch.stride, at + r - r0), r);
  };
  const auto fused = [&](auto f, auto loss) {
    each_row([&](OutputRow<T> row, int64_t r) { fused_row<T, decltype(f), kDelta>(s, n, loss, row, r); });
  };
  const auto distances = [&](auto loss_of) {
    each_row([&](OutputRow<T> row, int64_t r) {
      activate_output_row(layer, row);
      distance_row<T, kDelta>(s, n, loss_of, row, r);
      if constexpr (kDelta) output_backward_row(s, layer, row);
    });
  };
  const auto distance = [&](auto loss) { distances([&](int64_t) { return loss; }); };
  switch (s.loss.kind) {
    case Loss::squared_error:
      if (layer.activation == Activation::softmax || layer.activation == Activation::ordered)
        return distance(SquaredErrorOfPredictions<T>{});
      return with_activation<T>(layer.activation,
                                [&](auto f) { fused(f, Through<T, decltype(f), SquaredError<T>>{}); });
#define CHAINRULE_DISTANCE(name, L, ...) \
  case Loss::name: return distance(with_setting<L<T>>(setting));
#define CHAINRULE_OTHER(...)
      CHAINRULE_LOSSES(CHAINRULE_DISTANCE, CHAINRULE_OTHER)
#undef CHAINRULE_DISTANCE
#undef CHAINRULE_OTHER
    case Loss::quantile: return distances([&](int64_t v) { return Pinball<T>{quantiles_of(s, v)}; });
    case Loss::binary_cross_entropy:
      return fused(Sigmoid<T>{}, BinaryCrossEntropy<T>{s.loss.probability_floor, setting});
    case Loss::binary_focal: return fused(Sigmoid<T>{}, BinaryFocal<T>{setting});
    case Loss::cross_entropy:
      if (!s.data.targets && setting == T(0)) {
        for (int64_t r = r0; r < r1; r += Simd<T>::width)
          cross_entropy_of_labels<T, kDelta>(s, n, r, smaller(Simd<T>::width, r1 - r), [&](int64_t i) {
            return OutputRow<T>(layer, s.batch.stride, at + r - r0 + i);
          });
        return;
      }
      return each_row([&](OutputRow<T> row, int64_t r) { cross_entropy_row<T, kDelta>(s, n, setting, row, r); });
    case Loss::focal:
      return each_row([&](OutputRow<T> row, int64_t r) { focal_row<T, kDelta>(s, n, setting, row, r); });
    case Loss::poisson: return with_positive<T>(layer.activation, [&](auto f) { fused(f, Poisson<T, decltype(f)>{}); });
    case Loss::gamma: return with_positive<T>(layer.activation, [&](auto f) { fused(f, Gamma<T, decltype(f)>{}); });
    case Loss::tweedie: {
      const T a = static_cast<T>(1 - s.loss.setting), b = static_cast<T>(2 - s.loss.setting);
      return with_positive<T>(layer.activation, [&](auto f) { fused(f, Tweedie<T, decltype(f)>{a, b}); });
    }
    case Loss::custom: return;  // rows_forward and rows_backward
  }
}

}  // namespace
