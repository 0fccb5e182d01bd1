#define CHAINRULE_BUILD_AVX512
#define CHAINRULE_PAIRS
#include "../kernels/kernels.inl"

namespace chainrule {
const Kernels<float>* avx512_bf16_kernels() {
  static constexpr Kernels<float> table = step_kernels<float>("avx512_bf16");
  return &table;
}
}  // namespace chainrule
