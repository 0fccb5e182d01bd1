// The registry of names. The order is that of the enumerations in engine.hpp.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine.hpp"

namespace chainrule {

inline const std::vector<std::string> kActivationNames = {
    "identity", "sigmoid", "tanh",     "relu",     "leaky_relu", "elu",   "selu", "softplus", "gelu",
    "silu",     "mish",    "softsign", "hardtanh", "relu6",      "prelu", "exp",  "softmax",  "ordered"};
inline const std::vector<std::string> kLossNames = {
    "squared_error", "cross_entropy", "binary_cross_entropy", "poisson", "absolute_error", "huber", "log_cosh", "gamma",
    "tweedie",       "focal",         "binary_focal",         "quantile"};  // and custom, which has no name of its own
inline const std::vector<std::string> kPrecisionNames = {"full", "bf16"};   // of the products in training
inline const std::vector<std::string> kOptimizerNames = {"sgd",     "adam",  "adamw", "rmsprop",
                                                         "adagrad", "nadam", "lion",  "rprop"};  // without "gradient"

// The position of a name; ValueError in Python where it is none of them.
inline int position(const std::vector<std::string>& names, const std::string& name, const char* what) {
  std::string all;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<int>(i);
    all += (i ? ", " : "") + names[i];
  }
  throw std::invalid_argument(std::string("unknown ") + what + " '" + name + "'; expected one of " + all);
}

inline std::string loss_name(Loss loss) {
  return loss == Loss::custom ? "custom" : kLossNames[static_cast<std::size_t>(loss)];
}
inline bool takes_classes(Loss loss) { return loss == Loss::cross_entropy || loss == Loss::focal; }
inline bool keeps_net(Activation a) {
  return a == Activation::gelu || a == Activation::silu || a == Activation::mish || a == Activation::prelu ||
         a == Activation::ordered;
}

}  // namespace chainrule
