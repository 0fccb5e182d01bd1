// What happens to a parameter once its gradient's sum stands in a register: mean, penalty, clipping, optimizer.
// docs/optimizers.md has the formulas and their sources.

namespace {

using chainrule::Factors;
using chainrule::Optimizer;
using chainrule::Stage;

// Each optimizer: the new w from the gradient g of the batch's loss. Its memory stands at m[0] + q, m[1] + q, ...
template <class T>
struct UpdateRule {
  static constexpr bool changes_weights = true, divides = false;
  const Step<T>& s;
  T rate, epsilon;
  CHAINRULE_INLINE UpdateRule(const Step<T>& s, const Factors<T>& factors)
      : s(s), rate(s.learning_rate * factors.rate), epsilon(s.epsilon * factors.epsilon) {}
};

template <class T>
struct KeepGradient : UpdateRule<T> {
  static constexpr bool changes_weights = false;
  using UpdateRule<T>::UpdateRule;
  CHAINRULE_INLINE Vec<T> operator()(Vec<T> g, Vec<T> w, T* const* m, int64_t q) const {
    store(m[this->s.rule.gradient_slot] + q, g);
    return w;
  }
};

template <class T>
struct Sgd : UpdateRule<T> {
  using UpdateRule<T>::UpdateRule;
  CHAINRULE_INLINE Vec<T> operator()(Vec<T> g, Vec<T> w, T* const*, int64_t) const {
    return w - broadcast(this->rate) * g;
  }
};

// v = momentum v - rate g; w += v, or Nesterov's look ahead: w += momentum v - rate g (Sutskever et al. 2013, eq. 3-4)
template <class T>
struct Momentum : UpdateRule<T> {
  using UpdateRule<T>::UpdateRule;
  CHAINRULE_INLINE Vec<T> operator()(Vec<T> g, Vec<T> w, T* const* m, int64_t q) const {
    const Vec<T> step = broadcast(this->rate) * g;
    const Vec<T> momentum = broadcast(this->s.rule.momentum);
    const Vec<T> velocity = momentum * load(m[0] + q) - step;
    store(m[0] + q, velocity);
    return w + (this->s.rule.nesterov ? momentum * velocity - step : velocity);
  }
};

// Running means of the gradient, in m[0], and of its square, in m[1].
template <class T>
struct Moments {
  Vec<T> first, second;
  CHAINRULE_INLINE Moments(const Step<T>& s, Vec<T> g, T* const* m, int64_t q)
      : first(fma(broadcast(s.rule.beta_1), load(m[0] + q), broadcast(s.rule.one_minus_beta_1) * g)),
        second(fma(broadcast(s.rule.beta_2), load(m[1] + q), broadcast(s.rule.one_minus_beta_2) * squared<T>(g))) {
    store(m[0] + q, first);
    store(m[1] + q, second);
  }
};

// Kingma & Ba 2015, algorithm 1 in the order of its section 2: the bias corrections are in learning rate and epsilon.
template <class T>
struct Adam : UpdateRule<T> {
  static constexpr bool divides = true;
  using UpdateRule<T>::UpdateRule;
  CHAINRULE_INLINE Vec<T> operator()(Vec<T> g, Vec<T> w, T* const* m, int64_t q) const {
    const Moments<T> mean(this->s, g, m, q);
    return w - broadcast(this->rate) * mean.first / (sqrt(mean.second) + broadcast(this->epsilon));
  }
};

// Reddi, Kale & Kumar 2018, algorithm 2: the largest second moment so far.
template <class T>
struct AmsGrad : UpdateRule<T> {
  using UpdateRule<T>::UpdateRule;
  CHAINRULE_INLINE Vec<T> operator()(Vec<T> g, Vec<T> w, T* const* m, int64_t q) const {
    const Moments<T> mean(this->s, g, m, q);
    const Vec<T> largest = max(load(m[2] + q), mean.second);
    store(m[2] + q, largest);
    return w - broadcast(this->rate) * mean.first / (sqrt(largest) + broadcast(this->epsilon));
  }
};

// Dozat 2016: Adam that looks ahead; the momentum's schedule is in the two rates.
template <class T>
struct Nadam : UpdateRule<T> {
  T gradient_rate;
  CHAINRULE_INLINE Nadam(const Step<T>& s, const Factors<T>& factors)
      : UpdateRule<T>(s, factors), gradient_rate(s.gradient_rate * factors.rate) {}
  CHAINRULE_INLINE Vec<T> operator()(Vec<T> g, Vec<T> w, T* const* m, int64_t q) const {
    const Moments<T> mean(this->s, g, m, q);
    const Vec<T> step = fma(broadcast(gradient_rate), g, broadcast(this->rate) * mean.first);
    return w - step / (sqrt(mean.second) + broadcast(this->epsilon));
  }
};

// Tieleman & Hinton 2012; centered by Graves 2013, eq. 38-41. Memory: square, mean where centered, momentum where any.
template <class T, bool kCentered, bool kMomentum>
struct RmsProp : UpdateRule<T> {
  using UpdateRule<T>::UpdateRule;
  CHAINRULE_INLINE Vec<T> operator()(Vec<T> g, Vec<T> w, T* const* m, int64_t q) const {
    const Step<T>& s = this->s;
    const Vec<T> rho = broadcast(s.rule.beta_2), rest = broadcast(s.rule.one_minus_beta_2);
    const Vec<T> square = fma(rho, load(m[0] + q), rest * squared<T>(g));
    store(m[0] + q, square);
    Vec<T> spread = square;
    if constexpr (kCentered) {
      const Vec<T> mean = fma(rho, load(m[1] + q), rest * g);
      store(m[1] + q, mean);
      spread = max(zeros<T>(), square - squared<T>(mean));  // a NaN stays one
    }
    Vec<T> step = g / (sqrt(spread) + broadcast(this->epsilon));
    if constexpr (kMomentum) {
      T* velocity = m[kCentered ? 2 : 1] + q;
      step = fma(broadcast(s.rule.momentum), load(velocity), step);
      store(velocity, step);
    }
    return w - broadcast(this->rate) * step;
  }
};

// Duchi, Hazan & Singer 2011: the diagonal version.
template <class T>
struct Adagrad : UpdateRule<T> {
  using UpdateRule<T>::UpdateRule;
  CHAINRULE_INLINE Vec<T> operator()(Vec<T> g, Vec<T> w, T* const* m, int64_t q) const {
    const Vec<T> size = to_square<T>(g), squares = fma(size, size, load(m[0] + q));
    store(m[0] + q, squares);
    return w - broadcast(this->rate) * g / (sqrt(squares) + broadcast(this->epsilon));
  }
};

// of times 1, -1, or 0 where x is 0 or NaN
template <class T>
CHAINRULE_INLINE Vec<T> towards(Vec<T> of, Vec<T> x) {
  return x > zeros<T>() ? of : x < zeros<T>() ? -of : zeros<T>();
}

// Chen et al. 2023, program 1. A gradient that is NaN must not pass for none.
template <class T>
struct Lion : UpdateRule<T> {
  using UpdateRule<T>::UpdateRule;
  CHAINRULE_INLINE Vec<T> operator()(Vec<T> g, Vec<T> w, T* const* m, int64_t q) const {
    const Step<T>& s = this->s;
    const Vec<T> mean = load(m[0] + q);
    const Vec<T> direction = fma(broadcast(s.rule.beta_1), mean, broadcast(s.rule.one_minus_beta_1) * g);
    store(m[0] + q, fma(broadcast(s.rule.beta_2), mean, broadcast(s.rule.one_minus_beta_2) * g));
    return direction == direction ? w - towards<T>(broadcast(this->rate), direction) : direction;
  }
};

// iRprop- and, where it retreats from risen losses, iRprop+ (Igel & Huesken 2000). m[0]: gradient, 0 after a change of
// its sign; m[1]: step sizes. The last step was a step against m[0], so it need not be kept.
template <class T>
struct Rprop : UpdateRule<T> {
  using UpdateRule<T>::UpdateRule;
  CHAINRULE_INLINE Vec<T> operator()(Vec<T> g, Vec<T> w, T* const* m, int64_t q) const {
    const Step<T>& s = this->s;
    const Vec<T> before = load(m[0] + q), last = load(m[1] + q), agreement = towards<T>(before, g);
    const auto same = agreement > zeros<T>(), turned = agreement < zeros<T>();
    const Vec<T> longer = min(broadcast(s.rule.largest), last * broadcast(s.rule.increase));
    const Vec<T> shorter = max(broadcast(s.rule.smallest), last * broadcast(s.rule.decrease));
    const Vec<T> step = same ? longer : turned ? shorter : last;
    store(m[1] + q, step);
    store(m[0] + q, turned ? zeros<T>() : g);
    const Vec<T> onward = g == g ? w - towards<T>(broadcast(this->rate) * step, g) : g;
    const Vec<T> back = s.rule.retreat ? w + towards<T>(broadcast(this->rate) * last, before) : w;
    return turned ? back : onward;
  }
};

// Calls use with a tag of the optimizer's type, for a step's settings.
template <class O>
struct Tag {
  using type = O;
};
template <class T, class Use>
CHAINRULE_INLINE decltype(auto) with_optimizer(const Step<T>& s, Use use) {
  if (s.rule.stage == Stage::gradient) return use(Tag<KeepGradient<T>>{});
  switch (s.rule.optimizer) {
    case Optimizer::gradient: break;
    case Optimizer::sgd: return s.rule.momentum != T(0) ? use(Tag<Momentum<T>>{}) : use(Tag<Sgd<T>>{});
    case Optimizer::adam:
    case Optimizer::adamw: return s.rule.amsgrad ? use(Tag<AmsGrad<T>>{}) : use(Tag<Adam<T>>{});
    case Optimizer::rmsprop:
      if (s.rule.centered)
        return s.rule.momentum != T(0) ? use(Tag<RmsProp<T, true, true>>{}) : use(Tag<RmsProp<T, true, false>>{});
      return s.rule.momentum != T(0) ? use(Tag<RmsProp<T, false, true>>{}) : use(Tag<RmsProp<T, false, false>>{});
    case Optimizer::adagrad: return use(Tag<Adagrad<T>>{});
    case Optimizer::nadam: return use(Tag<Nadam<T>>{});
    case Optimizer::lion: return use(Tag<Lion<T>>{});
    case Optimizer::rprop: return use(Tag<Rprop<T>>{});
  }
  return use(Tag<KeepGradient<T>>{});
}

// Where a gradient comes from: a sum over the rows, to be averaged, with the penalty decay / 2 w^2; the same with all
// further settings; a sum as it is; or the place where Stage::gradient put it.
enum class Source { sum, full, raw, kept };

// What becomes of a vector of parameters, in one step.
template <class T, class Rule, Source kSource>
struct Update {
  const Step<T>& s;
  Rule optimize;
  Vec<T> shrink;
  CHAINRULE_INLINE Update(const Step<T>& s, const Factors<T>& factors)
      : s(s), optimize(s, factors), shrink(broadcast(T(1) - s.decoupled * factors.rate * factors.decay)) {}

