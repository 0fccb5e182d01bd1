// Derivatives of each row by itself; what `Differentiator` sums over the rows stays apart here. The losses are those of
// the rows, not their mean: sample weights and divisors play no part.
#pragma once

#include "data.hpp"
#include "shape.hpp"

namespace chainrule {

// (n_samples, n_features): of each row's loss by its input; or, with `cotangents` (n_samples, n_out), of
// cotangents . yhat.
template <class T>
void input_gradients(const Shape&, const Kernels<T>&, const T* parameters, const Data<T>&, const T* cotangents, T* out,
                     int n_threads);

// (n_samples, n_out, n_features): of every output by the input.
template <class T>
void jacobian(const Shape&, const Kernels<T>&, const T* parameters, const Data<T>&, T* out, int n_threads);

// (n_samples, n_parameters): of each row's loss by the parameters, laid out and signed as they are.
template <class T>
void per_sample_gradients(const Shape&, const Kernels<T>&, const T* parameters, const Data<T>&, T* out, int n_threads);

// (n_samples,): Euclidean norms of those rows, without the rows.
template <class T>
void per_sample_gradient_norms(const Shape&, const Kernels<T>&, const T* parameters, const Data<T>&, T* out,
                               int n_threads);

}  // namespace chainrule
