#include "derivatives.hpp"

#include <cmath>
#include <stdexcept>

#include "row_shares.hpp"

namespace chainrule {

namespace {

// Fills what `wanted` points to; `passes` through the network are taken for each row.
template <class T>
void derive(const Shape& shape, const Kernels<T>& kernels, const T* parameters, const Data<T>& data, int n_threads,
            const RowDerivatives<T>& wanted, double passes) {
  if (shape.loss == Loss::custom && !wanted.jacobian && !wanted.cotangents)
    throw std::invalid_argument(
        "a loss that is a Python function is one number for a batch: it has no derivatives row by row");
  const bool to_input = wanted.by_input || wanted.jacobian;
  std::vector<double> row_loss(static_cast<std::size_t>(data.n_samples));
  share_rows(shape, kernels, parameters, data, n_threads, to_input ? Way::to_input : Way::backward, passes,
             row_loss.data(), nullptr, [&](Step<T>& step, std::int64_t begin, std::int64_t end) {
               step.data.sample_weight = nullptr;
               const Buffer<T> scratch(step.inputs.n_scratch);
               step.inputs.scratch = scratch.get();
               const std::int64_t panels = to_input ? (shape.n_in(0) + kernels.panel - 1) / kernels.panel : 0;
               const Buffer<T> input_delta(panels * step.batch.stride);
               RowDerivatives<T> mine = wanted;
               mine.input_delta = input_delta.get();
               kernels.derive_rows(step, mine, begin, end);
             });
}

}  // namespace

template <class T>
void input_gradients(const Shape& shape, const Kernels<T>& kernels, const T* parameters, const Data<T>& data,
                     const T* cotangents, T* out, int n_threads) {
  RowDerivatives<T> wanted{};
  wanted.cotangents = cotangents;
  wanted.by_input = out;
  derive(shape, kernels, parameters, data, n_threads, wanted, 2);
}

template <class T>
void jacobian(const Shape& shape, const Kernels<T>& kernels, const T* parameters, const Data<T>& data, T* out,
              int n_threads) {
  RowDerivatives<T> wanted{};
  wanted.jacobian = out;
  derive(shape, kernels, parameters, data, n_threads, wanted, 1 + static_cast<double>(shape.sizes.back()));
}

template <class T>
void per_sample_gradients(const Shape& shape, const Kernels<T>& kernels, const T* parameters, const Data<T>& data,
                          T* out, int n_threads) {
  RowDerivatives<T> wanted{};
  wanted.by_parameters = out;
  wanted.n_parameters = shape.n_parameters();
  wanted.bias_sign = static_cast<T>(shape.bias_sign);
  derive(shape, kernels, parameters, data, n_threads, wanted, 3);
}

template <class T>
void per_sample_gradient_norms(const Shape& shape, const Kernels<T>& kernels, const T* parameters, const Data<T>& data,
                               T* out, int n_threads) {
  std::vector<double> squares(static_cast<std::size_t>(data.n_samples));
  RowDerivatives<T> wanted{};
  wanted.squared_norms = squares.data();
  derive(shape, kernels, parameters, data, n_threads, wanted, 2);
  for (std::size_t i = 0; i < squares.size(); ++i) out[i] = static_cast<T>(std::sqrt(squares[i]));
}

#define CHAINRULE_INSTANTIATE(T)                                                                               \
  template void input_gradients(const Shape&, const Kernels<T>&, const T*, const Data<T>&, const T*, T*, int); \
  template void jacobian(const Shape&, const Kernels<T>&, const T*, const Data<T>&, T*, int);                  \
  template void per_sample_gradients(const Shape&, const Kernels<T>&, const T*, const Data<T>&, T*, int);      \
  template void per_sample_gradient_norms(const Shape&, const Kernels<T>&, const T*, const Data<T>&, T*, int);
CHAINRULE_INSTANTIATE(float)
CHAINRULE_INSTANTIATE(double)

}  // namespace chainrule
