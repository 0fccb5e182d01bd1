// Checks of a loss: its output activation, its setting, and groups of outputs. The arithmetic is in kernels/losses.inl.
#pragma once

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "names.hpp"

namespace chainrule {

// Throws std::invalid_argument for an output activation that the loss does not go with.
inline void check_output_activation(Loss loss, Activation output) {
  const auto& [n, activations] = entry_of(loss).outputs;
  if (n == 0 || std::find(activations, activations + n, output) != activations + n) return;
  std::string names;
  for (int i = 0; i < n; ++i) names += (i == 0 ? "" : i + 1 < n ? ", " : " or ") + name_of(activations[i]);
  throw std::invalid_argument("the loss '" + std::string(entry_of(loss).name) +
                              "' does not go with the output activation '" + name_of(output) + "'; use " + names);
}

// The loss's one setting from what was given, or its default; std::invalid_argument for too many or one out of range.
inline double loss_setting(Loss loss, const std::vector<double>& given) {
  const auto& setting = entry_of(loss).setting;
  if (given.size() > (setting.name ? 1 : 0))
    throw std::invalid_argument("the loss '" + std::string(entry_of(loss).name) + "' has " +
                                (setting.name ? "one parameter" : "no parameters") + ", got " +
                                std::to_string(given.size()));
  if (given.empty()) return setting.usual;
  const double value = given[0];
  if (!((value > setting.least || (setting.least_allowed && value == setting.least)) && value < setting.bound))
    throw std::invalid_argument(std::string(setting.name) + " is out of range");
  return value;
}

// Increasing numbers in (0, 1); the median where none are given.
inline std::vector<double> checked_quantiles(const std::vector<double>& given) {
  for (std::size_t i = 0; i < given.size(); ++i)
    if (!(given[i] > (i ? given[i - 1] : 0) && given[i] < 1))
      throw std::invalid_argument("quantiles must increase and lie between 0 and 1");
  return given.empty() ? std::vector<double>{0.5} : given;
}

// "ordered(3)" as the name "ordered" and the size 3 of its groups; other names, and size 0.
inline std::pair<std::string, std::int64_t> split_group(const std::string& name) {
  const std::string start = "ordered(";
  if (name.rfind(start, 0) != 0 || name.back() != ')') return {name, 0};
  const std::string digits = name.substr(start.size(), name.size() - start.size() - 1);
  if (digits.empty() || digits[0] == '0' || digits.size() > 9 ||
      digits.find_first_not_of("0123456789") != std::string::npos)
    return {name, 0};
  return {"ordered", std::stoll(digits)};
}

// Outputs are whole groups, and those of several quantiles are in order.
inline void check_group(Activation output, std::int64_t group, std::int64_t n_out, std::int64_t n_quantiles) {
  const bool ordered = output == Activation::ordered;
  const auto are = [&](std::int64_t n) {
    return std::to_string(n_out) + " outputs are no groups of " + std::to_string(n);
  };
  if (ordered && n_out % group) throw std::invalid_argument(are(group));
  if (n_quantiles > 1 && n_out % n_quantiles) throw std::invalid_argument(are(n_quantiles));
  if (n_quantiles > 1 && !(ordered && group == n_quantiles))
    throw std::invalid_argument(std::to_string(n_quantiles) + " quantiles need the output activation 'ordered(" +
                                std::to_string(n_quantiles) + ")'");
}

}  // namespace chainrule
