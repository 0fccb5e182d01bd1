// A network's shape, and where its parameters lie in the flat array that Python owns:
// W_1, ..., W_l (each row-major, n_k x n_{k+1}), then b_1, ..., b_l, then gain and shift of each normalised layer (E8),
// then the slopes of each prelu layer.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine.hpp"

namespace chainrule {

// What hidden layers have beside E1 and E2: one entry per layer of weights, the output layer's last; or none at all.
struct LayerOptions {
  std::vector<double> dropout;             // rates, E10
  std::vector<bool> layer_norm, residual;  // E8, E9
};

struct Shape {
  std::vector<std::int64_t> sizes;
  std::vector<Activation> activations;  // one per layer of weights
  Loss loss;
  double loss_setting;  // as Step::loss_setting
  std::vector<double> quantiles;
  std::int64_t group;  // of an ordered output layer
  int bias_sign;       // -1: E1, net = x W - b; +1: scikit-learn's intercepts
  double probability_floor;
  double loss_divisor;
  LayerOptions options;  // one entry per layer

  // Throws std::invalid_argument for sizes, names or pairs that cannot be.
  Shape(std::vector<std::int64_t> sizes, const std::vector<std::string>& activations, const std::string& loss,
        int bias_sign, double probability_floor, double loss_divisor, LayerOptions options = {},
        const std::vector<double>& loss_parameters = {});

  int n_layers() const { return static_cast<int>(sizes.size()) - 1; }
  std::int64_t n_in(int k) const { return sizes[static_cast<std::size_t>(k)]; }
  std::int64_t n_out(int k) const { return sizes[static_cast<std::size_t>(k) + 1]; }
  std::int64_t n_targets() const {  // columns of the targets
    return sizes.back() / std::max<std::int64_t>(1, static_cast<std::int64_t>(quantiles.size()));
  }
  std::int64_t widest() const;
  // Whether kernels/narrow.inl takes batches of so many rows, with vectors of `width`.
  bool narrow(int width, std::int64_t rows) const;
  std::int64_t n_weights() const;
  std::int64_t n_parameters() const;
  std::int64_t weights_at(int k) const;
  std::int64_t biases_at(int k) const;

  bool has_norm(int k) const { return options.layer_norm[static_cast<std::size_t>(k)]; }
  bool has_residual(int k) const { return options.residual[static_cast<std::size_t>(k)]; }
  bool has_slopes(int k) const { return activations[static_cast<std::size_t>(k)] == Activation::prelu; }
  double dropout(int k) const { return options.dropout[static_cast<std::size_t>(k)]; }
  bool has_dropout() const {
    return std::ranges::any_of(options.dropout, [](double rate) { return rate > 0; });
  }
  bool special(int k) const { return has_norm(k) || has_residual(k) || has_slopes(k) || dropout(k) > 0; }
  std::int64_t gain_at(int k) const;  // of a layer that has one; its shift follows it
  std::int64_t slopes_at(int k) const;

 private:
  void check_options();
};

// A loss outside: of rows[0 .. n) of the data and the network's predictions (n, n_out) for them it returns the value,
// and writes its derivative by them. May throw.
template <class T>
using BatchLoss =
    std::function<double(const std::int64_t* rows, std::int64_t n, const T* predictions, T* output_gradient)>;

// Rows to work on, seen without their types: `rows` borrows Python's arrays.
template <class T>
struct Data {
  Rows<T> rows{};
  std::int64_t n_samples = 0;
  std::int64_t longest_row = 0;  // entries in a sparse row
  BatchLoss<T> batch_loss;       // with Loss::custom, in the place of targets
  bool sparse() const { return rows.values != nullptr; }
  bool labelled() const { return rows.targets != nullptr || rows.classes != nullptr || batch_loss; }
};

// One row, (n_1,) -> (n_out,), straight from the flat parameters (readable 64 bytes beyond their end).
template <class T>
void forward_row(const Shape&, const Kernels<T>&, const T* parameters, const T* x, T* out);

// Outputs of all rows, (n_samples, n_out).
template <class T>
void predict(const Shape&, const Kernels<T>&, const T* parameters, const Data<T>&, T* out, int n_threads);

// Weighted mean loss of all rows.
template <class T>
double evaluate(const Shape&, const Kernels<T>&, const T* parameters, const Data<T>&, int n_threads);

}  // namespace chainrule
