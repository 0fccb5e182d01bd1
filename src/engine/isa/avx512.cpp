#define CHAINRULE_BUILD_AVX512
#include "../kernels/kernels.inl"

CHAINRULE_DEFINE_KERNELS(avx512)
