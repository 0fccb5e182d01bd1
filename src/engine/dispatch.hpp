// Which instruction set's kernels run: the best that this processor has, or the one that CHAINRULE_ISA names.
#pragma once

#include <string>
#include <vector>

#include "engine.hpp"

namespace chainrule {

std::vector<std::string> available_isas();  // best first
std::string default_isa();                  // throws std::invalid_argument where CHAINRULE_ISA cannot be had

// The kernels of an instruction set by name, or the default's where it is empty.
template <class T>
const Kernels<T>* kernels_for(const std::string& isa);

// The kernels of a training step whose products are of bfloat16 pairs, for a network whose own kernels are `of`. Throws
// std::invalid_argument where processor, build, kernels or element type have none.
template <class T>
const Kernels<T>* bf16_kernels_for(const Kernels<T>& of);

}  // namespace chainrule
