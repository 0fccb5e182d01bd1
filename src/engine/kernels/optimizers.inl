// What happens to a weight once its gradient's sum stands in a register: mean, penalty, optimiser.

namespace {

using chainrule::Optimizer;

// Each: w, and the moments m, v where it has them, from the sum of the gradient over the batch.
template <class T>
struct AddGradient {
  static constexpr int n_moments = 1;
  CHAINRULE_INLINE explicit AddGradient(const Step<T>&) {}
  CHAINRULE_INLINE Vec<T> operator()(Vec<T> sum, Vec<T> w, T* m, T*, bool) const {
    store(m, sum);  // the tile went on from the sums that were there
    return w;
  }
};

// sum of the gradient -> gradient of the mean loss and of decay / 2 w^2 (weights only)
template <class T>
CHAINRULE_INLINE Vec<T> mean_gradient(const Step<T>& s, Vec<T> sum, Vec<T> w, bool penalised) {
  const Vec<T> mean = sum * broadcast(s.scale);
  return penalised ? fma(w, broadcast(s.decay), mean) : mean;
}

template <class T>
struct Sgd {
  static constexpr int n_moments = 0;
  const Step<T>& s;
  CHAINRULE_INLINE explicit Sgd(const Step<T>& s) : s(s) {}
  CHAINRULE_INLINE Vec<T> operator()(Vec<T> sum, Vec<T> w, T*, T*, bool penalised) const {
    return w - broadcast(s.learning_rate) * mean_gradient(s, sum, w, penalised);
  }
};

// v = momentum v - rate g; w += v, or Nesterov's look ahead: w += momentum v - rate g (Sutskever et al. 2013, eq. 3-4)
template <class T>
struct Momentum {
  static constexpr int n_moments = 1;
  const Step<T>& s;
  CHAINRULE_INLINE explicit Momentum(const Step<T>& s) : s(s) {}
  CHAINRULE_INLINE Vec<T> operator()(Vec<T> sum, Vec<T> w, T* m, T*, bool penalised) const {
    const Vec<T> step = broadcast(s.learning_rate) * mean_gradient(s, sum, w, penalised);
    const Vec<T> momentum = broadcast(s.momentum);
    const Vec<T> velocity = momentum * load(m) - step;
    store(m, velocity);
    return w + (s.nesterov ? momentum * velocity - step : velocity);
  }
};

// Kingma & Ba 2015, algorithm 1 in the order of its section 2: the bias corrections are in the learning rate.
template <class T>
struct Adam {
  static constexpr int n_moments = 2;
  const Step<T>& s;
  CHAINRULE_INLINE explicit Adam(const Step<T>& s) : s(s) {}
  CHAINRULE_INLINE Vec<T> operator()(Vec<T> sum, Vec<T> w, T* m, T* v, bool penalised) const {
    const Vec<T> g = mean_gradient(s, sum, w, penalised);
    const Vec<T> first = fma(broadcast(s.beta_1), load(m), broadcast(s.one_minus_beta_1) * g);
    const Vec<T> second = fma(broadcast(s.beta_2), load(v), broadcast(s.one_minus_beta_2) * (g * g));
    store(m, first);
    store(v, second);
    return w - broadcast(s.learning_rate) * first / (sqrt(second) + broadcast(s.epsilon));
  }
};

template <class T, class Use>
CHAINRULE_INLINE void with_optimizer(const Step<T>& s, Use use) {
  switch (s.optimizer) {
    case Optimizer::gradient: return use(AddGradient<T>{s});
    case Optimizer::sgd: return s.momentum != T(0) ? use(Momentum<T>{s}) : use(Sgd<T>{s});
    case Optimizer::adam: return use(Adam<T>{s});
  }
}

}  // namespace
