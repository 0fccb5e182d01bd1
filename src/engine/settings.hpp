// The settings of a training by name, and what each optimiser keeps.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine.hpp"

namespace chainrule {

struct Settings {
  Optimizer optimizer = Optimizer::sgd;
  std::int64_t batch_size = 1;
  int n_threads = 0;
  std::uint64_t dropout_seed = 0;
  bool bf16 = false;                          // products of bfloat16 pairs
  std::vector<double> learning_rate_factors;  // one per layer, or none

  double learning_rate = 0.1;
  double momentum = 0, beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-8;
  bool nesterov = false, amsgrad = false, centered = false;
  double initial_accumulator = 0, momentum_decay = 0;
  double increase = 1.2, decrease = 0.5, smallest = 1e-6, largest = 50;
  bool backtracking = false;  // rprop: go back where the loss has risen

  double l1 = 0, l2 = 0;
  bool l2_over_rows = false;                           // the penalties are divided by the batch's sum of sample weights
  double weight_decay = 0;                             // decoupled from the gradient
  double clip_value = 0, clip_norm = 0, max_norm = 0;  // 0: off
};

// Sets what is a number or a flag; false where there is no such setting.
inline bool set(Settings& settings, const std::string& name, double value) {
  static const std::vector<std::pair<const char*, std::variant<double Settings::*, bool Settings::*>>> known = {
      {"learning_rate", &Settings::learning_rate},
      {"momentum", &Settings::momentum},
      {"nesterov", &Settings::nesterov},
      {"beta_1", &Settings::beta_1},
      {"beta_2", &Settings::beta_2},
      {"rho", &Settings::beta_2},  // rmsprop's name
      {"epsilon", &Settings::epsilon},
      {"amsgrad", &Settings::amsgrad},
      {"centered", &Settings::centered},
      {"initial_accumulator", &Settings::initial_accumulator},
      {"momentum_decay", &Settings::momentum_decay},
      {"increase", &Settings::increase},
      {"decrease", &Settings::decrease},
      {"smallest", &Settings::smallest},
      {"largest", &Settings::largest},
      {"backtracking", &Settings::backtracking},
      {"l1", &Settings::l1},
      {"l2", &Settings::l2},
      {"l2_over_rows", &Settings::l2_over_rows},
      {"weight_decay", &Settings::weight_decay},
      {"clip_value", &Settings::clip_value},
      {"clip_norm", &Settings::clip_norm},
      {"max_norm", &Settings::max_norm},
  };
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

// Arrays that the optimiser keeps, each of one number for each parameter (optimizers.inl says which).
inline int n_moments(const Settings& s) {
  switch (s.optimizer) {
    case Optimizer::gradient: return 0;
    case Optimizer::sgd: return s.momentum != 0 ? 1 : 0;
    case Optimizer::adam:
    case Optimizer::adamw: return s.amsgrad ? 3 : 2;
    case Optimizer::rmsprop: return 1 + s.centered + (s.momentum != 0);
    case Optimizer::adagrad:
    case Optimizer::lion: return 1;
    case Optimizer::nadam:
    case Optimizer::rprop: return 2;
  }
  return 0;
}

// Whether such an array changes sign with the gradient.
inline bool is_signed(const Settings& s, int which) {
  if (s.optimizer == Optimizer::rmsprop) return which > 0;
  return which == 0 && s.optimizer != Optimizer::adagrad;
}

// What such an array holds before the first step.
inline double first_value(const Settings& s, int which) {
  if (s.optimizer == Optimizer::adagrad) return s.initial_accumulator;
  return s.optimizer == Optimizer::rprop && which == 1 ? s.learning_rate : 0;
}

// Whether a step must know of the whole gradient before it changes a weight.
inline bool needs_whole_gradient(const Settings& s) {
  return s.clip_norm != 0 || (s.optimizer == Optimizer::rprop && s.backtracking);
}

}  // namespace chainrule
