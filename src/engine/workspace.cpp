#include "workspace.hpp"

#include <unistd.h>

#include <atomic>
#include <bit>
#include <cstring>
#include <limits>

#include "counter.hpp"
#include "parallel.hpp"

namespace chainrule {

namespace {

// To nearest, ties to even; subnormals become zero; a NaN stays one.
std::uint32_t to_bfloat16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t size = bits & 0x7fffffffu;
  if (size < 0x00800000u) return bits >> 31 << 15;
  if (size > 0x7f800000u) return bits >> 16 | 0x40;
  return (bits + 0x7fffu + (bits >> 16 & 1)) >> 16;
}

}  // namespace

std::int64_t asks_above() {
#ifdef _SC_LEVEL1_DCACHE_SIZE
  static const std::int64_t first = sysconf(_SC_LEVEL1_DCACHE_SIZE), second = sysconf(_SC_LEVEL2_CACHE_SIZE);
  if (first >= 48 << 10 && second > 0) return second;
#endif
  return std::numeric_limits<std::int64_t>::max();
}

float pair(float low, float high) { return std::bit_cast<float>(to_bfloat16(low) | to_bfloat16(high) << 16); }

template <class T>
Packed<T>::Packed(const Shape& shape, const Kernels<T>& kernels, int n_moments, bool backward, bool to_input)
    : shape_(shape), kernels_(kernels), n_moments_(n_moments) {
  to_input = to_input || (backward && shape.n_inputs() > 0);
  const auto allocate = [this](std::int64_t n, bool zeroed = true) { return buffers_.emplace_back(n, zeroed).get(); };
  const std::int64_t chunk = 32 / static_cast<std::int64_t>(sizeof(T));
  for (int k = 0; k < shape.n_layers(); ++k) {
    Layer<T> layer{};
    layer.n_in = shape.n_in(k);
    layer.n_out = shape.n_out(k);
    layer.activation = shape.activations[static_cast<std::size_t>(k)];
    layer.group = shape.group;
    const std::int64_t size = layer.n_in * padded(layer.n_out);
    const bool low = layer.n_in < kernels.width;  // `pack` leaves rows of zeros
    layer.weights = allocate(std::max<std::int64_t>(layer.n_in, kernels.width) * padded(layer.n_out), low);
    if (kernels.pairs) {
      layer.weight_pairs = allocate((layer.n_in + 1) / 2 * padded(layer.n_out));
      if (k > 0 || to_input) layer.transposed_pairs = allocate((layer.n_out + 1) / 2 * padded(layer.n_in));
    } else if (backward && (k > 0 || to_input)) {
      layer.transposed = allocate(layer.n_out * padded(layer.n_in), false);
    }
    layer.at = shape.place(kWeights, k);
    for (int m = 0; m < n_moments; ++m) layer.moments[m] = allocate(size);
    for (int v = 0; v < kVectors; ++v) {
      LearnedVector<T>& vector = layer.vectors[v];
      vector.at = shape.place(kFirstVector + v, k);
      if (vector.at < 0) continue;
      vector.size = layer.n_out;
      vector.factors = Factors<T>{};
      vector.values = allocate(padded(layer.n_out));
      for (int m = 0; m < n_moments; ++m) vector.moments[m] = allocate(padded(layer.n_out));
    }
    layer.factors = {.decay = T(1)};
    layer.special = shape.special(k);
    layer.residual = shape.has_residual(k);
    layer.dropout = shape.dropout(k);
    layer.drop_below = drop_below(shape.dropout(k));
    layer.kept_factor = static_cast<T>(1 / (1 - shape.dropout(k)));
    layer.penalty_offset = n_penalties_;
    n_penalties_ += (layer.n_in + kPenaltyRows - 1) / kPenaltyRows * ((layer.n_out + chunk - 1) / chunk);
    layers_.push_back(layer);
  }
  n_squares_ = n_penalties_;
  for (auto& layer : layers_)
    for (auto& vector : layer.vectors) {
      vector.penalty_offset = n_squares_;
      if (vector.values) n_squares_ += (layer.n_out + chunk - 1) / chunk;
    }
  inputs_ = PackedInputs<T>(shape, kernels.width, n_moments, n_squares_);
}