  // sum of the gradient -> gradient of the batch's loss: mean, penalties (weights only), bounds
  CHAINRULE_INLINE Vec<T> gradient(Vec<T> sum, Vec<T> w, bool penalized) const {
    if constexpr (kSource == Source::raw) return sum;
    if constexpr (kSource == Source::kept) return sum * broadcast(s.rule.gradient_factor);
    const Vec<T> mean = sum * broadcast(s.scale);
    Vec<T> g = penalized ? fma(w, broadcast(s.decay), mean) : mean;
    if constexpr (kSource == Source::full) {
      if (penalized) g = g + towards<T>(broadcast(s.l1), w);
      if (s.rule.clip_value > T(0))
        g = max(broadcast(-s.rule.clip_value), min(broadcast(s.rule.clip_value), g));  // a NaN stays one
    }
    return g;
  }

  // The vector at w + q, its memory at moments[i] + q.
  CHAINRULE_INLINE void operator()(Vec<T> sum, T* w, T* const* moments, int64_t q, bool penalized) const {
    const Vec<T> before = load(w + q), g = gradient(sum, before, penalized);
    constexpr bool shrinks = Rule::changes_weights && (kSource == Source::full || kSource == Source::kept);
    store(w + q, optimize(g, shrinks ? before * shrink : before, moments, q));
  }

  // In some steps, after the others: n vectors from q on, and their memory, without what has faded (tiny.inl).
  CHAINRULE_INLINE void sweep(T* w, T* const* moments, int64_t q, int64_t n) const {
    if constexpr (Rule::changes_weights)
      if (s.sweeps)
        for (const int64_t end = q + n * Simd<T>::width; q < end; q += Simd<T>::width) {
          store(w + q, as_factor<T>(load(w + q)));
          for (int m = 0; m < chainrule::kMostMoments; ++m)
            if (s.rule.signed_moments[m])
              store(moments[m] + q, flush(load(moments[m] + q), broadcast(kLeastMoment<T>)));
        }
  }
};

}  // namespace
