#include "shape.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "losses.hpp"
#include "names.hpp"

namespace chainrule {

namespace {

constexpr std::int64_t kMostParameters = std::int64_t{1} << 44;  // 2^44 doubles are 128 TiB

}  // namespace

Shape::Shape(std::vector<std::int64_t> sizes_, const std::vector<std::string>& names, const std::string& loss_,
             int bias_sign_, double floor, double divisor, LayerOptions options_,
             const std::vector<double>& loss_parameters, std::vector<InputLayer> inputs_)
    : sizes(std::move(sizes_)),
      bias_sign(bias_sign_),
      probability_floor(floor),
      loss_divisor(divisor),
      options(std::move(options_)),
      inputs(std::move(inputs_)) {
  if (sizes.size() < 2)
    throw std::invalid_argument("sizes must name at least the inputs and the outputs, got " +
                                std::to_string(sizes.size()) + " size(s)");
  for (const auto n : sizes)
    if (n < 1) throw std::invalid_argument("every size must be at least 1, got " + std::to_string(n));
  check_inputs();
  std::int64_t total = 0;
  for (int k = 0; k < n_layers(); ++k) {
    std::int64_t weights;
    if (__builtin_mul_overflow(n_in(k), n_out(k), &weights) || weights > kMostParameters ||
        (total += weights + n_out(k)) > kMostParameters)
      throw std::invalid_argument("layers of " + std::to_string(n_in(k)) + " x " + std::to_string(n_out(k)) +
                                  " need more memory than a machine has; use smaller sizes");
  }
  if (names.size() + 1 != sizes.size())
    throw std::invalid_argument("expected one activation per layer of weights (" + std::to_string(sizes.size() - 1) +
                                "), got " + std::to_string(names.size()));
  group = sizes.back();
  for (const auto& name : names) {
    const auto [plain, size] = split_group(name);
    if (size > 0) group = size;
    activations.push_back(activation_of(plain));
  }
  for (std::size_t k = 0; k + 1 < activations.size(); ++k)
    if (activations[k] == Activation::softmax || activations[k] == Activation::ordered)
      throw std::invalid_argument(names[k] + " is an output activation; hidden layers need an element-wise one");
  if (activations.back() == Activation::prelu)
    throw std::invalid_argument("prelu is for hidden layers; the output layer learns no slopes");
  check_options();
  lay_out();
  loss = loss_of(loss_);
  check_output_activation(loss, activations.back());
  if (loss == Loss::quantile)
    quantiles = checked_quantiles(loss_parameters);
  else
    loss_setting = chainrule::loss_setting(loss, loss_parameters);
  check_group(activations.back(), group, sizes.back(), static_cast<std::int64_t>(quantiles.size()));
  if (bias_sign != 1 && bias_sign != -1)
    throw std::invalid_argument("bias_sign must be -1 or +1, got " + std::to_string(bias_sign));
  if (!(floor >= 0 && floor < 0.5)) throw std::invalid_argument("probability_floor must lie in [0, 0.5)");
  if (!(divisor > 0)) throw std::invalid_argument("loss_divisor must be positive");
}

void Shape::check_inputs() {
  const auto refuse = [](std::size_t i, const std::string& problem) {
    throw std::invalid_argument("inputs[" + std::to_string(i) + "] " + problem);
  };
  std::int64_t unit = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    InputLayer& layer = inputs[i];
    const auto n_columns = static_cast<std::int64_t>(layer.columns.size());
    if (layer.kind == InputKind::scale) {
      if (i == 0 || i + 1 < inputs.size()) refuse(i, "is scale, which takes all that stands before it and comes last");
      layer.unit = 0;
      layer.n_units = unit;
      return;
    }
    for (const auto column : layer.columns)
      if (column < 0 || column >= n_features())
        refuse(i, "takes column " + std::to_string(column) + " of " + std::to_string(n_features()));
    if (n_columns < 1) refuse(i, "takes no column");
    const bool numbers = layer.kind == InputKind::numbers, periodic = layer.kind == InputKind::periodic;
    if (n_columns > 1 && !numbers && !periodic) refuse(i, "takes one column");
    if (!numbers && (layer.n_inner < 1 || layer.n_each < 1)) refuse(i, "has a size below 1");
    std::int64_t each, size;
    if (__builtin_mul_overflow(layer.n_inner, layer.n_each, &each) || __builtin_mul_overflow(each, n_columns, &size) ||
        size > kMostParameters)
      refuse(i, "needs more memory than a machine has; use smaller sizes");
    if (layer.kind == InputKind::piecewise_linear) {
      if (static_cast<std::int64_t>(layer.edges.size()) != layer.n_inner + 1)
        refuse(i,
               "has " + std::to_string(layer.edges.size()) + " edges for " + std::to_string(layer.n_inner) + " bins");
      for (std::size_t e = 1; e < layer.edges.size(); ++e)
        if (!(layer.edges[e] > layer.edges[e - 1])) refuse(i, "has edges that do not increase");
    }
    layer.unit = unit;
    layer.n_units = numbers ? n_columns : periodic ? n_columns * (1 + layer.n_each) : layer.n_each;
    unit += layer.n_units;
  }
}

