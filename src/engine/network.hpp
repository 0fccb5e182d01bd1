// Outputs and losses of a network.
#pragma once

#include "data.hpp"
#include "shape.hpp"

namespace chainrule {

// One row, (n_1,) -> (n_out,), straight from the flat parameters (readable 64 bytes beyond their end).
template <class T>
void forward_row(const Shape&, const Kernels<T>&, const T* parameters, const T* x, T* out);

template <class T>
class KeptRows;  // a workspace for the next call: row_shares.hpp

// Outputs of all rows, (n_samples, n_out).
template <class T>
void predict(const Shape&, const Kernels<T>&, const T* parameters, const Data<T>&, T* out, int n_threads,
             KeptRows<T>* kept = nullptr);

// Weighted mean loss of all rows.
template <class T>
double evaluate(const Shape&, const Kernels<T>&, const T* parameters, const Data<T>&, int n_threads,
                KeptRows<T>* kept = nullptr);

}  // namespace chainrule
