#define CHAINRULE_BUILD_BASELINE
#include "../kernels/kernels.inl"

CHAINRULE_DEFINE_KERNELS(baseline)
