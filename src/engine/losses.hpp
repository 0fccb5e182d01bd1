// What a loss goes with: its output activations, and its setting with the interval where that must lie. The arithmetic
// is in kernels/losses.inl.
#pragma once

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "engine.hpp"
#include "names.hpp"

namespace chainrule {

// Throws std::invalid_argument for an output activation that the loss does not go with.
inline void check_output_activation(Loss loss, Activation output) {
  using enum Activation;
  std::vector<Activation> allowed;
  switch (loss) {
    case Loss::cross_entropy:
    case Loss::focal: allowed = {softmax}; break;
    case Loss::binary_cross_entropy:
    case Loss::binary_focal: allowed = {sigmoid}; break;
    case Loss::poisson: allowed = {exp, softplus, sigmoid}; break;
    case Loss::gamma:
    case Loss::tweedie: allowed = {exp, softplus}; break;
    default: return;
  }
  if (std::find(allowed.begin(), allowed.end(), output) != allowed.end()) return;
  const auto name_of = [](Activation a) { return kActivationNames[static_cast<std::size_t>(a)]; };
  std::string names;
  for (std::size_t i = 0; i < allowed.size(); ++i)
    names += (i == 0 ? "" : i + 1 < allowed.size() ? ", " : " or ") + name_of(allowed[i]);
  throw std::invalid_argument("the loss '" + loss_name(loss) + "' does not go with the output activation '" +
                              name_of(output) + "'; use " + names);
}

// The loss's one setting from what was given, or its default; std::invalid_argument for too many or one out of range.
inline double loss_setting(Loss loss, const std::vector<double>& given) {
  struct Setting {
    const char* name;
    double usual, least, most;
    bool least_allowed;
  };
  constexpr double infinity = std::numeric_limits<double>::infinity();
  Setting setting{nullptr, 0, 0, 0, true};
  switch (loss) {
    case Loss::cross_entropy:
    case Loss::binary_cross_entropy: setting = {"label_smoothing", 0, 0, 1, true}; break;
    case Loss::huber: setting = {"delta", 1, 0, infinity, false}; break;
    case Loss::tweedie: setting = {"power", 1.5, 1, infinity, true}; break;
    case Loss::focal:
    case Loss::binary_focal: setting = {"gamma", 2, 0, infinity, true}; break;
    default: break;
  }
  if (given.size() > (setting.name ? 1 : 0))
    throw std::invalid_argument("the loss '" + loss_name(loss) + "' has " +
                                (setting.name ? "one parameter" : "no parameters") + ", got " +
                                std::to_string(given.size()));
  if (given.empty()) return setting.usual;
  const double value = given[0];
  if (!((value > setting.least || (setting.least_allowed && value == setting.least)) && value < setting.most))
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
