#include "network.hpp"

#include <algorithm>
#include <numeric>

#include "row_shares.hpp"
#include "workspace.hpp"

namespace chainrule {

namespace {

// One row of the data through the input layers.
template <class T>
void input_row(const Shape& shape, const Kernels<T>& kernels, const T* parameters, const T* x, T* x_1) {
  std::vector<T> edges;
  const auto pieces = input_pieces(shape, parameters, edges);
  kernels.input_row(pieces.data(), static_cast<int>(pieces.size()), x, x_1);
}

}  // namespace

template <class T>
void forward_row(const Shape& shape, const Kernels<T>& kernels, const T* parameters, const T* x, T* out) {
  std::vector<T> x_1;
  if (shape.n_inputs() > 0) {
    x_1.resize(static_cast<std::size_t>(shape.n_in(0) + kernels.width));
    input_row(shape, kernels, parameters, x, x_1.data());
    x = x_1.data();
  }
  constexpr int kLayersOnStack = 16;
  constexpr std::int64_t kScratchOnStack = 2048;
  PlainLayer<T> on_stack[kLayersOnStack];
  std::vector<PlainLayer<T>> on_heap;
  PlainLayer<T>* layers = on_stack;
  const int n_layers = shape.n_layers();
  if (n_layers > kLayersOnStack) {
    on_heap.resize(static_cast<std::size_t>(n_layers));
    layers = on_heap.data();
  }
  std::int64_t widest = 0;
  for (int k = 0; k < n_layers; ++k) {
    const PlacedLayer& placed = shape.layer(k);
    PlainLayer<T>& layer = layers[k];
    layer.n_in = placed.n_in;
    layer.n_out = placed.n_out;
    layer.activation = placed.activation;
    layer.group = shape.group;
    layer.weights = parameters + placed.places[kWeights];
    for (int v = 0; v < kVectors; ++v)
      layer.vectors[v] = placed.places[kFirstVector + v] < 0 ? nullptr : parameters + placed.places[kFirstVector + v];
    layer.add_bias = shape.bias_sign > 0;
    layer.residual = placed.residual;
    layer.special = placed.special;
    widest = std::max(widest, layer.n_out);
  }
  const std::int64_t scratch_row = round_up(widest, kernels.width);
  if (2 * scratch_row <= kScratchOnStack) {
    alignas(64) T scratch[kScratchOnStack];
    kernels.forward_row(layers, n_layers, x, out, scratch, scratch_row);
  } else {
    const Buffer<T> scratch(2 * scratch_row);
    kernels.forward_row(layers, n_layers, x, out, scratch.get(), scratch_row);
  }
}

template <class T>
void predict(const Shape& shape, const Kernels<T>& kernels, const T* parameters, const Data<T>& data, T* out,
             int n_threads, KeptRows<T>* kept) {
  if (data.n_samples <= 3 && !data.sparse()) {
    for (std::int64_t i = 0; i < data.n_samples; ++i)
      forward_row(shape, kernels, parameters, data.rows.x + i * shape.n_features(),
                  out + i * shape.n_out(shape.n_layers() - 1));
    return;
  }
  share_rows(
      shape, kernels, parameters, data, n_threads, Way::forward, 1, nullptr, kept,
      [&](const Step<T>& step, std::int64_t begin, std::int64_t end) { kernels.predict_rows(step, begin, end, out); });
}

template <class T>
double evaluate(const Shape& shape, const Kernels<T>& kernels, const T* parameters, const Data<T>& data, int n_threads,
                KeptRows<T>* kept) {
  if (data.batch_loss) {
    const std::int64_t n = data.n_samples, size = n * shape.sizes.back();
    std::vector<T> predictions(static_cast<std::size_t>(size)), gradient(static_cast<std::size_t>(size));
    std::vector<std::int64_t> rows(static_cast<std::size_t>(n));
    std::iota(rows.begin(), rows.end(), 0);
    predict(shape, kernels, parameters, data, predictions.data(), n_threads, kept);
    return data.batch_loss(rows.data(), n, predictions.data(), gradient.data());
  }
  std::vector<double> row_loss(static_cast<std::size_t>(data.n_samples));
  share_rows(
      shape, kernels, parameters, data, n_threads, Way::forward, 1, row_loss.data(), kept,
      [&](const Step<T>& step, std::int64_t begin, std::int64_t end) { kernels.evaluate_rows(step, begin, end); });
  double loss = 0, weight = 0;
  for (std::size_t i = 0; i < row_loss.size(); ++i) {
    loss += row_loss[i];
    weight += data.rows.sample_weight ? static_cast<double>(data.rows.sample_weight[i]) : 1.0;
  }
  return loss / weight / shape.loss_divisor;
}

template void forward_row(const Shape&, const Kernels<float>&, const float*, const float*, float*);
template void forward_row(const Shape&, const Kernels<double>&, const double*, const double*, double*);
template void predict(const Shape&, const Kernels<float>&, const float*, const Data<float>&, float*, int,
                      KeptRows<float>*);
template void predict(const Shape&, const Kernels<double>&, const double*, const Data<double>&, double*, int,
                      KeptRows<double>*);
template double evaluate(const Shape&, const Kernels<float>&, const float*, const Data<float>&, int, KeptRows<float>*);
template double evaluate(const Shape&, const Kernels<double>&, const double*, const Data<double>&, int,
                         KeptRows<double>*);

}  // namespace chainrule