// use(vector, whether Python shows its opposite) for every vector of a layer.
template <class T>
template <class Use>
void Packed<T>::each_vector(int k, Use use) const {
  const Layer<T>& layer = layers_[static_cast<std::size_t>(k)];
  for (int v = 0; v < kVectors; ++v)
    if (layer.vectors[v].values) use(layer.vectors[v], kLearned[kFirstVector + v].subtracted && shape_.bias_sign > 0);
}

// use(first column, columns, columns rounded up to vectors) for every panel, by threads where there is much to copy.
template <class T>
template <class Use>
void Packed<T>::each_panel(std::int64_t rows, std::int64_t columns, int n_threads, Use use) const {
  constexpr std::int64_t worth_a_thread = 1 << 17;
  const std::int64_t n_panels = (columns + kernels_.panel - 1) / kernels_.panel;
  const int threads = static_cast<int>(std::clamp<std::int64_t>(rows * columns / worth_a_thread, 1, n_threads));
  in_parallel(threads, [&](int thread, int n) {
    for (std::int64_t p = share(n_panels, thread, n); p < share(n_panels, thread + 1, n); ++p) {
      const std::int64_t first = p * kernels_.panel, here = std::min<std::int64_t>(kernels_.panel, columns - first);
      use(first, here, padded(here));
    }
  });
}

template <class T>
void Packed<T>::pack_panels(int k, const T* from, T* to, int n_threads) const {
  const std::int64_t n_in = shape_.n_in(k), n_out = shape_.n_out(k);
  each_panel(n_in, n_out, n_threads, [&](std::int64_t n0, std::int64_t columns, std::int64_t band) {
    for (std::int64_t i = 0; i < n_in; ++i) {
      T* row = to + n0 * n_in + i * band;
      std::memcpy(row, from + i * n_out + n0, static_cast<std::size_t>(columns) * sizeof(T));
      for (std::int64_t j = columns; j < band; ++j) row[j] = T(0);
    }
  });
}

template <class T>
void Packed<T>::unpack_panels(int k, const T* from, T* to, int n_threads) const {
  const std::int64_t n_in = shape_.n_in(k), n_out = shape_.n_out(k);
  each_panel(n_in, n_out, n_threads, [&](std::int64_t n0, std::int64_t columns, std::int64_t band) {
    for (std::int64_t i = 0; i < n_in; ++i)
      std::memcpy(to + i * n_out + n0, from + n0 * n_in + i * band, static_cast<std::size_t>(columns) * sizeof(T));
  });
}

// Whether the weights of a layer are these, bit by bit.
template <class T>
bool Packed<T>::holds_panels(int k, const T* from, int n_threads) const {
  const std::int64_t n_in = shape_.n_in(k), n_out = shape_.n_out(k);
  const T* weights = layers_[static_cast<std::size_t>(k)].weights;
  std::atomic<bool> same{true};
  each_panel(n_in, n_out, n_threads, [&](std::int64_t n0, std::int64_t columns, std::int64_t band) {
    for (std::int64_t i = 0; i < n_in && same.load(std::memory_order_relaxed); ++i)
      if (std::memcmp(weights + n0 * n_in + i * band, from + i * n_out + n0,
                      static_cast<std::size_t>(columns) * sizeof(T)) != 0)
        same.store(false, std::memory_order_relaxed);
  });
  return same;
}

template <class T>
void Packed<T>::pack_transposed(int k, const T* from, int n_threads) const {
  const Layer<T>& layer = layers_[static_cast<std::size_t>(k)];
  const std::int64_t n_in = layer.n_in, n_out = layer.n_out;
  constexpr std::int64_t line = 64 / sizeof(T),
                         few = 4;  // few rows: those of a square matrix fall into the same cache sets
  each_panel(n_out, n_in, n_threads, [&](std::int64_t p0, std::int64_t rows, std::int64_t band) {
    T* const panel = layer.transposed + p0 * n_out;
    for (std::int64_t n0 = 0; n0 < n_out; n0 += line)
      for (std::int64_t i0 = 0; i0 < band; i0 += few)
        for (std::int64_t n = n0; n < std::min(n0 + line, n_out); ++n)
          for (std::int64_t i = i0; i < std::min(i0 + few, band); ++i)
            panel[n * band + i] = i < rows ? from[(p0 + i) * n_out + n] : T(0);
  });
}

