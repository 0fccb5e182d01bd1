// The settings of a training by name, and what each optimizer keeps.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "names.hpp"

namespace chainrule {

constexpr int kMostBlocks = 4096;

struct Settings : OptimizerSettings {
  Optimizer optimizer = Optimizer::sgd;
  std::int64_t batch_size = 1;
  int row_blocks = 1;  // that a batch is made of (row_blocks.hpp)
  int n_threads = 0;
  std::uint64_t dropout_seed = 0;
  bool bf16 = false;  // products of bfloat16 pairs
  // One for what is learned at each place of Shape::layout, or none. Those of the rate may be one per layer of weights.
  std::vector<double> learning_rate_factors, epsilon_factors, decay_factors;

  double l1 = 0, l2 = 0;
  bool l2_over_rows = false;                           // the penalties are divided by the batch's sum of sample weights
  double weight_decay = 0;                             // decoupled from the gradient
  double clip_value = 0, clip_norm = 0, max_norm = 0;  // 0: off
};

// Sets what is a number or a flag; false where there is no such setting.
inline bool set(Settings& settings, const std::string& name, double value) {
#define CHAINRULE_SETTING(name, ...) {#name, &Settings::name},
  static const std::vector<std::pair<const char*, std::variant<double Settings::*, bool Settings::*>>> known = {
      CHAINRULE_NUMBERS(CHAINRULE_SETTING) CHAINRULE_FLAGS(CHAINRULE_SETTING)  //
      {"learning_rate", &Settings::learning_rate},
      {"epsilon", &Settings::epsilon},
      {"rho", &Settings::beta_2},  // rmsprop's name
      {"l1", &Settings::l1},
      {"l2", &Settings::l2},
      {"l2_over_rows", &Settings::l2_over_rows},
      {"weight_decay", &Settings::weight_decay},
      {"clip_value", &Settings::clip_value},
      {"clip_norm", &Settings::clip_norm},
      {"max_norm", &Settings::max_norm},
  };
#undef CHAINRULE_SETTING
  for (const auto& [known_name, member] : known) {
    if (name != known_name) continue;
    if (const auto* number = std::get_if<double Settings::*>(&member))
      settings.*(*number) = value;
    else
      settings.*(std::get<bool Settings::*>(member)) = value != 0;
    return true;
  }
  return false;
}

// The arrays that the optimizer keeps with these settings, each of one number for each parameter.
inline std::vector<Moment> moments_of(const Settings& s) {
  std::vector<Moment> kept;
  for (const Moment& m : entry_of(s.optimizer).moments)
    if (m.kept && (!m.flag || s.*m.flag) && (!m.number || s.*m.number != 0)) kept.push_back(m);
  return kept;
}
inline int n_moments(const Settings& s) { return static_cast<int>(moments_of(s).size()); }

// Whether such an array changes sign with the gradient.
inline bool is_signed(const Settings& s, int which) {
  return moments_of(s)[static_cast<std::size_t>(which)].changes_sign;
}

// What such an array holds before the first step.
inline double first_value(const Settings& s, int which) {
  const Moment moment = moments_of(s)[static_cast<std::size_t>(which)];
  return moment.first ? s.*moment.first : 0;
}

// Whether a step must know of the whole gradient before it changes a weight.
inline bool needs_whole_gradient(const Settings& s) {
  return s.clip_norm != 0 || (s.optimizer == Optimizer::rprop && s.backtracking);
}

}  // namespace chainrule
