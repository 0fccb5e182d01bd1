// One vector type per element type, as wide as the instruction set's registers.
//
// GCC/Clang vector types give +, -, *, /, comparisons and `mask ? a : b` on every platform; only fused
// multiply-add, square root and broadcast are written per instruction set. Nothing here is visible outside the
// translation unit: a template that the linker could share between two instruction sets would end up compiled
// for the wrong one.

#include <cstddef>
#include <cstdint>

#if defined(CHAINRULE_BUILD_AVX512) || defined(CHAINRULE_BUILD_AVX2)
#include <immintrin.h>
#elif defined(CHAINRULE_BUILD_NEON)
#include <arm_neon.h>
#endif

#if defined(CHAINRULE_BUILD_AVX512)
#define CHAINRULE_VECTOR_BYTES 64
#elif defined(CHAINRULE_BUILD_AVX2)
#define CHAINRULE_VECTOR_BYTES 32
#else
#define CHAINRULE_VECTOR_BYTES 16
#endif

#define CHAINRULE_INLINE inline __attribute__((always_inline))

namespace {

#if defined(CHAINRULE_BUILD_AVX512) || defined(CHAINRULE_BUILD_AVX2) || defined(CHAINRULE_BUILD_NEON)
constexpr bool kFused = true;  // multiply-add rounds once
#else
constexpr bool kFused = false;
#endif

template <class T>
struct IntOf;
template <>
struct IntOf<float> {
  using type = std::int32_t;
};
template <>
struct IntOf<double> {
  using type = std::int64_t;
};

template <class T>
struct Simd {
  using Int = typename IntOf<T>::type;
  typedef T V __attribute__((vector_size(CHAINRULE_VECTOR_BYTES)));    // values
  typedef Int I __attribute__((vector_size(CHAINRULE_VECTOR_BYTES)));  // integers and masks (0 or -1)
  // In memory, anywhere: an access to numbers, so that the compiler knows that a store changes nothing but numbers.
  typedef T Unaligned __attribute__((vector_size(CHAINRULE_VECTOR_BYTES), aligned(alignof(T))));
  static constexpr int width = CHAINRULE_VECTOR_BYTES / static_cast<int>(sizeof(T));
};

template <class T>
using Vec = typename Simd<T>::V;
template <class T>
using IntVec = typename Simd<T>::I;
using VF = Vec<float>;
using VD = Vec<double>;

template <class T>
CHAINRULE_INLINE Vec<T> load(const T* p) {
  return *reinterpret_cast<const typename Simd<T>::Unaligned*>(p);
}

template <class T>
CHAINRULE_INLINE void store(T* p, Vec<T> v) {
  *reinterpret_cast<typename Simd<T>::Unaligned*>(p) = v;
}

#if defined(CHAINRULE_BUILD_AVX512)
CHAINRULE_INLINE VF broadcast(float x) { return (VF)_mm512_set1_ps(x); }
CHAINRULE_INLINE VD broadcast(double x) { return (VD)_mm512_set1_pd(x); }
CHAINRULE_INLINE VF fma(VF a, VF b, VF c) { return (VF)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c); }
CHAINRULE_INLINE VD fma(VD a, VD b, VD c) { return (VD)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c); }
CHAINRULE_INLINE VF sqrt(VF a) { return (VF)_mm512_sqrt_ps((__m512)a); }
CHAINRULE_INLINE VD sqrt(VD a) { return (VD)_mm512_sqrt_pd((__m512d)a); }
#elif defined(CHAINRULE_BUILD_AVX2)
CHAINRULE_INLINE VF broadcast(float x) { return (VF)_mm256_set1_ps(x); }
CHAINRULE_INLINE VD broadcast(double x) { return (VD)_mm256_set1_pd(x); }
CHAINRULE_INLINE VF fma(VF a, VF b, VF c) { return (VF)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c); }
CHAINRULE_INLINE VD fma(VD a, VD b, VD c) { return (VD)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c); }
CHAINRULE_INLINE VF sqrt(VF a) { return (VF)_mm256_sqrt_ps((__m256)a); }
CHAINRULE_INLINE VD sqrt(VD a) { return (VD)_mm256_sqrt_pd((__m256d)a); }
#elif defined(CHAINRULE_BUILD_NEON)
CHAINRULE_INLINE VF broadcast(float x) { return (VF)vdupq_n_f32(x); }
CHAINRULE_INLINE VD broadcast(double x) { return (VD)vdupq_n_f64(x); }
CHAINRULE_INLINE VF fma(VF a, VF b, VF c) { return (VF)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b); }
CHAINRULE_INLINE VD fma(VD a, VD b, VD c) { return (VD)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b); }
CHAINRULE_INLINE VF sqrt(VF a) { return (VF)vsqrtq_f32((float32x4_t)a); }
CHAINRULE_INLINE VD sqrt(VD a) { return (VD)vsqrtq_f64((float64x2_t)a); }
#else  // baseline: no fused multiply-add, so the only build whose last bits differ
CHAINRULE_INLINE VF broadcast(float x) { return VF{x, x, x, x}; }
CHAINRULE_INLINE VD broadcast(double x) { return VD{x, x}; }
template <class V>
CHAINRULE_INLINE V fma(V a, V b, V c) {
  return a * b + c;
}
CHAINRULE_INLINE VF sqrt(VF a) {
  for (int i = 0; i < 4; ++i) a[i] = __builtin_sqrtf(a[i]);
  return a;
}
CHAINRULE_INLINE VD sqrt(VD a) {
  for (int i = 0; i < 2; ++i) a[i] = __builtin_sqrt(a[i]);
  return a;
}
#endif

