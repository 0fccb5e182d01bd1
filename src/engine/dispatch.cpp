#include "dispatch.hpp"

#include <cstdlib>
#include <stdexcept>

namespace chainrule {

std::vector<std::string> available_isas() {
  std::vector<std::string> isas;
#if defined(CHAINRULE_HAS_AVX512)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl"))
    isas.emplace_back("avx512");
#endif
#if defined(CHAINRULE_HAS_AVX2)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) isas.emplace_back("avx2");
#endif
#if defined(CHAINRULE_HAS_NEON)
  isas.emplace_back("neon");
#endif
  isas.emplace_back("baseline");
  return isas;
}

namespace {

std::string checked(const std::string& isa, const char* source) {
  std::string all;
  for (const auto& name : available_isas()) {
    if (name == isa) return isa;
    all += (all.empty() ? "" : ", ") + name;
  }
  throw std::invalid_argument(std::string(source) + " asks for the instruction set '" + isa +
                              "', but this processor and build have " + all);
}

}  // namespace

std::string default_isa() {
  const char* forced = std::getenv("CHAINRULE_ISA");
  if (forced && *forced) return checked(forced, "CHAINRULE_ISA");
  return available_isas().front();
}

template <class T>
const Kernels<T>* kernels_for(const std::string& isa) {
  const std::string name = isa.empty() ? default_isa() : checked(isa, "isa");
#if defined(CHAINRULE_HAS_AVX512)
  if (name == "avx512") return avx512_kernels<T>();
#endif
#if defined(CHAINRULE_HAS_AVX2)
  if (name == "avx2") return avx2_kernels<T>();
#endif
#if defined(CHAINRULE_HAS_NEON)
  if (name == "neon") return neon_kernels<T>();
#endif
  return baseline_kernels<T>();
}

template <class T>
const Kernels<T>* bf16_kernels_for(const Kernels<T>& of) {
  const std::string refused = "precision 'bf16' ";
  if constexpr (sizeof(T) != sizeof(float))
    throw std::invalid_argument(refused + "needs dtype 'float32', got 'float64'");
#if defined(CHAINRULE_HAS_AVX512_BF16)
  else if (!__builtin_cpu_supports("avx512bf16"))
    throw std::invalid_argument(refused + "needs a processor with AVX512_BF16, which this one has not; use 'full'");
  else if (of.name != std::string("avx512"))
    throw std::invalid_argument(refused + "needs the instruction set 'avx512', but this network runs on '" + of.name +
                                "'; use 'full'");
  else
    return avx512_bf16_kernels();
#else
  (void)of;
  throw std::invalid_argument(refused + "needs an x86-64 build with AVX512_BF16, which this one is not; use 'full'");
#endif
}

template const Kernels<float>* bf16_kernels_for(const Kernels<float>&);
template const Kernels<double>* bf16_kernels_for(const Kernels<double>&);
template const Kernels<float>* kernels_for<float>(const std::string&);
template const Kernels<double>* kernels_for<double>(const std::string&);

}  // namespace chainrule