// Both copies of a layer's weights in bfloat16 pairs, panels as in engine.hpp.
template <class T>
void Packed<T>::pack_pairs(int k, const T* from) const {
  const Layer<T>& layer = layers_[static_cast<std::size_t>(k)];
  const std::int64_t n_in = layer.n_in, n_out = layer.n_out;
  const auto weight = [&](std::int64_t i, std::int64_t j) {
    return i < n_in && j < n_out ? static_cast<float>(from[i * n_out + j]) : 0.0f;
  };
  const auto place = [this](std::int64_t step, std::int64_t column, std::int64_t n_steps, std::int64_t n_columns) {
    const std::int64_t first = column / kernels_.panel * kernels_.panel;
    const std::int64_t band = padded(std::min<std::int64_t>(kernels_.panel, n_columns - first));
    return first * n_steps + step * band + column - first;
  };
  const std::int64_t in_steps = (n_in + 1) / 2, out_steps = (n_out + 1) / 2;
  for (std::int64_t i = 0; i < n_in; i += 2)
    for (std::int64_t j = 0; j < n_out; ++j)
      layer.weight_pairs[place(i / 2, j, in_steps, n_out)] = static_cast<T>(pair(weight(i, j), weight(i + 1, j)));
  if (!layer.transposed_pairs) return;
  for (std::int64_t i = 0; i < n_in; ++i)
    for (std::int64_t j = 0; j < n_out; j += 2)
      layer.transposed_pairs[place(j / 2, i, out_steps, n_in)] = static_cast<T>(pair(weight(i, j), weight(i, j + 1)));
}

template <class T>
void Packed<T>::pack(const T* parameters, int n_threads) {
  constexpr std::int64_t worth_a_look = 1 << 12;  // weights; to copy fewer takes no longer than to compare them
  for (int k = 0; k < shape_.n_layers(); ++k) {
    const Layer<T>& layer = layers_[static_cast<std::size_t>(k)];
    const T* from = parameters + layer.at;
    if (!packed_ || layer.n_in * layer.n_out < worth_a_look || !holds_panels(k, from, n_threads)) {
      pack_panels(k, from, layer.weights, n_threads);
      if (kernels_.pairs) pack_pairs(k, from);
      if (layer.transposed) pack_transposed(k, from, n_threads);
    }
    each_vector(k, [&](const LearnedVector<T>& vector, bool negate) {
      const T* from = parameters + vector.at;
      for (std::int64_t j = 0; j < layer.n_out; ++j) vector.values[j] = negate ? -from[j] : from[j];
    });
  }
  inputs_.pack(parameters);
  packed_ = true;
}

template <class T>
void Packed<T>::unpack(T* parameters, int n_threads) const {
  for (int k = 0; k < shape_.n_layers(); ++k) {
    const Layer<T>& layer = layers_[static_cast<std::size_t>(k)];
    unpack_panels(k, layer.weights, parameters + layer.at, n_threads);
    each_vector(k, [&](const LearnedVector<T>& vector, bool negate) {
      T* to = parameters + vector.at;
      for (std::int64_t j = 0; j < layer.n_out; ++j) to[j] = negate ? -vector.values[j] : vector.values[j];
    });
  }
  inputs_.unpack(parameters);
}

template <class T>
void Packed<T>::pack_moment(int which, bool signed_, const T* flat) {
  for (int k = 0; k < shape_.n_layers(); ++k) {
    const Layer<T>& layer = layers_[static_cast<std::size_t>(k)];
    pack_panels(k, flat + layer.at, layer.moments[which]);
    each_vector(k, [&](const LearnedVector<T>& vector, bool negate) {
      const T* from = flat + vector.at;
      T* to = vector.moments[which];
      for (std::int64_t j = 0; j < layer.n_out; ++j) to[j] = negate && signed_ ? -from[j] : from[j];
    });
  }
  inputs_.pack_moment(which, flat);
}

template <class T>
void Packed<T>::unpack_moment(int which, bool signed_, T* flat) const {
  for (int k = 0; k < shape_.n_layers(); ++k) {
    const Layer<T>& layer = layers_[static_cast<std::size_t>(k)];
    unpack_panels(k, layer.moments[which], flat + layer.at);
    each_vector(k, [&](const LearnedVector<T>& vector, bool negate) {
      const T* from = vector.moments[which];
      T* to = flat + vector.at;
      for (std::int64_t j = 0; j < layer.n_out; ++j) to[j] = negate && signed_ ? -from[j] : from[j];
    });
  }
  inputs_.unpack_moment(which, flat);
}

