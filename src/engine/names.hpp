// What the lists of registry.hpp say: names, and the entry of each loss and optimizer.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

#include "registry.hpp"

namespace chainrule {

namespace entries {

using enum Activation;
#define CHAINRULE_NAME(name, ...) #name,
#define CHAINRULE_ENTRY(name, ...) {#name, __VA_ARGS__},
#define CHAINRULE_DISTANCE(name, kernel, ...) {#name, __VA_ARGS__},
constexpr const char* kActivations[] = {CHAINRULE_ACTIVATIONS(CHAINRULE_NAME, CHAINRULE_NAME)};
constexpr LossEntry kLosses[] = {CHAINRULE_LOSSES(CHAINRULE_DISTANCE, CHAINRULE_ENTRY){"custom"}};
constexpr OptimizerEntry kOptimizers[] = {{"gradient", true, {}}, CHAINRULE_OPTIMIZERS(CHAINRULE_ENTRY)};
constexpr const char* kInputs[] = {CHAINRULE_INPUTS(CHAINRULE_NAME)};
constexpr const char* kFunctions[] = {CHAINRULE_FUNCTIONS(CHAINRULE_NAME)};
#undef CHAINRULE_NAME
#undef CHAINRULE_ENTRY
#undef CHAINRULE_DISTANCE

}  // namespace entries

inline std::string name_of(Activation a) { return entries::kActivations[static_cast<std::size_t>(a)]; }
inline const LossEntry& entry_of(Loss loss) { return entries::kLosses[static_cast<std::size_t>(loss)]; }
inline const OptimizerEntry& entry_of(Optimizer o) { return entries::kOptimizers[static_cast<std::size_t>(o)]; }

// Those that can be asked for by name: the losses but custom, the optimizers but gradient.
inline const std::vector<std::string> kActivationNames(std::begin(entries::kActivations),
                                                       std::end(entries::kActivations));
inline const std::vector<std::string> kInputNames(std::begin(entries::kInputs), std::end(entries::kInputs));
inline const std::vector<std::string> kFunctionNames(std::begin(entries::kFunctions), std::end(entries::kFunctions));
inline const std::vector<std::string> kLossNames = [] {
  std::vector<std::string> names;
  for (const LossEntry& entry : entries::kLosses) names.emplace_back(entry.name);
  names.pop_back();
  return names;
}();
inline const std::vector<std::string> kOptimizerNames = [] {
  std::vector<std::string> names;
  for (const OptimizerEntry& entry : entries::kOptimizers) names.emplace_back(entry.name);
  names.erase(names.begin());
  return names;
}();
inline const std::vector<std::string> kPrecisionNames = {"full", "bf16"};  // of the products in training

// The position of a name; ValueError in Python where it is none of them.
inline int position(const std::vector<std::string>& names, const std::string& name, const char* what) {
  std::string all;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<int>(i);
    all += (i ? ", " : "") + names[i];
  }
  throw std::invalid_argument(std::string("unknown ") + what + " '" + name + "'; expected one of " + all);
}

inline Activation activation_of(const std::string& name) {
  return static_cast<Activation>(position(kActivationNames, name, "activation"));
}
inline Loss loss_of(const std::string& name) {
  return name == "custom" ? Loss::custom : static_cast<Loss>(position(kLossNames, name, "loss"));
}
inline InputKind input_of(const std::string& name) {
  return static_cast<InputKind>(position(kInputNames, name, "input layer"));
}
inline Optimizer optimizer_of(const std::string& name) {
  return static_cast<Optimizer>(1 + position(kOptimizerNames, name, "optimizer"));
}

}  // namespace chainrule
