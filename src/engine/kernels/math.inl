// Elementary functions, lane by lane: exp, expm1, log, log1p, tanh, sigmoid, softplus, normal_cdf, normal_pdf,
// cos_2pi, sin_2pi.
//
// No branches, no tables, no library calls, no reciprocal approximations: the same operations in the same order
// on every instruction set, so that every build with fused multiply-add gives the same bits. Infinities, NaN and
// signed zeros are right. "max error" is the largest distance from the exact value that tests/engine/test_functions.py
// allows, in units in the last place (ULP); docs/numerics.md says what was measured and where the coefficients come
// from.
//
// Call them with the element type: exp<T>(x). What would be subnormal is 0, and no operation on the way is subnormal
// either. exp<T, true>(x), for a factor of products (tiny.inl), is 0 much earlier, from some root of that on.

namespace {

template <class T>
constexpr bool is_float = sizeof(T) == 4;

// What the arithmetic below needs to know of a format. `round` added and subtracted rounds to an integer.
template <class T>
struct Format;
template <>
struct Format<float> {
  using Unsigned = std::uint32_t;
  static constexpr int mantissa_bits = 23, bias = 127;
  static constexpr float round = 0x1.8p23f, smallest_normal = 0x1p-126f;
  static constexpr float infinity = __builtin_inff(), nan = __builtin_nanf("");
};
template <>
struct Format<double> {
  using Unsigned = std::uint64_t;
  static constexpr int mantissa_bits = 52, bias = 1023;
  static constexpr double round = 0x1.8p52, smallest_normal = 0x1p-1022;
  static constexpr double infinity = __builtin_inf(), nan = __builtin_nan("");
};

// Unsigned lanes, since AVX2 has no arithmetic shift of 64 bits.
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
CHAINRULE_INLINE BitVec<T> broadcast_bits(typename Format<T>::Unsigned u) {
  return BitVec<T>{} + u;
}
template <class T>
CHAINRULE_INLINE BitVec<T> sign_bit() {
  return to_bits<T>(broadcast(T(-0.0)));
}

template <class T>
CHAINRULE_INLINE Vec<T> absolute(Vec<T> x) {
  return from_bits<T>(to_bits<T>(x) & ~sign_bit<T>());
}
template <class T>
CHAINRULE_INLINE Vec<T> minus_absolute(Vec<T> x) {
  return from_bits<T>(to_bits<T>(x) | sign_bit<T>());
}
// The value x >= 0 with the sign of s.
template <class T>
CHAINRULE_INLINE Vec<T> with_sign(Vec<T> x, Vec<T> s) {
  return from_bits<T>(to_bits<T>(x) | (to_bits<T>(s) & sign_bit<T>()));
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
// e^(sx) = 2^n e^(sr), where sx = n ln 2 + sr and |sr| <= ln(2)/2. The factor s = halves / 2 (1, -1, -2 or -1/2) is
// folded into the constants and costs nothing.

// ln 2 in two parts: n * high is exact for every n that occurs.
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
  Vec<T> r;
  BitVec<T> biased;  // its last bits are n + the bias that was asked for
};

// `coarse`: ln 2 in one part, for results in which the error of n ln 2 fades as n grows.
template <class T, int halves, bool coarse = false>
CHAINRULE_INLINE Reduced<T> reduce(Vec<T> x, int bias) {
  constexpr T s = T(0.5) * halves;
  const Vec<T> round = broadcast(Format<T>::round + T(bias));
  const Vec<T> sum = fma(x, broadcast(s * Ln2<T>::inverse), round);
  const Vec<T> n = sum - round;
  if constexpr (coarse) return {fma(n, broadcast(-(Ln2<T>::high + Ln2<T>::low) / s), x), to_bits<T>(sum)};
  const Vec<T> r = fma(n, broadcast(-Ln2<T>::high / s), x);
  return {fma(n, broadcast(-Ln2<T>::low / s), r), to_bits<T>(sum)};
}

// 2^k, where the last bits of `biased` are k + Format<T>::bias.
template <class T>
CHAINRULE_INLINE Vec<T> power_of_two(BitVec<T> biased) {
  return from_bits<T>(biased << Format<T>::mantissa_bits);
}

// a 2^n, where the last bits of `biased` are n + kZero >= 0; 0 for n = -kZero, which makes an exponent that stands for 0.
// By two factors, since 2^n alone may overflow.
template <class T, int kZero>
CHAINRULE_INLINE Vec<T> scale(Vec<T> a, BitVec<T> biased) {
  const Vec<T> rest = power_of_two<T>(broadcast_bits<T>(2 * Format<T>::bias - kZero));
  return a * rest * power_of_two<T>(biased);
}

// e^(sr) on |sr| <= ln(2)/2. Float: degree 6, relative error 2^-28.0; double: degree 11, 2^-56.4.
template <class T, int halves>
CHAINRULE_INLINE Vec<T> exp_reduced(Vec<T> r) {
  constexpr T s = T(0.5) * halves, s2 = s * s, s3 = s2 * s, s4 = s2 * s2, s5 = s4 * s, s6 = s4 * s2;
  if constexpr (is_float<T>) {
    return polynomial<T>(r, 1.0f, s, s2 * 0x1.fffffcp-2f, s3 * 0x1.555492p-3f, s4 * 0x1.5558f2p-5f, s5 * 0x1.1239e2p-7f,
                         s6 * 0x1.6a2432p-10f);
  } else {
    constexpr T s7 = s6 * s, s8 = s4 * s4, s9 = s8 * s, s10 = s8 * s2, s11 = s8 * s3;
    return polynomial<T>(r, 1.0, s, s2 * 0x1.000000000000ap-1, s3 * 0x1.55555555554fap-3, s4 * 0x1.555555555087cp-5,
                         s5 * 0x1.1111111127beap-7, s6 * 0x1.6c16c1842a17dp-10, s7 * 0x1.a01a012a55e0cp-13,
                         s8 * 0x1.a0199a0c58d3cp-16, s9 * 0x1.71df25566b56p-19, s10 * 0x1.28ad72d8d013bp-22,
                         s11 * 0x1.ad7f685314465p-26);
  }
}

// (e^(sr) - 1 - sr) / r^2 on |sr| <= ln(2)/2. Float: degree 4, error 2^-25.8 relative to e^(sr) - 1; double:
// degree 10, 2^-59.9.
template <class T, int halves>
CHAINRULE_INLINE Vec<T> expm1_reduced(Vec<T> r) {
  constexpr T s = T(0.5) * halves, s2 = s * s, s3 = s2 * s, s4 = s2 * s2, s5 = s4 * s, s6 = s4 * s2;
  if constexpr (is_float<T>) {
    return polynomial<T>(r, s2 * 0x1.fffffep-2f, s3 * 0x1.5554b0p-3f, s4 * 0x1.555674p-5f, s5 * 0x1.122776p-7f,
                         s6 * 0x1.6bec06p-10f);
  } else {
    constexpr T s7 = s6 * s, s8 = s4 * s4, s9 = s8 * s, s10 = s8 * s2, s11 = s8 * s3, s12 = s8 * s4;
    return polynomial<T>(r, s2 * 0.5, s3 * 0x1.5555555555559p-3, s4 * 0x1.555555555553fp-5, s5 * 0x1.111111110f6dap-7,
                         s6 * 0x1.6c16c16c1f077p-10, s7 * 0x1.a01a01afd3ed1p-13, s8 * 0x1.a01a017bc71f8p-16,
                         s9 * 0x1.71ddf87e9d98cp-19, s10 * 0x1.27e5362a7a022p-22, s11 * 0x1.af5e75355346dp-26,
                         s12 * 0x1.1ee88aaea3304p-29);
  }
}

// Where e^x is infinity.
template <class T>
constexpr T exp_highest = is_float<T> ? 89 : 710;
constexpr double ln_2 = 0.693147180559945309417;

// e^x for x <= exp_highest. With 2^-kZero it is 0.
template <class T, bool kFactor = false>
CHAINRULE_INLINE Vec<T> exp_inside(Vec<T> x) {
  constexpr int kZero = (kFactor ? Format<T>::bias / 2 : Format<T>::bias) - 2;
  const Reduced<T> e = reduce<T, 2>(max(broadcast(T(-kZero * ln_2)), x), kZero);
  return scale<T, kZero>(exp_reduced<T, 2>(e.r), e.biased);
}

// e^x. max error: 2 ULP.
template <class T, bool kFactor = false>
CHAINRULE_INLINE Vec<T> exp(Vec<T> x) {
  return exp_inside<T, kFactor>(min(broadcast(exp_highest<T>), x));
}

// e^x - 1, as 2 (2^(n-1) (e^r - 1) + 2^(n-1) - 1/2): 2^n may overflow where the result does not. max error: 2 ULP
// (3 without FMA).
template <class T>
CHAINRULE_INLINE Vec<T> expm1(Vec<T> x) {
  constexpr T lowest = is_float<T> ? -18 : -40;  // -1
  const Reduced<T> e = reduce<T, 2>(min(broadcast(exp_highest<T>), max(broadcast(lowest), x)), Format<T>::bias - 1);
  const Vec<T> power = power_of_two<T>(e.biased);
  const Vec<T> expm1_r = fma(e.r * e.r, expm1_reduced<T, 2>(e.r), e.r);
  const Vec<T> half = fma(power, expm1_r, power - broadcast(T(0.5)));
  return absolute<T>(x) < broadcast(T(0x1p-60)) ? x : half + half;  // x keeps -0 and subnormals
}

// 1 / (1 + e^-x), as c / (c + c e^-x): c is such that 2^kZero makes an exponent that stands for infinity, and the result
// is 0. max error: 3 ULP.
template <class T, bool kFactor = false>
CHAINRULE_INLINE Vec<T> sigmoid(Vec<T> x) {
  constexpr int bias = Format<T>::bias, kZero = kFactor ? bias / 2 : bias - 1, to_infinity = bias + 1 - kZero;
  constexpr T lowest = T(-kZero * ln_2), highest = is_float<T> ? 18 : 40;  // 0 and 1
  const Vec<T> c = power_of_two<T>(broadcast_bits<T>(bias + to_infinity));
  const Reduced<T> e = reduce<T, -2>(min(broadcast(highest), max(broadcast(lowest), x)), bias + to_infinity);
  return c / fma(exp_reduced<T, -2>(e.r), power_of_two<T>(e.biased), c);
}

// tanh |x| = (1 - u) / (1 + u), where u = e^(-2|x|) and 1 - u = (1 - 2^n) - 2^n (e^(-2r) - 1). Odd, and never above
// 1. max error: 3 ULP (4 without FMA).
template <class T>
CHAINRULE_INLINE Vec<T> tanh(Vec<T> x) {
  constexpr T highest = is_float<T> ? 10 : 20;  // 1
  // the bit above the exponent is the sign: -2^n costs no more than 2^n
  const Reduced<T> e = reduce<T, -4, true>(min(broadcast(highest), absolute<T>(x)), 3 * Format<T>::bias + 2);
  const Vec<T> minus_power = power_of_two<T>(e.biased);
  const Vec<T> expm1_over_r = fma(e.r, expm1_reduced<T, -4>(e.r), broadcast(T(-2)));
  const Vec<T> numerator = fma(minus_power * e.r, expm1_over_r, minus_power + broadcast(T(1)));
  return with_sign<T>(numerator / (broadcast(T(2)) - numerator), x);
}

// --- log and its kin ---------------------------------------------------------------------------------------

// log(1 + f) + k ln 2 for sqrt(1/2) <= 1 + f <= sqrt(2), by the series of 2 atanh(s), s = f / (2 + f), put together
// as in fdlibm's log. Float: 3 terms, relative error 2^-30.2; double: 7 terms, 2^-59.5.
template <class T>
CHAINRULE_INLINE Vec<T> log_reduced(Vec<T> f, Vec<T> k) {
  const Vec<T> s = f / (f + broadcast(T(2)));
  const Vec<T> z = s * s;
  Vec<T> series;
  if constexpr (is_float<T>) {
    series = polynomial<T>(z, 0x1.55557ap-1f, 0x1.995ecp-2f, 0x1.31e23ep-2f);
  } else {
    series = polynomial<T>(z, 0x1.5555555555593p-1, 0x1.999999997f9f8p-2, 0x1.249249422a478p-2, 0x1.c71c51d7ccaecp-3,
                           0x1.746649b02dcefp-3, 0x1.39a09578680bp-3, 0x1.2f11804190a48p-3);
  }
  const Vec<T> half_square = f * f * broadcast(T(0.5));
  const Vec<T> correction = fma(s, fma(z, series, half_square), k * broadcast(Ln2<T>::low));
  return fma(k, broadcast(Ln2<T>::high), f - (half_square - correction));
}

// Where log(1 + f) = f to every digit, and f^3 may be subnormal.
template <class T>
constexpr T log_linear = is_float<T> ? T(0x1p-30) : T(0x1p-60);

template <class T>
struct Split {
  Vec<T> mantissa;  // x / 2^k in [sqrt(1/2), sqrt(2))
  Vec<T> k;         // an integer
};

// x positive and normal.
template <class T>
CHAINRULE_INLINE Split<T> split(Vec<T> x) {
  using U = typename Format<T>::Unsigned;
  constexpr int bits = Format<T>::mantissa_bits;
  constexpr U one = U(Format<T>::bias) << bits;
  constexpr U sqrt_half = U(is_float<T> ? 0x3f3504f3 : 0x3fe6a09e667f3bcd);
  const BitVec<T> u = to_bits<T>(x) + broadcast_bits<T>(one - sqrt_half);
  const BitVec<T> mantissa = (u & broadcast_bits<T>((U(1) << bits) - 1)) + broadcast_bits<T>(sqrt_half);
  // the exponent becomes the last bits of a number in [2^bits, 2^(bits + 1)): no conversion of 64-bit integers
  constexpr T offset = T(U(1) << bits);
  const Vec<T> k = from_bits<T>((u >> bits) | to_bits<T>(broadcast(offset)));
  return {from_bits<T>(mantissa), k - broadcast(offset + T(Format<T>::bias))};
}

// y = log(x) where 0 < x < infinity, else what log(x) is there.
template <class T>
CHAINRULE_INLINE Vec<T> at_ends_of_log(Vec<T> y, Vec<T> x) {
  const Vec<T> zero = zeros<T>(), infinity = broadcast(Format<T>::infinity);
  const Vec<T> not_above_zero = x == zero ? -infinity : broadcast(Format<T>::nan);
  y = x > zero ? y : not_above_zero;
  return x == infinity ? x : y;
}

// Natural logarithm; -infinity at 0, NaN below. max error: 2 ULP.
template <class T>
CHAINRULE_INLINE Vec<T> log(Vec<T> x) {
  const auto subnormal = x < broadcast(Format<T>::smallest_normal);
  const Split<T> m = split<T>(x * (subnormal ? broadcast(T(0x1p54)) : broadcast(T(1))));
  const Vec<T> k = m.k - (subnormal ? broadcast(T(54)) : zeros<T>());
  return at_ends_of_log<T>(log_reduced<T>(m.mantissa - broadcast(T(1)), k), x);
}

// log(1 + x), accurate near 0; -infinity at -1, NaN below. max error: 2 ULP.
template <class T>
CHAINRULE_INLINE Vec<T> log1p(Vec<T> x) {
  const Vec<T> one = broadcast(T(1)), quarter = broadcast(T(0.25));
  const Vec<T> one_plus_x = one + x;
  const Vec<T> k = split<T>(one_plus_x).k;
  // 2^(2 - k), since 2^-k itself may be subnormal
  const Vec<T> scaled = power_of_two<T>(to_bits<T>(broadcast(Format<T>::round + T(Format<T>::bias + 2)) - k));
  const auto small = absolute<T>(x) < broadcast(log_linear<T>);
  const Vec<T> inside = small ? zeros<T>() : x;
  const Vec<T> f = fma(inside * quarter, scaled, fma(scaled, quarter, -one));  // (1 + x) / 2^k - 1, rounded once
  const Vec<T> y = small ? x : log_reduced<T>(f, k);                           // x keeps -0
  return at_ends_of_log<T>(y, one_plus_x);
}

// log(1 + e^x), as log1p(e^-|x|) + max(x, 0). max error: 3 ULP.
template <class T, bool kFactor = false>
CHAINRULE_INLINE Vec<T> softplus(Vec<T> x) {
  const Vec<T> u = exp_inside<T, kFactor>(minus_absolute<T>(x)), half = broadcast(T(0.5)), one = broadcast(T(1));
  const auto large = u > broadcast(T(0x1.a827999fcef32p-2));  // sqrt(2) - 1
  if constexpr (kFactor && kFused) {  // with a k that is nothing beside u, but keeps f^3 from being alone
    const Vec<T> f = large ? fma(u, half, -half) : u;  // (1 + u) / 2^k - 1
    return log_reduced<T>(f, large ? one : u * broadcast(is_float<T> ? T(0x1p-38) : T(0x1p-80))) + max(zeros<T>(), x);
  }
  const auto small = u < broadcast(log_linear<T>);
  const Vec<T> inside = small ? zeros<T>() : u, f = large ? fma(inside, half, -half) : inside;
  const Vec<T> log_1_u = log_reduced<T>(f, large ? one : zeros<T>());
  return (small ? u : log_1_u) + max(zeros<T>(), x);
}

// --- the normal distribution --------------------------------------------------------------------------------

template <class T>
struct Normal {
  Vec<T> cdf;  // Phi(x), the integral of pdf from -infinity to x
  Vec<T> pdf;  // e^(-x^2/2) / sqrt(2 pi)
};

// Both from one exponential; where one is not used, the compiler leaves it out.
//
// With a = |x|, Phi(-a) = e^(-a^2/2) / (sqrt(2 pi) a + M(a)/N(a)): one rational function for all a. All its
// coefficients are positive, so nothing cancels, and N stands above and below the line, so that its rounding error
// drops out as a grows. Float: degrees 4/4 on [0, 14.4], relative error of Phi 2^-25.8; double: 9/10 on [0, 38.8],
// 2^-57.3. N(0) = 1.5 rounds less than N(0) = 1 just below x = 0. Both results are 0 from a^2/2 = kZero ln 2 on.
//
// a^2 = h^2 + (a - h)(a + h), where h has the upper half of a's bits and so an exact square: a rounded a^2 would cost
// the far tail hundreds of ULP.
template <class T, bool kFactor = false>
CHAINRULE_INLINE Normal<T> normal(Vec<T> x) {
  using U = typename Format<T>::Unsigned;
  constexpr int kZero = kFactor ? Format<T>::bias / 2 - 6 : Format<T>::bias - 7;
  constexpr double highest = is_float<T> ? kFactor ? 8.88925073 : 12.89788058 : kFactor ? 26.45899946 : 37.52965589;
  static_assert(highest * highest - 2 * kZero * ln_2 < 1e-5 && 2 * kZero * ln_2 - highest * highest < 1e-5);
  const Vec<T> a = min(broadcast(T(highest)), absolute<T>(x));
  constexpr U lower_half = (U(1) << (is_float<T> ? 12 : 27)) - 1;
  const Vec<T> h = from_bits<T>(to_bits<T>(a) & broadcast_bits<T>(~lower_half));
  const Reduced<T> e = reduce<T, -1>(h * h, kZero);
  const Vec<T> power = exp_reduced<T, -1>(fma(a - h, a + h, e.r));
  Vec<T> m, n;
  if constexpr (is_float<T>) {
    m = polynomial<T>(a, 3.0f, 0x1.5f44a2p+0f, 0x1.5fb37ep-2f, 0x1.26dfdp-5f, 0x1.f31328p-19f);
    n = polynomial<T>(a, 1.5f, 0x1.5e84ccp+0f, 0x1.2e47f6p-1f, 0x1.15f8b4p-3f, 0x1.d8c1p-7f);
  } else {
    m = polynomial<T>(a, 3.0, 0x1.db6586b2e97p+1, 0x1.2cfd9fcbd6f1ep+1, 0x1.eedceefe8e621p-1, 0x1.1ed2757137c2fp-2,
                      0x1.e2990c2adad6cp-5, 0x1.25dc6a2b736bep-7, 0x1.f4280dae834edp-11, 0x1.0f5fd27eedbbfp-14,
                      0x1.218606887a95dp-19);
    n = polynomial<T>(a, 1.5, 0x1.452409a205464p+1, 0x1.1057d4964c5dap+1, 0x1.2425899ba87d2p+0, 0x1.b8acf09725dc5p-2,
                      0x1.e6602c6fc3a46p-4, 0x1.8d71933005366p-6, 0x1.dbb361d88c308p-9, 0x1.90df31e13ba33p-12,
                      0x1.b10cfd1bf52ccp-16, 0x1.ce0341a948a4fp-21);
  }
  const Vec<T> ratio = n / fma(a * broadcast(T(0x1.40d931ff62706p+1)), n, m);  // sqrt(2 pi)
  const Vec<T> tail = scale<T, kZero>(power * ratio, e.biased);
  const Vec<T> pdf = scale<T, kZero>(power * broadcast(T(0x1.9884533d43651p-2)), e.biased);  // 1 / sqrt(2 pi)
  return {x < zeros<T>() ? tail : broadcast(T(1)) - tail, pdf};
}

// Phi(x). max error: 4 ULP (5 without FMA).
template <class T, bool kFactor = false>
CHAINRULE_INLINE Vec<T> normal_cdf(Vec<T> x) {
  return normal<T, kFactor>(x).cdf;
}

// The derivative of Phi(x). max error: 3 ULP.
template <class T>
CHAINRULE_INLINE Vec<T> normal_pdf(Vec<T> x) {
  return normal<T>(x).pdf;
}

// --- cosine and sine ------------------------------------------------------------------------------------------

template <class T>
struct Wave {
  Vec<T> cos, sin;
};

// cos and sin of 2 pi x: x is in turns, so that taking whole turns off is exact, however many there are. What is left is
// q / 4 + r / 4 of a turn with whole q and |r| <= 1/2. Float: relative errors 2^-26.0 and 2^-26.2; double: 2^-56.0 and
// 2^-55.1. NaN for infinities.
template <class T>
CHAINRULE_INLINE Wave<T> wave(Vec<T> x) {
  const Vec<T> round = broadcast(Format<T>::round), one = broadcast(T(1)), away = with_sign<T>(round, x);
  const Vec<T> turn = (x - ((x + away) - away)) * broadcast(T(4)), sum = turn + round, r = turn - (sum - round);
  const BitVec<T> q = to_bits<T>(sum);
  const Vec<T> z = r * r;
  Vec<T> sine, cosine;
  if constexpr (is_float<T>) {  // pi / 2 in two parts
    sine = polynomial<T>(z, -0x1.777a5cp-25f, -0x1.4abbccp-1f, 0x1.4665e8p-4f, -0x1.2ee7bcp-8f);
    sine = fma(r, broadcast(0x1.921fb6p+0f), r * sine);
    cosine = polynomial<T>(z, -0x1.3bd3ccp+0f, 0x1.03c1eap-2f, -0x1.55cb98p-6f, 0x1.db6492p-11f);
  } else {
    sine = polynomial<T>(z, 0x1.1a62633145c07p-54, -0x1.4abbce625be52p-1, 0x1.466bc6775a476p-4, -0x1.32d2cce500387p-8,
                         0x1.50783208843ebp-13, -0x1.e3027dea82bd7p-19, 0x1.e4a9d9166f052p-25);
    sine = fma(r, broadcast(0x1.921fb54442d18p+0), r * sine);
    cosine = polynomial<T>(z, -0x1.3bd3cc9be45dep+0, 0x1.03c1f081b5ac0p-2, -0x1.55d3c7e3cb241p-6, 0x1.e1f5068688d5bp-11,
                           -0x1.a6d1eef479be1p-16, 0x1.f9ce245cada0bp-22, -0x1.b2f3eb054afcdp-28);
  }
  cosine = fma(z, cosine, one);
  constexpr int to_sign = static_cast<int>(sizeof(T)) * 8 - 2;  // from bit 1
  const auto odd = (q & broadcast_bits<T>(1)) != broadcast_bits<T>(0);
  const BitVec<T> of_sin = (q & broadcast_bits<T>(2)) << to_sign;
  const BitVec<T> of_cos = ((q + broadcast_bits<T>(1)) & broadcast_bits<T>(2)) << to_sign;
  return {from_bits<T>(to_bits<T>(odd ? sine : cosine) ^ of_cos),
          from_bits<T>(to_bits<T>(odd ? cosine : sine) ^ of_sin)};
}

// cos(2 pi x). max error: 2 ULP.
template <class T>
CHAINRULE_INLINE Vec<T> cos_2pi(Vec<T> x) {
  return wave<T>(x).cos;
}

// sin(2 pi x). max error: 2 ULP.
template <class T>
CHAINRULE_INLINE Vec<T> sin_2pi(Vec<T> x) {
  return x == zeros<T>() ? x : wave<T>(x).sin;
}

}  // namespace
