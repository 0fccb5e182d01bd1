// The memory that kernels work in: parameters in panels with their moments (Packed), and the matrices of one batch
// (Batch). All of it is allocated here, before the first step; a step allocates nothing.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#ifdef __linux__
#include <sys/mman.h>
#endif

#include "engine.hpp"
#include "shape.hpp"

namespace chainrule {

inline std::int64_t round_up(std::int64_t n, std::int64_t unit) { return (n + unit - 1) / unit * unit; }

template <class T>
class Buffer {  // zeroed, on cache lines; large ones on huge pages where the system gives them
 public:
  Buffer() = default;
  explicit Buffer(std::int64_t n) {
    constexpr std::int64_t line = 64, huge = 2 << 20;
    const std::int64_t needed = n * static_cast<std::int64_t>(sizeof(T)) + line;
    const std::int64_t unit = needed < huge / 2 ? line : huge;
    const auto bytes = static_cast<std::size_t>(round_up(needed, unit));
    data_.reset(static_cast<T*>(std::aligned_alloc(static_cast<std::size_t>(unit), bytes)));
    if (!data_) throw std::bad_alloc();
#ifdef __linux__
    if (unit == huge) madvise(data_.get(), bytes, MADV_HUGEPAGE);
#endif
    std::memset(data_.get(), 0, bytes);
  }
  T* get() const { return data_.get(); }

 private:
  struct Free {
    void operator()(T* p) const { std::free(p); }
  };
  std::unique_ptr<T, Free> data_;
};

// Deltas nearer to 0 than this become 0 (kernels/tiny.inl): in the steps of a training, and where derivatives are what is
// asked for.
template <class T>
constexpr T kLeastDeltaOfSteps = static_cast<T>(sizeof(T) == 4 ? 0x1p-63 : 0x1p-511);
template <class T>
constexpr T kLeastDelta = static_cast<T>(sizeof(T) == 4 ? 0x1p-103 : 0x1p-970);

// Two numbers as bfloat16 in the bits of one float, rounded as kernels/pairs.inl does it.
float pair(float low, float high);

template <class T>
class Packed {
 public:
  // backward: with what deltas are propagated through; to_input: through the first layer too, as far as dE/dx_1.
  Packed(const Shape& shape, const Kernels<T>& kernels, int n_moments, bool backward, bool to_input = false);

  void pack(const T* parameters);
  void unpack(T* parameters) const;
  // One of the optimizer's arrays; whether it changes sign with the biases, as the gradient does.
  void pack_moment(int which, bool signed_, const T* flat);
  void unpack_moment(int which, bool signed_, T* flat) const;
  void fill_moment(int which, T value);

  const std::vector<Layer<T>>& layers() const { return layers_; }
  std::int64_t n_penalties() const { return n_penalties_; }  // parts of a sum over all weights
  std::int64_t n_squares() const { return n_squares_; }      // and over the biases too

 private:
  void pack_panels(int k, const T* from, T* to) const;
  void unpack_panels(int k, const T* from, T* to) const;
  void pack_pairs(int k, const T* from) const;
  template <class Use>
  void each_vector(int k, Use use) const;
  std::int64_t padded(std::int64_t n) const { return round_up(n, kernels_.width); }

  const Shape& shape_;
  const Kernels<T>& kernels_;
  int n_moments_;
  std::int64_t n_penalties_ = 0, n_squares_ = 0;
  std::vector<Layer<T>> layers_;
  std::vector<Buffer<T>> buffers_;
};

template <class T>
class Batch {
 public:
  // rows: the most that are in flight; backward: with deltas.
  Batch(const Shape& shape, const Kernels<T>& kernels, std::int64_t rows, bool backward, bool sparse);

  std::vector<Layer<T>> attach(std::vector<Layer<T>> layers) const;  // the layers, pointing to this memory
  std::int64_t stride() const { return stride_; }
  T* input() const { return input_.get(); }
  T* input_pairs() const { return input_pairs_.get(); }

 private:
  std::int64_t stride_;
  Buffer<T> input_, input_pairs_;
  std::vector<Buffer<T>> buffers_;
  std::vector<LayerBatch<T>> layers_;
};

// What network, memory and rows say of a step.
template <class T>
Step<T> step_of(const Shape& shape, const std::vector<Layer<T>>& layers, const Batch<T>& batch, const Rows<T>& rows) {
  Step<T> step{};
  step.n_layers = shape.n_layers();
  step.layers = layers.data();
  step.data = rows;
  step.batch.stride = batch.stride();
  step.batch.input = batch.input();
  step.batch.input_pairs = batch.input_pairs();
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