void Shape::check_options() {
  const auto fill = [this](auto& values, const char* name) {
    if (values.empty()) values.resize(sizes.size() - 1);
    if (values.size() + 1 != sizes.size())
      throw std::invalid_argument(std::string(name) + " has " + std::to_string(values.size()) + " entries; expected " +
                                  std::to_string(sizes.size() - 1) + ", one per layer of weights");
    if (values.back())
      throw std::invalid_argument(std::string(name) +
                                  " is for hidden layers; the last entry, the output layer's, is 0");
  };
  fill(options.dropout, "dropout");
  fill(options.layer_norm, "layer_norm");
  fill(options.residual, "residual");
  fill(options.parametric, "parametric");
  for (int k = 0; k < n_layers(); ++k) {
    if (options.parametric[static_cast<std::size_t>(k)] &&
        activations[static_cast<std::size_t>(k)] == Activation::prelu)
      throw std::invalid_argument("prelu has a parameter of its own and cannot be parametric");
    if (!(dropout(k) >= 0 && dropout(k) < 1))
      throw std::invalid_argument("dropout rates must lie in [0, 1), got " + std::to_string(dropout(k)));
    if (has_residual(k) && n_in(k) != n_out(k))
      throw std::invalid_argument("a residual connection needs as many outputs as inputs, but layer " +
                                  std::to_string(k + 1) + " has " + std::to_string(n_in(k)) + " inputs and " +
                                  std::to_string(n_out(k)) + " outputs");
  }
}

std::int64_t Shape::widest() const { return std::max(n_in(0), *std::max_element(sizes.begin(), sizes.end())); }
bool Shape::narrow(int width, std::int64_t rows) const {
  constexpr std::int64_t most_inputs = 64, fewest_rows = 4;
  for (int k = 0; k < n_layers(); ++k)
    if (special(k) || n_inputs() > 0) return false;
  if (sizes[0] > most_inputs || *std::max_element(sizes.begin() + 1, sizes.end()) > width) return false;
  if (rows == 1) return loss != Loss::custom;
  const bool coupled = activations.back() == Activation::softmax || activations.back() == Activation::ordered;
  const bool known = loss == Loss::squared_error ? !coupled
                     : loss == Loss::cross_entropy
                         ? loss_setting == 0
                         : loss == Loss::binary_cross_entropy || loss == Loss::binary_focal || loss == Loss::poisson;
  return rows >= fewest_rows && known;
}

LayerShape Shape::layer_shape(int k) const {
  LayerShape shape{};
  if (k >= n_layers()) {
    const InputLayer& layer = inputs[static_cast<std::size_t>(k - n_layers())];
    shape.n_in = static_cast<std::int64_t>(layer.columns.size());
    shape.n_out = layer.n_units;
    shape.scale = layer.kind == InputKind::scale;
    shape.periodic = layer.kind == InputKind::periodic;
    shape.piecewise_linear = layer.kind == InputKind::piecewise_linear;
    shape.categories = layer.kind == InputKind::categories;
    shape.n_inner = layer.n_inner;
    shape.n_waves = shape.n_in * layer.n_inner;
    shape.n_each = layer.n_each;
    return shape;
  }
  const auto at = static_cast<std::size_t>(k);
  shape.n_in = n_in(k);
  shape.n_out = n_out(k);
  shape.product = true;
  shape.norm = options.layer_norm[at];
  shape.slopes = activations[at] == Activation::prelu;
  shape.alphas = options.parametric[at];
  return shape;
}

void Shape::lay_out() {
  for (int k = 0; k < n_layers(); ++k) {
    PlacedLayer layer{n_in(k),         n_out(k),        activations[static_cast<std::size_t>(k)],
                      has_residual(k), has_residual(k), {}};
    std::fill_n(layer.places, kKinds, -1);
    layers_.push_back(layer);
  }
  each_place(
      n_layers(), n_inputs(), [this](int k) { return layer_shape(k); },
      [this](const Place& place) {
        layout.push_back(place);
        if (place.of_input()) return;
        PlacedLayer& layer = layers_[static_cast<std::size_t>(place.layer)];
        layer.places[place.kind] = place.at;
        if (place.kind == kWeights) n_weights_ += place.size();
        if (place.kind > kFirstVector + kBias) layer.special = true;
      });
}

template <class T>
void write_first_values(const Shape& shape, T* parameters) {
  for (const Place& place : shape.layout)
    if (const double first = kLearned[place.kind].first; first != 0)
      std::fill_n(parameters + place.at, place.size(), static_cast<T>(first));
}

template void write_first_values(const Shape&, float*);
template void write_first_values(const Shape&, double*);

}  // namespace chainrule