template <class T>
void Packed<T>::fill_moment(int which, T value) {
  for (const Layer<T>& layer : layers_) {
    std::fill_n(layer.moments[which], layer.n_in * padded(layer.n_out), value);
    for (const LearnedVector<T>& vector : layer.vectors)
      if (vector.values) std::fill_n(vector.moments[which], padded(layer.n_out), value);
  }
  inputs_.fill_moment(which, value);
}

template <class T>
Batch<T>::Batch(const Shape& shape, const Kernels<T>& kernels, std::int64_t rows, bool backward, bool sparse,
                bool zeroed) {
  const auto line = static_cast<std::int64_t>(64 / sizeof(T));
  const std::int64_t unit = kernels.pairs ? 2 * line : line;  // pairs have half the stride
  stride_ = round_up((kernels.pairs ? round_up(rows, 2) : rows) * kernels.panel, unit);
  if (stride_ * static_cast<std::int64_t>(sizeof(T)) % 1024 == 0) stride_ += 3 * unit;  // panels in other cache sets
  const auto panels = [&](std::int64_t width) { return (width + kernels.panel - 1) / kernels.panel * stride_; };
  zeroed = zeroed || kernels.pairs;
  const auto pairs = [&](std::int64_t size) { return kernels.pairs ? Buffer<T>(size / 2) : Buffer<T>(); };
  if (!sparse) {
    input_ = Buffer<T>(panels(shape.n_in(0)), zeroed);
    input_pairs_ = pairs(panels(shape.n_in(0)));
  }
  if (shape.n_inputs() > 0) {
    std::int64_t n_columns = 0;
    for (const InputLayer& layer : shape.inputs)
      if (layer.kind != InputKind::numbers) n_columns += static_cast<std::int64_t>(layer.columns.size());
    column_stride_ = round_up(rows, line) + line;
    columns_ = Buffer<T>(n_columns * column_stride_);
    if (shape.inputs.back().kind == InputKind::scale) raw_ = Buffer<T>(panels(shape.n_in(0)));
    if (backward) input_delta_ = Buffer<T>(panels(shape.n_in(0)));
  }
  for (int k = 0; k < shape.n_layers(); ++k) {
    const std::int64_t size = panels(shape.n_out(k));
    const auto allocate_if = [&](bool wanted, std::int64_t n) {
      return wanted ? buffers_.emplace_back(n, zeroed).get() : nullptr;
    };
    const bool alphas = shape.has(kAlpha, k);
    const bool keeps = alphas || kernels.keeps_net(shape.activations[static_cast<std::size_t>(k)]);
    const bool norm = backward && shape.has(kGain, k), residual = backward && shape.has_residual(k);
    const bool dropout = backward && shape.dropout(k) > 0, hidden = k + 1 < shape.n_layers();
    LayerBatch<T> layer{};
    layer.output = allocate_if(true, size);
    layer.net = allocate_if(keeps, size);
    layer.delta = allocate_if(backward, size);
    layer.value = allocate_if(alphas ? backward : !keeps && (residual || dropout), size);
    layer.mask = allocate_if(dropout, size);
    layer.normalized = allocate_if(norm, size);
    layer.row_scale = allocate_if(norm, rows);
    layer.norm_delta = allocate_if(norm, size);
    layer.gradients[kGain] = {layer.norm_delta, layer.normalized};
    layer.gradients[kShift] = {layer.norm_delta, nullptr};
    for (int v = kShift + 1; v < kVectors; ++v)
      layer.gradients[v].of_row = allocate_if(backward && shape.has(static_cast<Vector>(v), k), size);
    layer.output_gradient = allocate_if(residual, size);
    layer.output_pairs = allocate_if(kernels.pairs && hidden, size / 2);
    layer.delta_pairs = allocate_if(kernels.pairs, size / 2);
    layers_.push_back(layer);
  }
}

template <class T>
std::vector<Layer<T>> Batch<T>::attach(std::vector<Layer<T>> layers) const {
  for (std::size_t k = 0; k < layers.size(); ++k) static_cast<LayerBatch<T>&>(layers[k]) = layers_[k];
  return layers;
}

template <class T>
void Batch<T>::attach(StepInputs<T>& inputs) const {
  inputs.columns = columns_.get();
  inputs.column_stride = column_stride_;
  inputs.raw = raw_.get() ? raw_.get() : input_.get();
  inputs.delta = input_delta_.get();
}

template class Packed<float>;
template class Packed<double>;
template class Batch<float>;
template class Batch<double>;

}  // namespace chainrule
