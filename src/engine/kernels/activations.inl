// E2 and E7: the activations. Each gives its value from net, and its derivative from what was kept: the output y
// where y suffices, else net. Their names are in registry.hpp. Those that fade have tiny values or derivatives where net is
// not tiny; as factors of products (tiny.inl) they are 0 there.

namespace {

using chainrule::Activation;

template <class T>
struct Identity {
  static constexpr bool keeps_net = false, fades = false;
  static CHAINRULE_INLINE Vec<T> value(Vec<T> net) { return net; }
  static CHAINRULE_INLINE Vec<T> derivative(Vec<T>) { return broadcast(T(1)); }
};

template <class T>
struct Sigmoid {
  static constexpr bool keeps_net = false, fades = true;
  template <bool kFactor = false>
  static CHAINRULE_INLINE Vec<T> value(Vec<T> net) {
    return sigmoid<T, kFactor>(net);
  }
  static CHAINRULE_INLINE Vec<T> derivative(Vec<T> y) { return y * (broadcast(T(1)) - y); }
};

template <class T>
struct Tanh {
  static constexpr bool keeps_net = false, fades = false;
  static CHAINRULE_INLINE Vec<T> value(Vec<T> net) { return tanh<T>(net); }
  static CHAINRULE_INLINE Vec<T> derivative(Vec<T> y) { return fma(-y, y, broadcast(T(1))); }
};

template <class T>
struct Relu {  // a NaN stays one
  static constexpr bool keeps_net = false, fades = false;
  static CHAINRULE_INLINE Vec<T> value(Vec<T> net) { return max(zeros<T>(), net); }
  static CHAINRULE_INLINE Vec<T> derivative(Vec<T> y) { return y > zeros<T>() ? broadcast(T(1)) : zeros<T>(); }
};

template <class T>
struct LeakyRelu {
  static constexpr bool keeps_net = false, fades = false;
  static constexpr T slope = T(0.01);
  static CHAINRULE_INLINE Vec<T> value(Vec<T> net) { return net > zeros<T>() ? net : net * broadcast(slope); }
  static CHAINRULE_INLINE Vec<T> derivative(Vec<T> y) { return y > zeros<T>() ? broadcast(T(1)) : broadcast(slope); }
};

template <class T>
struct Elu {
  static constexpr bool keeps_net = false, fades = false;
  static CHAINRULE_INLINE Vec<T> value(Vec<T> net) { return net > zeros<T>() ? net : expm1<T>(net); }
  static CHAINRULE_INLINE Vec<T> derivative(Vec<T> y) { return y > zeros<T>() ? broadcast(T(1)) : y + broadcast(T(1)); }
};

template <class T>
struct Selu {  // Klambauer et al. 2017, eq. 2
  static constexpr bool keeps_net = false, fades = false;
  static constexpr T lambda = T(1.0507009873554804934);
  static constexpr T lambda_alpha = T(1.7580993408473768599);
  static CHAINRULE_INLINE Vec<T> value(Vec<T> net) {
    return net > zeros<T>() ? net * broadcast(lambda) : expm1<T>(net) * broadcast(lambda_alpha);
  }
  static CHAINRULE_INLINE Vec<T> derivative(Vec<T> y) {
    return y > zeros<T>() ? broadcast(lambda) : y + broadcast(lambda_alpha);
  }
};

template <class T>
struct Softplus {
  static constexpr bool keeps_net = false, fades = true;
  template <bool kFactor = false>
  static CHAINRULE_INLINE Vec<T> value(Vec<T> net) {
    return softplus<T, kFactor>(net);
  }
  static CHAINRULE_INLINE Vec<T> derivative(Vec<T> y) { return -expm1<T>(-y); }
};

template <class T>
struct Gelu {  // x Phi(x), Hendrycks & Gimpel 2016
  static constexpr bool keeps_net = true, fades = true;
  template <bool kFactor = false>
  static CHAINRULE_INLINE Vec<T> value(Vec<T> net) {
    return net * normal_cdf<T, kFactor>(net);
  }
  static CHAINRULE_INLINE Vec<T> derivative(Vec<T> net) {
    const Normal<T> at = normal<T, true>(net);
    return fma(net, at.pdf, at.cdf);
  }
};

template <class T>
struct Silu {
  static constexpr bool keeps_net = true, fades = true;
  template <bool kFactor = false>
  static CHAINRULE_INLINE Vec<T> value(Vec<T> net) {
    return net * sigmoid<T, kFactor>(net);
  }
  static CHAINRULE_INLINE Vec<T> derivative(Vec<T> net) {
    const Vec<T> s = sigmoid<T, true>(net), one = broadcast(T(1));
    return s * fma(net, one - s, one);
  }
};

template <class T>
struct Mish {  // x tanh(softplus(x)), Misra 2019: tanh(log(1 + e)) = n / (n + 2) with e = e^x and n = e (e + 2)
  static constexpr bool keeps_net = true, fades = true;
  static constexpr T highest = is_float<T> ? 20 : 40;  // there n / (n + 2) is 1
  template <bool kFactor = false>
  static CHAINRULE_INLINE Vec<T> value(Vec<T> net) {
    const Vec<T> e = exp_inside<T, kFactor>(min(broadcast(highest), net)), two = broadcast(T(2)), n = e * (e + two);
    return net * (n / (n + two));
  }
  static CHAINRULE_INLINE Vec<T> derivative(Vec<T> net) {  // n / (n + 2) + 4 x e (e + 1) / (n + 2)^2
    const Vec<T> x = min(broadcast(highest), net), e = exp_inside<T, true>(x), two = broadcast(T(2));
    const Vec<T> n = e * (e + two), q = broadcast(T(1)) / (n + two);
    return fma(x * (fma(e, e, e) * q), broadcast(T(4)) * q, n * q);
  }
};

template <class T>
struct Softsign {
  static constexpr bool keeps_net = false, fades = false;
  static CHAINRULE_INLINE Vec<T> size(Vec<T> v) { return v > zeros<T>() ? v : -v; }
  static CHAINRULE_INLINE Vec<T> value(Vec<T> net) { return net / (broadcast(T(1)) + size(net)); }
  static CHAINRULE_INLINE Vec<T> derivative(Vec<T> y) {
    const Vec<T> rest = broadcast(T(1)) - size(y);
    return rest * rest;
  }
};

// net between two bounds; a NaN stays one.
template <class T, int Low, int High>
struct Clipped {
  static constexpr bool keeps_net = false, fades = false;
  static CHAINRULE_INLINE Vec<T> value(Vec<T> net) { return max(broadcast(T(Low)), min(broadcast(T(High)), net)); }
  static CHAINRULE_INLINE Vec<T> derivative(Vec<T> y) {
    return y > broadcast(T(Low)) ? y < broadcast(T(High)) ? broadcast(T(1)) : zeros<T>() : zeros<T>();
  }
};
template <class T>
using HardTanh = Clipped<T, -1, 1>;
template <class T>
using Relu6 = Clipped<T, 0, 6>;

template <class T>
struct Exp {
  static constexpr bool keeps_net = false, fades = true;
  template <bool kFactor = false>
  static CHAINRULE_INLINE Vec<T> value(Vec<T> net) {
    return exp<T, kFactor>(net);
  }
  static CHAINRULE_INLINE Vec<T> derivative(Vec<T> y) { return y; }
};

// f(net) as a factor: in hidden layers, and in losses.
template <class T, class F>
CHAINRULE_INLINE Vec<T> factor_value(F f, Vec<T> net) {
  if constexpr (F::fades)
    return f.template value<true>(net);
  else
    return f.value(net);
}

// Calls use(f) with the element-wise activation f, or with the identity where it is none.
template <class T, class Use>
CHAINRULE_INLINE void with_activation(Activation activation, Use use) {
  switch (activation) {
#define CHAINRULE_CASE(name, F) \
  case Activation::name: return use(F<T>{});
#define CHAINRULE_OTHER(name, keeps_net)
    CHAINRULE_ACTIVATIONS(CHAINRULE_CASE, CHAINRULE_OTHER)
#undef CHAINRULE_CASE
#undef CHAINRULE_OTHER
    default: return use(Identity<T>{});
  }
}

// Whether f' is taken from net rather than from f's value.
template <class T>
bool keeps_net(Activation activation) {
  switch (activation) {
#define CHAINRULE_CASE(name, F) \
  case Activation::name: return F<T>::keeps_net;
#define CHAINRULE_OTHER(name, keeps_net) \
  case Activation::name: return keeps_net;
    CHAINRULE_ACTIVATIONS(CHAINRULE_CASE, CHAINRULE_OTHER)
#undef CHAINRULE_CASE
#undef CHAINRULE_OTHER
  }
  return false;
}

}  // namespace
