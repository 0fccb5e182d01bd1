// The memory that kernels work in: parameters in panels with their moments (Packed), and the matrices of one batch
// (Batch). All of it is allocated here, before the first step; a step allocates nothing.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "buffer.hpp"
#include "engine.hpp"
#include "inputs.hpp"
#include "shape.hpp"

namespace chainrule {

// Deltas nearer to 0 than this become 0 (kernels/tiny.inl): in the steps of a training, and where derivatives are what is
// asked for.
template <class T>
constexpr T kLeastDeltaOfSteps = static_cast<T>(sizeof(T) == 4 ? 0x1p-63 : 0x1p-511);
template <class T>
constexpr T kLeastDelta = static_cast<T>(sizeof(T) == 4 ? 0x1p-103 : 0x1p-970);

// Bytes of a matrix above which products ask for what they need next (kernels/tiles.inl): what the second-level cache
// holds, where the first holds a band of weights too (48 KiB, as Intel's since 2019).
std::int64_t asks_above();

// Two numbers as bfloat16 in the bits of one float, rounded as kernels/pairs.inl does it.
float pair(float low, float high);

template <class T>
class Packed {
 public:
  // backward: with what deltas are propagated through; to_input: through the first layer too, as far as dE/dx_1.
  Packed(const Shape& shape, const Kernels<T>& kernels, int n_moments, bool backward, bool to_input = false);

  // Layers that hold these numbers already are left alone.
  void pack(const T* parameters, int n_threads = 1);
  void unpack(T* parameters, int n_threads = 1) const;
  // One of the optimizer's arrays; whether it changes sign with the biases, as the gradient does.
  void pack_moment(int which, bool signed_, const T* flat);
  void unpack_moment(int which, bool signed_, T* flat) const;
  void fill_moment(int which, T value);

  const std::vector<Layer<T>>& layers() const { return layers_; }
  PackedInputs<T>& inputs() { return inputs_; }
  const PackedInputs<T>& inputs() const { return inputs_; }
  std::int64_t n_penalties() const { return n_penalties_; }  // parts of a sum over all weights
  std::int64_t n_squares() const { return n_squares_; }      // and over the biases too

 private:
  void pack_panels(int k, const T* from, T* to, int n_threads = 1) const;
  void unpack_panels(int k, const T* from, T* to, int n_threads = 1) const;
  bool holds_panels(int k, const T* from, int n_threads) const;
  void pack_transposed(int k, const T* from, int n_threads) const;
  template <class Use>
  void each_panel(std::int64_t rows, std::int64_t columns, int n_threads, Use use) const;
  void pack_pairs(int k, const T* from) const;
  template <class Use>
  void each_vector(int k, Use use) const;
  std::int64_t padded(std::int64_t n) const { return round_up(n, kernels_.width); }

  const Shape& shape_;
  const Kernels<T>& kernels_;
  int n_moments_;
  std::int64_t n_penalties_ = 0, n_squares_ = 0;
  bool packed_ = false;  // once
  std::vector<Layer<T>> layers_;
  PackedInputs<T> inputs_;
  std::vector<Buffer<T>> buffers_;
};

template <class T>
class Batch {
 public:
  // rows: the most that are in flight; backward: with deltas; zeroed: needed where vectors have lanes of no row. Else all
  // that is read has been written before.
  Batch(const Shape& shape, const Kernels<T>& kernels, std::int64_t rows, bool backward, bool sparse,
        bool zeroed = false);

  std::vector<Layer<T>> attach(std::vector<Layer<T>> layers) const;  // the layers, pointing to this memory
  std::int64_t stride() const { return stride_; }
  T* input() const { return input_.get(); }
  T* input_pairs() const { return input_pairs_.get(); }
  void attach(StepInputs<T>& inputs) const;

 private:
  std::int64_t stride_;
  Buffer<T> input_, input_pairs_;
  std::int64_t column_stride_ = 0;
  Buffer<T> columns_, raw_, input_delta_;  // of input layers
  std::vector<Buffer<T>> buffers_;
  std::vector<LayerBatch<T>> layers_;
};

// What network, memory and rows say of a step.
template <class T>
Step<T> step_of(const Shape& shape, const Packed<T>& packed, const std::vector<Layer<T>>& layers, const Batch<T>& batch,
                const Rows<T>& rows) {
  Step<T> step{};
  step.n_layers = shape.n_layers();
  step.layers = layers.data();
  step.data = rows;
  step.batch.asks_above = asks_above();
  step.batch.stride = batch.stride();
  step.batch.input = batch.input();
  step.batch.input_pairs = batch.input_pairs();
  step.inputs = packed.inputs().describe();
  batch.attach(step.inputs);
  step.least_delta = kLeastDelta<T>;
  step.loss.kind = shape.loss;
  step.loss.setting = shape.loss_setting;
  step.loss.quantiles = shape.quantiles.data();
  step.loss.n_quantiles = static_cast<std::int64_t>(shape.quantiles.size());
  step.loss.probability_floor = static_cast<T>(shape.probability_floor);
  return step;
}

// Rows that go through all layers together: enough to reuse the weights, few enough to stay in the second cache.
template <class T>
std::int64_t row_block(const Shape& shape) {
  const std::int64_t bytes = shape.widest() * static_cast<std::int64_t>(sizeof(T));
  const std::int64_t rows = (std::int64_t{256} << 10) / bytes / 8 * 8;
  return rows < 192 ? 192 : rows > 512 ? 512 : rows;  // below 192, weights come from memory too often
}

}  // namespace chainrule
