// Operations across the lanes of vectors, each in one order that no instruction set changes.

namespace {

template <int... I>
struct Indices {};
template <int N, int... I>
struct MakeIndices : MakeIndices<N - 1, N - 1, I...> {};
template <int... I>
struct MakeIndices<0, I...> {
  using type = Indices<I...>;
};

template <int Distance, class V, int... I>
CHAINRULE_INLINE V swap_lanes(V v, Indices<I...>) {
  return __builtin_shufflevector(v, v, (I ^ Distance)...);
}
// The first (or second) half of a b, interleaved: a0 b0 a1 b1 ...
template <int Half, class V, int... I>
CHAINRULE_INLINE V interleave(V a, V b, Indices<I...>) {
  constexpr int w = sizeof...(I);
  return __builtin_shufflevector(a, b, ((I % 2 ? w : 0) + Half * (w / 2) + I / 2)...);
}
template <class T>
using AllLanes = typename MakeIndices<Simd<T>::width>::type;

// All lanes become combine's result over all lanes, by halves: lane i with lane i + n/2, then n/4, ...
template <class T, int Distance = Simd<T>::width / 2, class Combine>
CHAINRULE_INLINE Vec<T> across_lanes(Vec<T> v, Combine combine) {
  v = combine(v, swap_lanes<Distance>(v, AllLanes<T>{}));
  if constexpr (Distance > 1)
    return across_lanes<T, Distance / 2>(v, combine);
  else
    return v;
}

// Sum of a row: element j is added to lane j mod (64 bytes' worth), then the lanes by halves.
template <class T>
struct RowSum {
  static constexpr int kParts = 64 / CHAINRULE_VECTOR_BYTES;
  Vec<T> part[kParts]{};
  CHAINRULE_INLINE void add(int64_t vector, Vec<T> v) { part[vector % kParts] = part[vector % kParts] + v; }
  CHAINRULE_INLINE Vec<T> total() const {  // in every lane
    Vec<T> sum[kParts];
    for (int p = 0; p < kParts; ++p) sum[p] = part[p];
    for (int half = kParts / 2; half > 0; half /= 2)
      for (int p = 0; p < half; ++p) sum[p] = sum[p] + sum[p + half];
    return across_lanes<T>(sum[0], [](Vec<T> a, Vec<T> b) { return a + b; });
  }
};

// Sums of 32 bytes' worth of lanes (a chunk), by halves: 16, 8, 4 bytes apart.
template <class T>
constexpr int kChunk = 32 / static_cast<int>(sizeof(T));

template <class T>
CHAINRULE_INLINE void chunk_sums(const T* values, int64_t n_chunks, double* out) {
  constexpr int w = Simd<T>::width, n = kChunk<T>;
  for (int64_t c = 0; c<n_chunks; c += w> n ? w / n : 1, values += w > n ? w : n) {
    Vec<T> v = load(values);
    if constexpr (w < n)
      v = v + load(values + w);  // a chunk is two vectors
    else
      v = v + swap_lanes<n / 2>(v, AllLanes<T>{});
    if constexpr (n >= 4) v = v + swap_lanes<n / 4>(v, AllLanes<T>{});
    if constexpr (n >= 8) v = v + swap_lanes<n / 8>(v, AllLanes<T>{});
    out[c] = v[0];
    if constexpr (w > n)
      if (c + 1 < n_chunks) out[c + 1] = v[n];
  }
}

// R vectors, R a power of two, as a matrix of R rows, become its columns, R elements each and packed. Interleaving
// vector i with vector i + R/2 rotates the bits of an element's flat index by one place; log2 R turns transpose.
template <class T, int R>
CHAINRULE_INLINE void transpose(Vec<T> (&v)[R]) {
  Vec<T> u[R];
  for (int turn = 1; turn < R; turn *= 2) {
    for (int i = 0; i < R / 2; ++i) {
      u[2 * i] = interleave<0>(v[i], v[i + R / 2], AllLanes<T>{});
      u[2 * i + 1] = interleave<1>(v[i], v[i + R / 2], AllLanes<T>{});
    }
    for (int i = 0; i < R; ++i) v[i] = u[i];
  }
}

// Two vectors behind each other.
template <class V, int... I>
CHAINRULE_INLINE auto join(V a, V b, Indices<I...>) {
  return __builtin_shufflevector(a, b, I...);
}
// row(first), row(first + step), ... in the quads of one vector.
template <class T, int Quads, class Row>
CHAINRULE_INLINE auto join_quads(Row row, int first, int step) {
  if constexpr (Quads == 1)
    return row(first);
  else
    return join(join_quads<T, Quads / 2>(row, first, step),
                join_quads<T, Quads / 2>(row, first + Quads / 2 * step, step),
                typename MakeIndices<Quads * kQuad<T>>::type{});
}
// Within each quad, elements a_h b_h a_h+1 b_h+1 ... of two of them, `Unit` elements at a time, from half h on.
template <int Quad, int Unit, int Half, class V, int... I>
CHAINRULE_INLINE V zip_quads(V a, V b, Indices<I...>) {
  constexpr int w = sizeof...(I);
  return __builtin_shufflevector(
      a, b, (I / Quad * Quad + Half * Quad / 2 + I % Quad / (2 * Unit) * Unit + I % Unit + (I / Unit % 2 ? w : 0))...);
}

// Columns c = 0 .. kQuad - 1 of as many rows as a vector has elements: row(r) gives a quad.
template <class T, class Row>
CHAINRULE_INLINE void quad_columns(Row row, Vec<T> (&columns)[kQuad<T>]) {
  constexpr int n = kQuad<T>;
  constexpr AllLanes<T> lanes{};
  Vec<T> v[n];
  for (int q = 0; q < n; ++q) v[q] = join_quads<T, Simd<T>::width / n>(row, q, n);
  if constexpr (n == 2) {
    columns[0] = zip_quads<2, 1, 0>(v[0], v[1], lanes);
    columns[1] = zip_quads<2, 1, 1>(v[0], v[1], lanes);
  } else {
    const Vec<T> a = zip_quads<4, 1, 0>(v[0], v[1], lanes), b = zip_quads<4, 1, 0>(v[2], v[3], lanes);
    const Vec<T> c = zip_quads<4, 1, 1>(v[0], v[1], lanes), d = zip_quads<4, 1, 1>(v[2], v[3], lanes);
    columns[0] = zip_quads<4, 2, 0>(a, b, lanes);
    columns[1] = zip_quads<4, 2, 1>(a, b, lanes);
    columns[2] = zip_quads<4, 2, 0>(c, d, lanes);
    columns[3] = zip_quads<4, 2, 1>(c, d, lanes);
  }
}

// kTileRows rows of a vector each become columns, `to_step` elements apart.
template <class T>
CHAINRULE_INLINE void transpose_tile(const T* from, int64_t from_step, T* to, int64_t to_step) {
  constexpr int R = kTileRows, w = Simd<T>::width;
  Vec<T> v[R];
  for (int i = 0; i < R; ++i) v[i] = load(from + i * from_step);
  transpose<T, R>(v);
  alignas(64) T flat[R * w];
  for (int i = 0; i < R; ++i) store(flat + i * w, v[i]);
  for (int c = 0; c < w; ++c) __builtin_memcpy(to + c * to_step, flat + c * R, R * sizeof(T));
}

}  // namespace
