// Numbers too small to compute with. Processors take some hundred cycles for an operation with a subnormal result, and
// a network that is sure of its rows has mostly such deltas. So what may become arbitrarily small becomes 0 before it is
// stored, by comparisons, which give the same bits everywhere. docs/numerics.md lists what and where.

namespace {

// A factor of a product, that is a delta, a hidden output or a weight, is 0 or about the root of the smallest normal
// number: then the product is not subnormal. Functions of math.inl that fade have this by themselves, exp<T, true>(x).
template <class T>
constexpr T kLeastFactor = is_float<T> ? T(0x1p-63) : T(0x1p-511);
// A moment with a sign is 0 or at least so much: then what is left of it after some steps, or a rate times that, is not
// subnormal.
template <class T>
constexpr T kLeastMoment = is_float<T> ? T(0x1p-103) : T(0x1p-970);
// A gradient that is squared counts for at least so much: then 1 - beta_2 may multiply the square.
template <class T>
constexpr T kLeastSquared = is_float<T> ? T(0x1p-56) : T(0x1p-504);

// v, or 0 where it is nearer to 0 than `least`; a NaN stays one.
#if defined(CHAINRULE_BUILD_AVX512)
CHAINRULE_INLINE VF flush(VF v, VF least) {
  const __mmask16 kept = _mm512_cmp_ps_mask((__m512)absolute<float>(v), (__m512)least, _CMP_NLT_UQ);
  return (VF)_mm512_maskz_mov_ps(kept, (__m512)v);
}
CHAINRULE_INLINE VD flush(VD v, VD least) {
  const __mmask8 kept = _mm512_cmp_pd_mask((__m512d)absolute<double>(v), (__m512d)least, _CMP_NLT_UQ);
  return (VD)_mm512_maskz_mov_pd(kept, (__m512d)v);
}
#else
CHAINRULE_INLINE VF flush(VF v, VF least) {
  return from_bits<float>(to_bits<float>(v) & ~(BitVec<float>)(absolute<float>(v) < least));
}
CHAINRULE_INLINE VD flush(VD v, VD least) {
  return from_bits<double>(to_bits<double>(v) & ~(BitVec<double>)(absolute<double>(v) < least));
}
#endif

template <class T>
CHAINRULE_INLINE Vec<T> as_factor(Vec<T> v) {
  return flush(v, broadcast(kLeastFactor<T>));
}

// A delta, before it is stored: in training a factor, elsewhere smaller ones are kept.
template <class T>
CHAINRULE_INLINE Vec<T> as_delta(const chainrule::Step<T>& s, Vec<T> v) {
  return flush(v, broadcast(s.least_delta));
}

// The size of a gradient, or of a mean of gradients, that is to be squared; and its square. A NaN stays one.
template <class T>
CHAINRULE_INLINE Vec<T> to_square(Vec<T> g) {
  return max(broadcast(kLeastSquared<T>), absolute<T>(g));
}
template <class T>
CHAINRULE_INLINE Vec<T> squared(Vec<T> g) {
  const Vec<T> size = to_square<T>(g);
  return size * size;
}

}  // namespace
