// Register tiles: kTileRows rows x up to kTileVectors vectors of sums held in registers. Every product of the
// library is one of the two loops below, and every sum runs over its inner index in ascending order, one fused
// multiply-add after the other: the bits depend on neither tile shape, thread nor instruction set.

namespace {

using std::int64_t;

#if defined(CHAINRULE_BUILD_AVX512)  // 32 registers: 24 sums, 3 of the panel, 1 broadcast
constexpr int kTileRows = 8;
constexpr int kTileVectors = 3;
#elif defined(CHAINRULE_BUILD_NEON)  // 32 registers of 128 bits: 16 sums, 4 of the panel, 1 broadcast
constexpr int kTileRows = 4;
constexpr int kTileVectors = 4;
#elif defined(CHAINRULE_BUILD_AVX2)  // 16 registers: 12 sums, 3 of the panel, 1 broadcast
constexpr int kTileRows = 4;
constexpr int kTileVectors = 3;
#else
constexpr int kTileRows = 4;
constexpr int kTileVectors = 2;
#endif

template <class T>
constexpr int kPanel = kTileVectors * Simd<T>::width;

template <class T>
CHAINRULE_INLINE int64_t vectors(int64_t n) {
  return (n + Simd<T>::width - 1) / Simd<T>::width;
}

CHAINRULE_INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

// Vectors in the band that starts at column n0 of n.
template <class T>
CHAINRULE_INLINE int band_vectors(int64_t n, int64_t n0) {
  return static_cast<int>(vectors<T>(smaller(n - n0, kPanel<T>)));
}

// With bfloat16 products an element is a pair of neighbors along the sum (engine.hpp).
#if defined(CHAINRULE_PAIRS)
constexpr bool kPairs = true;
CHAINRULE_INLINE VF multiply_sum(VF a, VF b, VF c) { return (VF)_mm512_dpbf16_ps((__m512)c, (__m512bh)a, (__m512bh)b); }
#else
constexpr bool kPairs = false;
template <class V>
CHAINRULE_INLINE V multiply_sum(V a, V b, V c) {
  return fma(a, b, c);
}
#endif

// What memory gives at a time.
constexpr int kLineBytes = 64;

// Where matrices are larger than the second-level cache, products ask for the numbers that they need next: the rows of the
// next tile, the next block of weights, the next panel of a batch matrix. Each is more than the processor foresees. Only
// the widest vectors leave time for it.
#if defined(CHAINRULE_BUILD_AVX512)
constexpr bool kAsks = true;
#else
constexpr bool kAsks = false;
#endif
enum class Next : int { none, to_second_cache = 2, to_first_cache = 3 };

// Steps along a sum of n terms.
CHAINRULE_INLINE int64_t sum_steps(int64_t n) { return kPairs ? (n + 1) / 2 : n; }

// sums[i][j] += sum over n of a[i * a_row + n * a_step] * b[n * b_step + j]; both are asked for `kAhead` steps before.
// Meanwhile the R n numbers at `next` come to a cache.
template <class T, Next kNext, int kAhead = 0, int R, int N>
CHAINRULE_INLINE void multiply_add(Vec<T> (&sums)[R][N], const T* a, int64_t a_row, int64_t a_step, const T* b,
                                   int64_t b_step, int64_t n, const T* next) {
  for (; n > 0; --n, a += a_step, b += b_step, next += R) {
    Vec<T> columns[N];
    for (int j = 0; j < N; ++j) columns[j] = load(b + j * Simd<T>::width);
    if constexpr (kNext != Next::none) __builtin_prefetch(next, 0, static_cast<int>(kNext));
    if constexpr (kAhead > 0) {
      __builtin_prefetch(a + kAhead * a_step);
      for (int j = 0; j < N * Simd<T>::width; j += kLineBytes / static_cast<int>(sizeof(T)))
        __builtin_prefetch(b + kAhead * b_step + j);
    }
    for (int i = 0; i < R; ++i) {
      const Vec<T> factor = broadcast(a[i * a_row]);
      for (int j = 0; j < N; ++j) sums[i][j] = multiply_sum(factor, columns[j], sums[i][j]);
    }
  }
}

template <class T, int R, int N>
CHAINRULE_INLINE void load_sums(Vec<T> (&sums)[R][N], const T* c, bool accumulate) {
  for (int i = 0; i < R; ++i)
    for (int j = 0; j < N; ++j) sums[i][j] = accumulate ? load(c + i * kPanel<T> + j * Simd<T>::width) : zeros<T>();
}

template <class T, int R, int N>
CHAINRULE_INLINE void store_sums(const Vec<T> (&sums)[R][N], T* c) {
  for (int i = 0; i < R; ++i)
    for (int j = 0; j < N; ++j) store(c + i * kPanel<T> + j * Simd<T>::width, sums[i][j]);
}

// What a tile asks the second-level cache for: so many lines with each panel of its sum, so many bytes in all. Null: it asks
// for nothing.
struct Ahead {
  const char* at;
  int64_t lines, of_tile;
};

// E1 and E5: c (R x N vectors) = or += a (R x n, a batch matrix) times b (n x N vectors, a band of weights).
template <class T, int R, int N>
void row_tile(const T* a, int64_t a_stride, int64_t n, const T* b, T* c, bool accumulate, Ahead ahead) {
  constexpr bool whole = R == kTileRows && N == kTileVectors;
  Vec<T> sums[R][N];
  load_sums<T>(sums, c, accumulate);
  for (; n > 0; n -= kPanel<T>, a += a_stride, b += kPanel<T> * N * Simd<T>::width) {
    const int64_t steps = smaller(n, kPanel<T>);
    if (kAsks && whole && ahead.at) {
      for (int64_t line = 0; line < ahead.lines; ++line, ahead.at += kLineBytes) __builtin_prefetch(ahead.at, 0, 2);
      multiply_add<T, Next::to_first_cache>(sums, a, kPanel<T>, 1, b, N * Simd<T>::width, steps, a + R * kPanel<T>);
    } else {
      multiply_add<T, Next::none>(sums, a, kPanel<T>, 1, b, N * Simd<T>::width, steps, a);
    }
  }
  store_sums<T>(sums, c);
}

// E6 asks for its rows so many steps before: a new line of `a` at every step is more than the processor foresees.
constexpr int kRowsAhead = 16;

// sums += the transpose of a (n rows x R columns) times b (n rows x N vectors); `next` may be null.
template <class T, int R, int N>
CHAINRULE_INLINE void add_rows(Vec<T> (&sums)[R][N], const T* a, const T* b, int64_t n, const T* next) {
  if (kAsks && R == kTileRows && N == kTileVectors && next)
    multiply_add<T, Next::to_second_cache, kRowsAhead>(sums, a, 1, kPanel<T>, b, kPanel<T>, n, next);
  else
    multiply_add<T, Next::none, kRowsAhead>(sums, a, 1, kPanel<T>, b, kPanel<T>, n, a);
}

// E6: c (R x N vectors) = or += the transpose of a (n rows x R columns) times b (n rows x N vectors), both bands of
// batch matrices; n rows of the batch are summed.
template <class T, int R, int N>
void weight_tile(const T* a, int64_t n, const T* b, T* c, bool accumulate, const T* next) {
  Vec<T> sums[R][N];
  load_sums<T>(sums, c, accumulate);
  add_rows<T>(sums, a, b, n, next);
  store_sums<T>(sums, c);
}

// The tiles for every number of rows and vectors: tile_of[rows - 1][vectors - 1].
template <class T>
struct Tiles {
  using Row = void (*)(const T*, int64_t, int64_t, const T*, T*, bool, Ahead);
  using Weight = void (*)(const T*, int64_t, const T*, T*, bool, const T*);
  Row row[kTileRows][kTileVectors];
  Weight weight[kTileRows][kTileVectors];

  template <int R = kTileRows, int N = kTileVectors>
  constexpr void fill() {
    row[R - 1][N - 1] = row_tile<T, R, N>;
    weight[R - 1][N - 1] = weight_tile<T, R, N>;
    if constexpr (N > 1)
      fill<R, N - 1>();
    else if constexpr (R > 1)
      fill<R - 1, kTileVectors>();
  }
  constexpr Tiles() : row{}, weight{} { fill(); }
};

template <class T>
constexpr Tiles<T> kTiles{};

}  // namespace
