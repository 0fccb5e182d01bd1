#define CHAINRULE_BUILD_AVX2
#include "../kernels/kernels.inl"

CHAINRULE_DEFINE_KERNELS(avx2)
