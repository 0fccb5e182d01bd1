#define CHAINRULE_BUILD_NEON
#include "../kernels/kernels.inl"

CHAINRULE_DEFINE_KERNELS(neon)
