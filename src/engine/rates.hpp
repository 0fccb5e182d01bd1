// What a step's settings say to the kernels: most of it once, rates and bias corrections anew for each step.
#pragma once

#include <cmath>
#include <cstdint>

#include "dispatch.hpp"
#include "engine.hpp"
#include "settings.hpp"

namespace chainrule {

// x^n for 0 <= x <= 1 by squaring: the same operations on every machine, unlike a libm's pow. 0 where it is nothing
// beside 1, so that no product is subnormal.
inline double power(double x, std::int64_t n) {
  double result = 1;
  for (; n > 0; n /= 2, x *= x) {
    if (x < 1e-75) x = 0;
    if (n % 2) result *= x;
  }
  return result;
}

template <class T>
void describe(const Settings& settings, Step<T>& s) {
  const auto number = [](double x) { return static_cast<T>(x); };
  StepRule<T>& rule = s.rule;
  rule.optimizer = settings.optimizer;
  rule.stage = needs_whole_gradient(settings) ? Stage::gradient : Stage::whole;
  rule.gradient_slot = n_moments(settings);
  for (int m = 0; m < n_moments(settings); ++m) rule.signed_moments[m] = is_signed(settings, m);
  rule.clip_value = number(settings.clip_value);
  rule.gradient_factor = T(1);
  rule.max_norm = number(settings.max_norm);
#define CHAINRULE_COPY(name, usual) rule.name = number(settings.name);
  CHAINRULE_NUMBERS(CHAINRULE_COPY)
#undef CHAINRULE_COPY
#define CHAINRULE_COPY(name) rule.name = settings.name;
  CHAINRULE_FLAGS(CHAINRULE_COPY)
#undef CHAINRULE_COPY
  rule.one_minus_beta_1 = number(1 - settings.beta_1);
  rule.one_minus_beta_2 = number(1 - settings.beta_2);
  s.epsilon = number(settings.epsilon);
}

// The rates of one step after the other.
template <class T>
class RateSequence {
 public:
  RateSequence(const Settings& settings, std::int64_t steps_before) : settings_(settings), n_steps_(steps_before) {
    if (settings.optimizer != Optimizer::nadam) return;
    const double log_decay = -0.040821994520255166 * settings.momentum_decay;  // of 0.96^momentum_decay
    kernels_for<double>("baseline")->evaluate_function("exp", &log_decay, &decay_, 1);
    for (std::int64_t t = 1; t <= n_steps_ && product_ > 0; ++t) multiply(t);
  }

  // Whether the rates of all steps are the same, with the same factor.
  bool constant() const { return entry_of(settings_.optimizer).steady; }

  // Step t = n_steps + 1, 2, ..., with what the learning rate is multiplied with.
  void next(Step<T>& s, double factor) {
    const std::int64_t t = ++n_steps_;
    double rate = settings_.learning_rate * factor;
    s.decoupled = static_cast<T>(rate * settings_.weight_decay);
    switch (settings_.optimizer) {
      case Optimizer::adam: rate *= std::sqrt(1 - power(settings_.beta_2, t)) / (1 - power(settings_.beta_1, t)); break;
      case Optimizer::adamw: {
        const double spread = std::sqrt(1 - power(settings_.beta_2, t));
        rate *= spread / (1 - power(settings_.beta_1, t));
        s.epsilon = static_cast<T>(settings_.epsilon * spread);
        break;
      }
      case Optimizer::nadam: {
        const double spread = std::sqrt(1 - power(settings_.beta_2, t));
        multiply(t);
        const double next = momentum(t + 1);
        s.gradient_rate = static_cast<T>(rate * spread * (1 - momentum(t)) / (1 - product_));
        rate *= spread * next / (1 - product_ * next);
        s.epsilon = static_cast<T>(settings_.epsilon * spread);
        break;
      }
      case Optimizer::rprop: rate = factor; break;  // the steps themselves are in its memory
      default: break;
    }
    s.learning_rate = static_cast<T>(rate);
  }

 private:
  // nadam's momentum of step t, and the product of all up to it, 0 once it no longer matters.
  double momentum(std::int64_t t) const { return settings_.beta_1 * (1 - 0.5 * power(decay_, t)); }
  void multiply(std::int64_t t) {
    product_ *= momentum(t);
    if (product_ < 1e-20) product_ = 0;
  }

  const Settings& settings_;
  std::int64_t n_steps_;
  double decay_ = 1, product_ = 1;
};

}  // namespace chainrule
