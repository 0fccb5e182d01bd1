// A network's shape, and where its parameters lie in the flat array that Python owns (layout.hpp).
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "layout.hpp"
#include "registry.hpp"

namespace chainrule {

// What hidden layers have beside E1 and E2: one entry per layer of weights, the output layer's last; or none at all.
struct LayerOptions {
  std::vector<double> dropout;             // rates, E10
  std::vector<bool> layer_norm, residual;  // E8, E9
  std::vector<bool> parametric = {};       // E12
};

// An input layer: columns of the data in, columns of x_1 out, beside those of the layer before (E11, E13-E15). E11, the
// last, takes all that the others give.
struct InputLayer {
  InputKind kind;
  std::vector<std::int64_t> columns;   // none for E11
  std::int64_t n_inner = 0;            // frequencies of a column, bins, rows of a table
  std::int64_t n_each = 0;             // columns of x_1 that are learned for a column of the data
  std::vector<double> edges = {};      // of the bins
  std::int64_t unit = 0, n_units = 0;  // its columns of x_1; set by Shape
};

// A layer and where its parameters lie, in one place: a call on one row is about these alone.
struct PlacedLayer {
  std::int64_t n_in, n_out;
  Activation activation;
  bool residual, special;       // more than E1 and E2 in predictions
  std::int64_t places[kKinds];  // -1 where it has none
};

struct Shape {
  std::vector<std::int64_t> sizes;
  std::vector<Activation> activations;  // one per layer of weights
  Loss loss;
  double loss_setting;  // as StepLoss::setting
  std::vector<double> quantiles;
  std::int64_t group;  // of an ordered output layer
  int bias_sign;       // -1: E1, net = x W - b; +1: scikit-learn's intercepts
  double probability_floor;
  double loss_divisor;
  LayerOptions options;            // one entry per layer
  std::vector<InputLayer> inputs;  // none: x_1 is the data
  std::vector<Place> layout;

  // Throws std::invalid_argument for sizes, names or pairs that cannot be.
  Shape(std::vector<std::int64_t> sizes, const std::vector<std::string>& activations, const std::string& loss,
        int bias_sign, double probability_floor, double loss_divisor, LayerOptions options = {},
        const std::vector<double>& loss_parameters = {}, std::vector<InputLayer> inputs = {});

  int n_layers() const { return static_cast<int>(sizes.size()) - 1; }
  int n_inputs() const { return static_cast<int>(inputs.size()); }
  std::int64_t n_features() const { return sizes[0]; }  // columns of the data
  std::int64_t n_in(int k) const {
    return k == 0 && !inputs.empty() ? inputs.back().unit + inputs.back().n_units : sizes[static_cast<std::size_t>(k)];
  }
  std::int64_t n_out(int k) const { return sizes[static_cast<std::size_t>(k) + 1]; }
  std::int64_t n_targets() const {  // columns of the targets
    return sizes.back() / std::max<std::int64_t>(1, static_cast<std::int64_t>(quantiles.size()));
  }
  std::int64_t widest() const;
  // Whether kernels/narrow.inl takes batches of so many rows, with vectors of `width`.
  bool narrow(int width, std::int64_t rows) const;
  LayerShape layer_shape(int k) const;  // input layers behind the others
  const PlacedLayer& layer(int k) const { return layers_[static_cast<std::size_t>(k)]; }
  std::int64_t n_weights() const { return n_weights_; }
  std::int64_t n_parameters() const { return layout.back().at + layout.back().size(); }
  // Where layer k's numbers of a kind begin; -1 where it has none.
  std::int64_t place(int kind, int k) const { return layer(k).places[kind]; }
  bool has(Vector vector, int k) const { return place(kFirstVector + vector, k) >= 0; }

  bool has_residual(int k) const { return options.residual[static_cast<std::size_t>(k)]; }
  double dropout(int k) const { return options.dropout[static_cast<std::size_t>(k)]; }
  bool has_dropout() const {
    return std::ranges::any_of(options.dropout, [](double rate) { return rate > 0; });
  }
  // More than E1 and E2 in training.
  bool special(int k) const { return layer(k).special || dropout(k) > 0; }

 private:
  void check_inputs();
  void check_options();
  void lay_out();

  std::int64_t n_weights_ = 0;
  std::vector<PlacedLayer> layers_;
};

// Writes the first values of all that is learned into parameters that are 0.
template <class T>
void write_first_values(const Shape&, T* parameters);

}  // namespace chainrule
