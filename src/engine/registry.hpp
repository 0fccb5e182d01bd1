// What is registered: one list each of activations, losses, optimizers and elementary functions. Enumerations, names,
// checks and the kernels' switches are made of the lists; their order is that of the names in Python.
// Plain data only, because this file is compiled for every instruction set.
#pragma once

#include <cstdint>

namespace chainrule {

// --- activations ----------------------------------------------------------------------------------------------------
//
// X(name, its struct in kernels/activations.inl) where it is element-wise; Y(name, whether f' is taken from net) where it
// is not: slopes are learned (kernels/layers.inl), or a row's outputs are coupled (softmax.inl, ordered.inl).
#define CHAINRULE_ACTIVATIONS(X, Y) \
  X(identity, Identity)             \
  X(sigmoid, Sigmoid)               \
  X(tanh, Tanh)                     \
  X(relu, Relu)                     \
  X(leaky_relu, LeakyRelu)          \
  X(elu, Elu)                       \
  X(selu, Selu)                     \
  X(softplus, Softplus)             \
  X(gelu, Gelu)                     \
  X(silu, Silu)                     \
  X(mish, Mish)                     \
  X(softsign, Softsign)             \
  X(hardtanh, HardTanh)             \
  X(relu6, Relu6)                   \
  Y(prelu, true)                    \
  X(exp, Exp)                       \
  Y(softmax, false)                 \
  Y(ordered, true)

#define CHAINRULE_ENUMERATOR(name, ...) name,
enum class Activation : int { CHAINRULE_ACTIVATIONS(CHAINRULE_ENUMERATOR, CHAINRULE_ENUMERATOR) };

// --- losses -----------------------------------------------------------------------------------------------------------
//
// X(name, its struct in kernels/losses.inl, ...) for a distance of output and target that goes with every activation;
// Y(name, ...) for what `output_rows` in kernels/output.inl chooses by itself. Then, as LossEntry has them: the output
// activations that it goes with, its one setting, and whether its targets may be classes.
#define CHAINRULE_LOSSES(X, Y)                                                \
  Y(squared_error)                                                            \
  Y(cross_entropy, {1, {softmax}}, {"label_smoothing", 0, 0, true, 1}, true)  \
  Y(binary_cross_entropy, {1, {sigmoid}}, {"label_smoothing", 0, 0, true, 1}) \
  Y(poisson, {3, {exp, softplus, sigmoid}})                                   \
  X(absolute_error, AbsoluteError)                                            \
  X(huber, Huber, {}, {"delta", 1, 0, false})                                 \
  X(log_cosh, LogCosh)                                                        \
  Y(gamma, {2, {exp, softplus}})                                              \
  Y(tweedie, {2, {exp, softplus}}, {"power", 1.5, 1, true})                   \
  Y(focal, {1, {softmax}}, {"gamma", 2, 0, true}, true)                       \
  Y(binary_focal, {1, {sigmoid}}, {"gamma", 2, 0, true})                      \
  Y(quantile)

enum class Loss : int {
  CHAINRULE_LOSSES(CHAINRULE_ENUMERATOR, CHAINRULE_ENUMERATOR)  //
  custom,  // a function outside: kernels/custom.inl. It has no name of its own
};

struct LossEntry {
  struct Outputs {
    int n = 0;  // 0: all
    Activation activations[3] = {};
  };
  struct Setting {
    const char* name = nullptr;  // null: it has none
    double usual = 0, least = 0;
    bool least_allowed = false;
    double bound = __builtin_inf();  // it must be below
  };

  const char* name;
  Outputs outputs = {};
  Setting setting = {};
  bool takes_classes = false;
};

// --- optimizers -------------------------------------------------------------------------------------------------------

// Their settings in Python beside learning_rate and epsilon, which may change from step to step: numbers, X(name, usual
// value), and flags. 0: off, or no such thing.
#define CHAINRULE_NUMBERS(X) \
  X(momentum, 0)             \
  X(beta_1, 0.9)             \
  X(beta_2, 0.999)           \
  X(initial_accumulator, 0)  \
  X(momentum_decay, 0)       \
  X(increase, 1.2)           \
  X(decrease, 0.5)           \
  X(smallest, 1e-6)          \
  X(largest, 50)
#define CHAINRULE_FLAGS(X) X(nesterov) X(amsgrad) X(centered) X(backtracking)

struct OptimizerSettings {
  double learning_rate = 0.1, epsilon = 1e-8;
#define CHAINRULE_MEMBER(name, usual) double name = usual;
  CHAINRULE_NUMBERS(CHAINRULE_MEMBER)
#undef CHAINRULE_MEMBER
#define CHAINRULE_MEMBER(name) bool name = false;
  CHAINRULE_FLAGS(CHAINRULE_MEMBER)
#undef CHAINRULE_MEMBER
};

// An array that an optimizer keeps, a number for each parameter.
struct Moment {
  bool kept = false;
  bool changes_sign = false;                     // with the gradient
  bool OptimizerSettings::* flag = nullptr;      // kept only with this flag,
  double OptimizerSettings::* number = nullptr;  // or where this is not 0
  double OptimizerSettings::* first = nullptr;   // its numbers before the first step; null: 0
};
constexpr int kMostMoments = 3;
constexpr Moment kUnsigned{true, false}, kSigned{true, true};

// X(name, whether its rates are the same in each step, its moments in the order of their memory in
// kernels/optimizers.inl).
#define CHAINRULE_OPTIMIZERS(X)                                                                \
  X(sgd, true, {{.kept = true, .changes_sign = true, .number = &OptimizerSettings::momentum}}) \
  X(adam, false, {kSigned, kUnsigned, {.kept = true, .flag = &OptimizerSettings::amsgrad}})    \
  X(adamw, false, {kSigned, kUnsigned, {.kept = true, .flag = &OptimizerSettings::amsgrad}})   \
  X(rmsprop, true,                                                                             \
    {kUnsigned,                                                                                \
     {.kept = true, .changes_sign = true, .flag = &OptimizerSettings::centered},               \
     {.kept = true, .changes_sign = true, .number = &OptimizerSettings::momentum}})            \
  X(adagrad, true, {{.kept = true, .first = &OptimizerSettings::initial_accumulator}})         \
  X(nadam, false, {kSigned, kUnsigned})                                                        \
  X(lion, true, {kSigned})                                                                     \
  X(rprop, true, {kSigned, {.kept = true, .first = &OptimizerSettings::learning_rate}})

enum class Optimizer : int {
  gradient,  // add it up in `moments[gradient_slot]`, change no weight
  CHAINRULE_OPTIMIZERS(CHAINRULE_ENUMERATOR)
};
#undef CHAINRULE_ENUMERATOR

struct OptimizerEntry {
  const char* name;
  bool steady;
  Moment moments[kMostMoments] = {};
};

// --- input layers (kernels/inputs.inl) ---------------------------------------------------------------------------------

#define CHAINRULE_INPUTS(X) X(numbers) X(scale) X(periodic) X(piecewise_linear) X(categories)
#define CHAINRULE_ENUMERATOR(name) name,
enum class InputKind : int { CHAINRULE_INPUTS(CHAINRULE_ENUMERATOR) };
#undef CHAINRULE_ENUMERATOR

// --- elementary functions of kernels/math.inl -------------------------------------------------------------------------

#define CHAINRULE_FUNCTIONS(X) \
  X(exp) X(expm1) X(log) X(log1p) X(tanh) X(sigmoid) X(softplus) X(normal_cdf) X(normal_pdf) X(cos_2pi) X(sin_2pi)

}  // namespace chainrule
