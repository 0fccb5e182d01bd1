// Elementary functions, lane by lane: exp, expm1, log, log1p, tanh, sigmoid, softplus, normal_cdf, normal_pdf.
//
// No branches, no tables, no library calls, no reciprocal approximations: the same operations in the same order
// on every instruction set, so that every build with fused multiply-add gives the same bits. Infinities, NaN,
// signed zeros and subnormal results are right. "max error" is the largest distance from the exact value that
// tests/engine/test_functions.py allows, in units in the last place (ULP); docs/numerics.md says what was measured
// and how the polynomials were found.
//
// Call them with the element type: exp<T>(x).

namespace {

template <class T>
constexpr bool is_float = sizeof(T) == 4;

// What the arithmetic below needs to know of a format.
template <class T>
struct Format;
template <>
struct Format<float> {
  using Unsigned = std::uint32_t;
  static constexpr int mantissa_bits = 23;
  static constexpr int bias = 127;
  static constexpr float round = 0x1.8p23f;  // x + round - round is x rounded to an integer
  static constexpr float infinity = __builtin_inff();
  static constexpr float nan = __builtin_nanf("");
  static constexpr float smallest_normal = 0x1p-126f;
};
template <>
struct Format<double> {
  using Unsigned = std::uint64_t;
  static constexpr int mantissa_bits = 52;
  static constexpr int bias = 1023;
  static constexpr double round = 0x1.8p52;
  static constexpr double infinity = __builtin_inf();
  static constexpr double nan = __builtin_nan("");
  static constexpr double smallest_normal = 0x1p-1022;
};

// Unsigned lanes: AVX2 has no arithmetic shift of 64 bits.
template <class T>
struct Bits {
  using Unsigned = typename Format<T>::Unsigned;
  typedef Unsigned U __attribute__((vector_size(CHAINRULE_VECTOR_BYTES)));
};
template <class T>
using BitVec = typename Bits<T>::U;

template <class T>
CHAINRULE_INLINE BitVec<T> to_bits(Vec<T> x) {
  return (BitVec<T>)x;
}
template <class T>
CHAINRULE_INLINE Vec<T> from_bits(BitVec<T> u) {
  return (Vec<T>)u;
}
template <class T>
CHAINRULE_INLINE BitVec<T> broadcast_bits(T x) {
  return (BitVec<T>)broadcast(x);
}

template <class T>
CHAINRULE_INLINE Vec<T> absolute(Vec<T> x) {
  return from_bits<T>(to_bits<T>(x) & ~broadcast_bits<T>(T(-0.0)));
}

// |x| with the sign bit of s.
template <class T>
CHAINRULE_INLINE Vec<T> copy_sign(Vec<T> x, Vec<T> s) {
  const BitVec<T> sign = broadcast_bits<T>(T(-0.0));
  return from_bits<T>((to_bits<T>(x) & ~sign) | (to_bits<T>(s) & sign));
}

// c0 + c1 x + c2 x^2 + ..., by Horner's rule.
template <class T>
CHAINRULE_INLINE Vec<T> polynomial(Vec<T>, T c0) {
  return broadcast(c0);
}
template <class T, class... Rest>
CHAINRULE_INLINE Vec<T> polynomial(Vec<T> x, T c0, Rest... rest) {
  return fma(polynomial<T>(x, rest...), x, broadcast(c0));
}

// --- exp and its kin ---------------------------------------------------------------------------------------
//
// e^(sx) = 2^n e^(sr) with sx = n ln 2 + sr and |sr| <= ln(2)/2, where s = 1, -1 or -2 is folded into the
// constants. ln 2 is split so that n * ln2_high is exact. n is read from the last bits of x s/ln 2 + round, to
// which a bias of our choice has been added: the sum's integer bits, shifted, are a power of two.

template <class T>
struct Ln2;
template <>
struct Ln2<float> {
  static constexpr float high = 0x1.62e4p-1f, low = 0x1.7f7d1cp-20f, inverse = 0x1.715476p+0f;
};
template <>
struct Ln2<double> {
  static constexpr double high = 0x1.62e42fefa38p-1, low = 0x1.ef35793c7673p-45, inverse = 0x1.71547652b82fep+0;
};

template <class T>
struct Reduced {
  Vec<T> n;          // an integer
  Vec<T> r;          // the rest
  BitVec<T> biased;  // its last bits are n + the bias that was asked for
};

template <class T, int s>
CHAINRULE_INLINE Reduced<T> reduce(Vec<T> x, int bias) {
  const Vec<T> round = broadcast(Format<T>::round + T(bias));
  const Vec<T> sum = fma(x, broadcast(T(s) * Ln2<T>::inverse), round);
  const Vec<T> n = sum - round;
  Vec<T> r = fma(n, broadcast(-Ln2<T>::high / T(s)), x);
  r = fma(n, broadcast(-Ln2<T>::low / T(s)), r);
  return {n, r, to_bits<T>(sum)};
}

// 2^k, where the last bits of `biased` are k + Format<T>::bias.
template <class T>
CHAINRULE_INLINE Vec<T> power_of_two(BitVec<T> biased) {
  return from_bits<T>(biased << Format<T>::mantissa_bits);
}

// a 2^n b, where the last bits of `biased` are n + 2 Format<T>::bias: 2^n by two factors, since n may exceed
// the exponents there are. a 2^(n/2) b must be normal; then only the last product is rounded to a subnormal.
template <class T>
CHAINRULE_INLINE Vec<T> scale(Vec<T> a, BitVec<T> biased) {
  const BitVec<T> half = biased >> 1;
  return a * power_of_two<T>(half) * power_of_two<T>(biased - half);
}

// e^(sr), |sr| <= ln(2)/2. Float: degree 6, relative error 2^-28.0; double: degree 11, 2^-56.4.
template <class T, int s>
CHAINRULE_INLINE Vec<T> exp_reduced(Vec<T> r) {
  constexpr T s1 = s, s2 = s1 * s1, s3 = s2 * s1, s4 = s2 * s2, s5 = s4 * s1, s6 = s4 * s2;
  if constexpr (is_float<T>) {
    return polynomial<T>(r, 1.0f, s1, s2 * 0x1.fffffcp-2f, s3 * 0x1.555492p-3f, s4 * 0x1.5558f2p-5f,
                         s5 * 0x1.1239e2p-7f, s6 * 0x1.6a2432p-10f);
  } else {
    constexpr T s7 = s6 * s1, s8 = s4 * s4, s9 = s8 * s1, s10 = s8 * s2, s11 = s8 * s3;
    return polynomial<T>(r, 1.0, s1, s2 * 0x1.000000000000ap-1, s3 * 0x1.55555555554fap-3,
                         s4 * 0x1.555555555087cp-5, s5 * 0x1.1111111127beap-7, s6 * 0x1.6c16c1842a17dp-10,
                         s7 * 0x1.a01a012a55e0cp-13, s8 * 0x1.a0199a0c58d3cp-16, s9 * 0x1.71df25566b560p-19,
                         s10 * 0x1.28ad72d8d013bp-22, s11 * 0x1.ad7f685314465p-26);
  }
}

// e^(sr) - 1, |sr| <= ln(2)/2. Float: degree 6, relative error 2^-25.8; double: degree 12, 2^-59.9.
template <class T, int s>
CHAINRULE_INLINE Vec<T> expm1_reduced(Vec<T> r) {
  constexpr T s1 = s, s2 = s1 * s1, s3 = s2 * s1, s4 = s2 * s2, s5 = s4 * s1, s6 = s4 * s2;
  Vec<T> q;
  if constexpr (is_float<T>) {
    q = polynomial<T>(r, s2 * 0x1.fffffep-2f, s3 * 0x1.5554b0p-3f, s4 * 0x1.555674p-5f, s5 * 0x1.122776p-7f,
                      s6 * 0x1.6bec06p-10f);
  } else {
    constexpr T s7 = s6 * s1, s8 = s4 * s4, s9 = s8 * s1, s10 = s8 * s2, s11 = s8 * s3, s12 = s8 * s4;
    q = polynomial<T>(r, s2 * 0x1.0p-1, s3 * 0x1.5555555555559p-3, s4 * 0x1.555555555553fp-5,
                      s5 * 0x1.111111110f6dap-7, s6 * 0x1.6c16c16c1f077p-10, s7 * 0x1.a01a01afd3ed1p-13,
                      s8 * 0x1.a01a017bc71f8p-16, s9 * 0x1.71ddf87e9d98cp-19, s10 * 0x1.27e5362a7a022p-22,
                      s11 * 0x1.af5e75355346dp-26, s12 * 0x1.1ee88aaea3304p-29);
  }
  const Vec<T> linear = s == 1 ? r : r * broadcast(s1);
  return fma(r * r, q, linear);
}

// e^x. max error: 2 ULP.
template <class T>
CHAINRULE_INLINE Vec<T> exp(Vec<T> x) {
  constexpr T lowest = is_float<T> ? -104 : -746, highest = is_float<T> ? 89 : 710;  // 0 and infinity
  x = min(broadcast(highest), max(broadcast(lowest), x));
  const Reduced<T> e = reduce<T, 1>(x, 2 * Format<T>::bias);
  return scale<T>(exp_reduced<T, 1>(e.r), e.biased);
}

// e^x - 1. max error: 2 ULP.
template <class T>
CHAINRULE_INLINE Vec<T> expm1(Vec<T> x) {
  constexpr T lowest = is_float<T> ? -18 : -40, highest = is_float<T> ? 89 : 710;  // -1 and infinity
  const Vec<T> inside = min(broadcast(highest), max(broadcast(lowest), x));
  const Reduced<T> e = reduce<T, 1>(inside, Format<T>::bias - 1);
  const Vec<T> half_power = power_of_two<T>(e.biased);  // 2^n itself may overflow
  const Vec<T> half = fma(half_power, expm1_reduced<T, 1>(e.r), half_power - broadcast(T(0.5)));
  return absolute<T>(x) < broadcast(T(0x1p-60)) ? x : half + half;  // keeps -0 and subnormals
}

// 1 / (1 + e^-x), as c / (c + c e^-x) with c = 2^-64, so that e^-x cannot overflow where the result is
// subnormal. max error: 3 ULP.
template <class T>
CHAINRULE_INLINE Vec<T> sigmoid(Vec<T> x) {
  constexpr T lowest = is_float<T> ? -104 : -746, highest = is_float<T> ? 18 : 40;  // 0 and 1
  const Vec<T> c = broadcast(T(0x1p-64));
  x = min(broadcast(highest), max(broadcast(lowest), x));
  const Reduced<T> e = reduce<T, -1>(x, Format<T>::bias - 64);
  return c / fma(exp_reduced<T, -1>(e.r), power_of_two<T>(e.biased), c);
}

// tanh |x| = (1 - u) / (1 + u) with u = e^(-2|x|) and 1 - u from expm1. max error: 3 ULP.
template <class T>
CHAINRULE_INLINE Vec<T> tanh(Vec<T> x) {
  constexpr T highest = is_float<T> ? 10 : 20;  // 1
  const Vec<T> a = min(broadcast(highest), absolute<T>(x));
  // one bit above the exponent's is the sign: minus 2^n costs nothing
  const Reduced<T> e = reduce<T, -2>(a, 3 * Format<T>::bias + 2);
  const Vec<T> minus_power = power_of_two<T>(e.biased);
  const Vec<T> numerator = fma(minus_power, expm1_reduced<T, -2>(e.r), minus_power + broadcast(T(1)));
  return copy_sign<T>(numerator / (broadcast(T(2)) - numerator), x);
}

// --- log and its kin ---------------------------------------------------------------------------------------

// log(1 + f) + k ln 2 for sqrt(1/2) <= 1 + f <= sqrt(2), by the series of 2 atanh(s), s = f / (2 + f), arranged
// as in fdlibm's log. Float: 3 terms, relative error 2^-30.2; double: 7 terms, 2^-59.5.
template <class T>
CHAINRULE_INLINE Vec<T> log_reduced(Vec<T> f, Vec<T> k) {
  const Vec<T> s = f / (f + broadcast(T(2)));
  const Vec<T> z = s * s;
  Vec<T> series;
  if constexpr (is_float<T>) {
    series = polynomial<T>(z, 0x1.55557ap-1f, 0x1.995ecp-2f, 0x1.31e23ep-2f);
  } else {
    series = polynomial<T>(z, 0x1.5555555555593p-1, 0x1.999999997f9f8p-2, 0x1.249249422a478p-2,
                           0x1.c71c51d7ccaecp-3, 0x1.746649b02dcefp-3, 0x1.39a09578680b0p-3,
                           0x1.2f11804190a48p-3);
  }
  const Vec<T> half_square = f * f * broadcast(T(0.5));
  const Vec<T> correction = fma(s, fma(z, series, half_square), k * broadcast(Ln2<T>::low));
  return fma(k, broadcast(Ln2<T>::high), f - (half_square - correction));
}

template <class T>
struct Split {
  Vec<T> k;         // an integer
  Vec<T> mantissa;  // x / 2^k in [sqrt(1/2), sqrt(2))
};

// x positive and normal. k_offset is added to k.
template <class T>
CHAINRULE_INLINE Split<T> split(Vec<T> x, Vec<T> k_offset) {
  using U = typename Format<T>::Unsigned;
  constexpr int bits = Format<T>::mantissa_bits;
  constexpr U one = U(Format<T>::bias) << bits;
  constexpr U sqrt_half = is_float<T> ? U(0x3f3504f3) : U(0x3fe6a09e667f3bcd);
  const BitVec<T> zero{};
  const BitVec<T> u = to_bits<T>(x) + (zero + (one - sqrt_half));
  // the exponent becomes the last bits of a number in [2^bits, 2^(bits + 1)): no conversion from integers
  constexpr T two_bits = T(U(1) << bits);
  const Vec<T> k = from_bits<T>((u >> bits) | broadcast_bits<T>(two_bits));
  const BitVec<T> mantissa = (u & (zero + ((U(1) << bits) - 1))) + (zero + sqrt_half);
  return {(k - broadcast(two_bits + T(Format<T>::bias))) + k_offset, from_bits<T>(mantissa)};
}

// Natural logarithm; -infinity at 0, NaN below. max error: 2 ULP.
template <class T>
CHAINRULE_INLINE Vec<T> log(Vec<T> x) {
  const auto subnormal = x < broadcast(Format<T>::smallest_normal);
  const Vec<T> normal = x * (subnormal ? broadcast(T(0x1p54)) : broadcast(T(1)));
  const Split<T> s = split<T>(normal, subnormal ? broadcast(T(-54)) : zeros<T>());
  Vec<T> y = log_reduced<T>(s.mantissa - broadcast(T(1)), s.k);
  y = x > zeros<T>() ? y : (x == zeros<T>() ? broadcast(-Format<T>::infinity) : broadcast(Format<T>::nan));
  return x == broadcast(Format<T>::infinity) ? x : y;
}

// log(1 + x), accurate near 0; -infinity at -1, NaN below. max error: 2 ULP.
template <class T>
CHAINRULE_INLINE Vec<T> log1p(Vec<T> x) {
  const Vec<T> one = broadcast(T(1));
  const Vec<T> k = split<T>(one + x, zeros<T>()).k;
  // 2^(2 - k): 2^-k itself may be subnormal
  const Vec<T> scaled = power_of_two<T>(to_bits<T>(broadcast(Format<T>::round + T(Format<T>::bias + 2)) - k));
  const Vec<T> quarter = broadcast(T(0.25));
  const Vec<T> f = fma(x * quarter, scaled, fma(scaled, quarter, -one));  // (1 + x) / 2^k - 1
  Vec<T> y = log_reduced<T>(f, k);
  y = absolute<T>(x) < broadcast(T(0x1p-60)) ? x : y;  // keeps -0 and subnormals
  y = x > -one ? y : (x == -one ? broadcast(-Format<T>::infinity) : broadcast(Format<T>::nan));
  return x == broadcast(Format<T>::infinity) ? x : y;
}

// log(1 + e^x), as log1p(e^-|x|) + max(x, 0). max error: 3 ULP.
template <class T>
CHAINRULE_INLINE Vec<T> softplus(Vec<T> x) {
  const Vec<T> u = exp<T>(-absolute<T>(x));
  const auto large = u > broadcast(T(0x1.a827999fcef32p-2));  // sqrt(2) - 1
  const Vec<T> half = broadcast(T(0.5));
  const Vec<T> f = large ? fma(u, half, -half) : u;  // (1 + u) / 2^k - 1
  return log_reduced<T>(f, large ? broadcast(T(1)) : zeros<T>()) + max(zeros<T>(), x);
}

// --- the normal distribution --------------------------------------------------------------------------------

template <class T>
struct Normal {
  Vec<T> cdf;  // Phi(x), the integral of pdf from -infinity to x
  Vec<T> pdf;  // e^(-x^2/2) / sqrt(2 pi)
};

// Phi(-a) = e^(-a^2/2) P(a)/Q(a) for a = |x|, where P/Q is one rational approximation of erfcx(a/sqrt(2))/2 for
// all a; its coefficients are positive, so that nothing cancels. Float: degrees 4/5 on [0, 14.4], relative error
// 2^-27.4; double: 9/10 on [0, 38.8], 2^-54.1. a^2 = h^2 + (a - h)(a + h), where h has half the bits of a and so
// an exact square: a^2 rounded would cost the far tail hundreds of ULP. Both values share the exponential; the
// compiler drops the one that is not used.
template <class T>
CHAINRULE_INLINE Normal<T> normal(Vec<T> x) {
  using U = typename Format<T>::Unsigned;
  constexpr T highest = is_float<T> ? 15 : 39;  // both are 0
  const Vec<T> a = min(broadcast(highest), absolute<T>(x));
  const BitVec<T> zero{};
  const Vec<T> h = from_bits<T>(to_bits<T>(a) & (zero + ~((U(1) << (is_float<T> ? 12 : 27)) - 1)));
  const Vec<T> minus_half = broadcast(T(-0.5));
  const Reduced<T> e = reduce<T, 1>(h * h * minus_half, 2 * Format<T>::bias);
  const Vec<T> power = exp_reduced<T, 1>(fma((a - h) * (a + h), minus_half, e.r));
  Vec<T> p, q;
  if constexpr (is_float<T>) {
    p = polynomial<T>(a, 0.50000000289402004f, 0.4380835391174414f, 0.18307788836272647f, 0.040580033774890124f,
                      0.0041083606177943124f);
    q = polynomial<T>(a, 1.0f, 1.6740520528329572f, 1.201851338670843f, 0.46905534128604548f,
                      0.10172557729183143f, 0.010298011421253711f);
  } else {
    p = polynomial<T>(a, 0.5, 0.77475065777084180, 0.59386770832804203, 0.28920512239097233,
                      0.097642127979814572, 0.023604944351291760, 0.0040856002930338332,
                      0.00048988021558637730, 3.7205344106088196e-05, 1.3835251978437961e-06);
    q = polynomial<T>(a, 1.0, 2.3473858763445390, 2.5606783656384145, 1.7138045599981239, 0.78167758814992323,
                      0.25480706826065151, 0.060389832994218295, 0.010334341169552179, 0.0012314155831526224,
                      9.3259967501528859e-05, 3.4679833795903972e-06);
  }
  const Vec<T> tail = scale<T>(power * (p / q), e.biased);
  const Vec<T> pdf = scale<T>(power * broadcast(T(0.39894228040143267794)), e.biased);
  return {x < zeros<T>() ? tail : broadcast(T(1)) - tail, pdf};
}

// Phi(x). max error: 4 ULP.
template <class T>
CHAINRULE_INLINE Vec<T> normal_cdf(Vec<T> x) {
  return normal<T>(x).cdf;
}

// Phi'(x). max error: 3 ULP.
template <class T>
CHAINRULE_INLINE Vec<T> normal_pdf(Vec<T> x) {
  return normal<T>(x).pdf;
}

}  // namespace
