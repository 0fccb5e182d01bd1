// Copies in bfloat16 pairs (engine.hpp): rounding to nearest, as the processor does it, so that subnormals become zero.

#if defined(CHAINRULE_PAIRS)
namespace {

CHAINRULE_INLINE __m256i to_bfloat16(VF v) { return (__m256i)_mm512_cvtneps_pbh((__m512)v); }

// Element j is the pair (low[j], high[j]).
CHAINRULE_INLINE VF pair(VF low, VF high) {
  const __m512i a = _mm512_cvtepu16_epi32(to_bfloat16(low)), b = _mm512_cvtepu16_epi32(to_bfloat16(high));
  return (VF)_mm512_or_si512(a, _mm512_slli_epi32(b, 16));
}

// Rows r0..r1 of a batch matrix of n columns, as the factor of a row product: neighbors along a row.
CHAINRULE_INLINE void pair_columns(const float* from, int64_t n, int64_t stride, int64_t r0, int64_t r1, float* to,
                                   int64_t to_stride) {
  const int64_t n_vectors = vectors<float>(n);
  for (int64_t v = 0; v < n_vectors; v += 2) {
    const float* low = from + v / kTileVectors * stride + v % kTileVectors * 16;
    const float* high = from + (v + 1) / kTileVectors * stride + (v + 1) % kTileVectors * 16;
    float* into = to + v / 2 / kTileVectors * to_stride + v / 2 % kTileVectors * 16;
    for (int64_t r = r0; r < r1; ++r, into += kPanel<float>) {
      const VF next = v + 1 < n_vectors ? load(high + r * kPanel<float>) : zeros<float>();
      store(into, (VF)_mm512_cvtne2ps_pbh((__m512)next, (__m512)load(low + r * kPanel<float>)));
    }
  }
}

// Rows r0..r1 (r0 is even) of a batch matrix of n columns, as a factor of E6: neighbors along the rows.
CHAINRULE_INLINE void pair_rows(const float* from, int64_t n, int64_t stride, int64_t r0, int64_t r1, float* to) {
  for (int64_t v = 0; v < vectors<float>(n); ++v) {
    const int64_t panel = v / kTileVectors, column = v % kTileVectors * 16;
    const float* row = from + panel * stride + r0 * kPanel<float> + column;
    float* into = to + panel * (stride / 2) + r0 / 2 * kPanel<float> + column;
    for (int64_t r = r0; r < r1; r += 2, row += 2 * kPanel<float>, into += kPanel<float>)
      store(into, pair(load(row), r + 1 < r1 ? load(row + kPanel<float>) : zeros<float>()));
  }
}

// A tile of weights (rows input units from i0 on, n_vectors vectors of output units from n0 on) into both copies.
template <class Layer>
CHAINRULE_INLINE void pair_weights(const Layer& layer, const float* weights, int64_t step, int64_t i0, int rows,
                                   int64_t n0, int n_vectors) {
  float* to = layer.weight_pairs + n0 * sum_steps(layer.n_in) + i0 / 2 * step;
  for (int i = 0; i < rows; i += 2)
    for (int j = 0; j < n_vectors; ++j) {
      const float* w = weights + i * step + j * 16;
      store(to + i / 2 * step + j * 16, pair(load(w), i + 1 < rows ? load(w + step) : zeros<float>()));
    }
  if (!layer.transposed_pairs) return;
  const int64_t p0 = i0 / kPanel<float> * kPanel<float>, to_step = band_vectors<float>(layer.n_in, p0) * 16;
  to = layer.transposed_pairs + p0 * sum_steps(layer.n_out) + n0 / 2 * to_step + (i0 - p0);
  for (int j = 0; j < n_vectors; ++j) {
    const int64_t columns = sum_steps(smaller(16, layer.n_out - n0 - j * 16));
    alignas(64) float pairs[8][8];  // input unit, pair of output units
    for (int i = 0; i < rows; ++i)
      _mm256_store_si256((__m256i*)pairs[i], to_bfloat16(load(weights + i * step + j * 16)));
    for (int64_t c = 0; c < columns; ++c)
      for (int i = 0; i < rows; ++i) __builtin_memcpy(to + (j * 8 + c) * to_step + i, &pairs[i][c], sizeof(float));
  }
}

}  // namespace
#endif