// A vector for few units: half as wide where the processor may take two of those in the time of one.
#if defined(CHAINRULE_BUILD_AVX512)
typedef float HalfF __attribute__((vector_size(32)));
typedef double HalfD __attribute__((vector_size(32)));
CHAINRULE_INLINE HalfF fma(HalfF a, HalfF b, HalfF c) {
  return (HalfF)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
CHAINRULE_INLINE HalfD fma(HalfD a, HalfD b, HalfD c) {
  return (HalfD)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
}
CHAINRULE_INLINE HalfF few(float x) { return (HalfF)_mm256_set1_ps(x); }
CHAINRULE_INLINE HalfD few(double x) { return (HalfD)_mm256_set1_pd(x); }
CHAINRULE_INLINE VF whole(HalfF v) { return (VF)_mm512_zextps256_ps512((__m256)v); }  // zeros behind
CHAINRULE_INLINE VD whole(HalfD v) { return (VD)_mm512_zextpd256_pd512((__m256d)v); }
#else
CHAINRULE_INLINE VF few(float x) { return broadcast(x); }
CHAINRULE_INLINE VD few(double x) { return broadcast(x); }
#endif
CHAINRULE_INLINE VF whole(VF v) { return v; }
CHAINRULE_INLINE VD whole(VD v) { return v; }

template <class T>
CHAINRULE_INLINE Vec<T> zeros() {
  return Vec<T>{};
}

// (a > b) ? a : b and (a < b) ? a : b, lane by lane: b where either is NaN, which is what x86's instructions do.
#if defined(CHAINRULE_BUILD_AVX512)
CHAINRULE_INLINE VF max(VF a, VF b) { return (VF)_mm512_max_ps((__m512)a, (__m512)b); }
CHAINRULE_INLINE VD max(VD a, VD b) { return (VD)_mm512_max_pd((__m512d)a, (__m512d)b); }
CHAINRULE_INLINE VF min(VF a, VF b) { return (VF)_mm512_min_ps((__m512)a, (__m512)b); }
CHAINRULE_INLINE VD min(VD a, VD b) { return (VD)_mm512_min_pd((__m512d)a, (__m512d)b); }
#elif defined(CHAINRULE_BUILD_AVX2)
CHAINRULE_INLINE VF max(VF a, VF b) { return (VF)_mm256_max_ps((__m256)a, (__m256)b); }
CHAINRULE_INLINE VD max(VD a, VD b) { return (VD)_mm256_max_pd((__m256d)a, (__m256d)b); }
CHAINRULE_INLINE VF min(VF a, VF b) { return (VF)_mm256_min_ps((__m256)a, (__m256)b); }
CHAINRULE_INLINE VD min(VD a, VD b) { return (VD)_mm256_min_pd((__m256d)a, (__m256d)b); }
#else
template <class V>
CHAINRULE_INLINE V max(V a, V b) {
  return a > b ? a : b;
}
template <class V>
CHAINRULE_INLINE V min(V a, V b) {
  return a < b ? a : b;
}
#endif

// 0, 1, 2, ... as values of type T.
template <class T>
CHAINRULE_INLINE Vec<T> iota() {
  Vec<T> v{};
  for (int i = 0; i < Simd<T>::width; ++i) v[i] = static_cast<T>(i);
  return v;
}

// 16 bytes: the first n elements (1 .. kQuad) from memory, the others zero.
template <class T>
constexpr int kQuad = 16 / static_cast<int>(sizeof(T));
typedef float QuadF __attribute__((vector_size(16)));
typedef double QuadD __attribute__((vector_size(16)));
#if defined(CHAINRULE_BUILD_AVX512)
CHAINRULE_INLINE QuadF load_quad(const float* p, std::int64_t n) {
  return (QuadF)_mm_maskz_loadu_ps(static_cast<__mmask8>((1u << n) - 1), p);
}
CHAINRULE_INLINE QuadD load_quad(const double* p, std::int64_t n) {
  return (QuadD)_mm_maskz_loadu_pd(static_cast<__mmask8>((1u << n) - 1), p);
}
#else
CHAINRULE_INLINE QuadF load_quad(const float* p, std::int64_t n) {
  return QuadF{p[0], n > 1 ? p[1] : 0, n > 2 ? p[2] : 0, n > 3 ? p[3] : 0};
}
CHAINRULE_INLINE QuadD load_quad(const double* p, std::int64_t n) { return QuadD{p[0], n > 1 ? p[1] : 0}; }
#endif

// Lane i of v in each lane.
#if defined(CHAINRULE_BUILD_AVX512)
CHAINRULE_INLINE VF spread(VF v, std::int64_t i) {
  return (VF)_mm512_permutexvar_ps(_mm512_set1_epi32(static_cast<int>(i)), (__m512)v);
}
CHAINRULE_INLINE VD spread(VD v, std::int64_t i) { return (VD)_mm512_permutexvar_pd(_mm512_set1_epi64(i), (__m512d)v); }
#elif defined(CHAINRULE_BUILD_AVX2)
CHAINRULE_INLINE VF spread(VF v, std::int64_t i) {
  return (VF)_mm256_permutevar8x32_ps((__m256)v, _mm256_set1_epi32(static_cast<int>(i)));
}
CHAINRULE_INLINE VD spread(VD v, std::int64_t i) { return broadcast(v[i]); }
#else
template <class V>
CHAINRULE_INLINE V spread(V v, std::int64_t i) {
  return broadcast(v[i]);
}
#endif

// The first n (0 .. width) lanes from memory, the others zero; and the first n lanes to memory.
#if defined(CHAINRULE_BUILD_AVX512)
CHAINRULE_INLINE VF load_first(const float* p, std::int64_t n) {
  return (VF)_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), p);
}
CHAINRULE_INLINE VD load_first(const double* p, std::int64_t n) {
  return (VD)_mm512_maskz_loadu_pd(static_cast<__mmask8>((1u << n) - 1), p);
}
CHAINRULE_INLINE void store_first(float* p, VF v, std::int64_t n) {
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1), (__m512)v);
}
CHAINRULE_INLINE void store_first(double* p, VD v, std::int64_t n) {
  _mm512_mask_storeu_pd(p, static_cast<__mmask8>((1u << n) - 1), (__m512d)v);
}
#elif defined(CHAINRULE_BUILD_AVX2)
CHAINRULE_INLINE VF load_first(const float* p, std::int64_t n) {
  return (VF)_mm256_maskload_ps(p, (__m256i)(iota<float>() < broadcast(static_cast<float>(n))));
}
CHAINRULE_INLINE VD load_first(const double* p, std::int64_t n) {
  return (VD)_mm256_maskload_pd(p, (__m256i)(iota<double>() < broadcast(static_cast<double>(n))));
}
CHAINRULE_INLINE void store_first(float* p, VF v, std::int64_t n) {
  _mm256_maskstore_ps(p, (__m256i)(iota<float>() < broadcast(static_cast<float>(n))), (__m256)v);
}
CHAINRULE_INLINE void store_first(double* p, VD v, std::int64_t n) {
  _mm256_maskstore_pd(p, (__m256i)(iota<double>() < broadcast(static_cast<double>(n))), (__m256d)v);
}
#else
template <class T>
CHAINRULE_INLINE Vec<T> load_first(const T* p, std::int64_t n) {
  Vec<T> v{};
  for (std::int64_t i = 0; i < n; ++i) v[i] = p[i];
  return v;
}
template <class T>
CHAINRULE_INLINE void store_first(T* p, Vec<T> v, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) p[i] = v[i];
}
#endif

}  // namespace
