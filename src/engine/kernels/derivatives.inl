// Derivatives of each row by itself: by its input (E5 carried past the first layer), of the loss or of every output,
// and of its own loss by every parameter (E6 of one row), or only the norm of that.

namespace {

using chainrule::RowDerivatives;

// delta = (dyhat/dnet)^T g of an output row, where g(v) is a vector of dE/dyhat.
template <class T, class G>
CHAINRULE_INLINE void output_delta(const Step<T>& s, const Layer<T>& layer, OutputRow<T> row, G g) {
  for (int64_t v = 0; v < vectors<T>(layer.n_out); ++v) store(row.delta(v), keep_valid<T>(g(v), v, layer.n_out));
  output_backward_row(s, layer, row);
}

template <class T>
double sum_of_squares(RowOf<T> row, int64_t n) {  // in double: squares leave float's range early
  double sum = 0;
  for (int64_t n0 = 0; n0 < n; n0 += kPanel<T>) {
    const T* x = row(n0 / Simd<T>::width);
    for (int64_t i = 0; i < smaller(kPanel<T>, n - n0); ++i)
      sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  }
  return sum;
}

// use(i, x_i) for the elements of row r that may not be zero: r0 is the first row in the batch matrices.
template <class T, class Use>
CHAINRULE_INLINE void each_input(const Step<T>& s, int k, int64_t r, int64_t r0, Use use) {
  if (k == 0 && s.data.values) {
    const auto entries = [&](auto* indices, auto* indptr) {
      for (auto e = indptr[s.batch.order[r]]; e < indptr[s.batch.order[r] + 1]; ++e)
        use(static_cast<int64_t>(indices[e]), s.data.values[e]);
    };
    if (s.data.wide_indices)
      entries(static_cast<const int64_t*>(s.data.indices), static_cast<const int64_t*>(s.data.indptr));
    else
      entries(static_cast<const std::int32_t*>(s.data.indices), static_cast<const std::int32_t*>(s.data.indptr));
    return;
  }
  const T* x = (k == 0 ? s.batch.input : s.layers[k - 1].output) + (r - r0) * kPanel<T>;
  for (int64_t i = 0; i < s.layers[k].n_in; ++i) use(i, x[i / kPanel<T> * s.batch.stride + i % kPanel<T>]);
}

// use(vector, row) for the derivatives by each vector but the bias, of the row whose first element is at `place`, once
// for a row: where they are products, these are written over the factor.
template <class T, class Use>
CHAINRULE_INLINE void each_vector_gradient(const Step<T>& s, const Layer<T>& layer, int64_t place, Use use) {
  for (int v = kBias + 1; v < chainrule::kVectors; ++v) {
    if (!layer.vectors[v].values) continue;
    const RowOf<T> of_row{layer.gradients[v].of_row + place, s.batch.stride};
    if (!layer.gradients[v].factor) {
      use(layer.vectors[v], of_row);
      continue;
    }
    const RowOf<T> product{layer.gradients[v].factor + place, s.batch.stride};
    for (int64_t i = 0; i < vectors<T>(layer.n_out); ++i) store(product(i), load(product(i)) * load(of_row(i)));
    use(layer.vectors[v], product);
  }
}

// ||dE/dW_k||^2 = ||x_k||^2 ||delta_k||^2 for one row, because dE/dW_k = x_k^T delta_k; nothing is multiplied out.
// Source: Goodfellow, "Efficient per-example gradient computations" (2015).
template <class T>
double squared_norm(const Step<T>& s, int64_t r, int64_t r0) {
  double total = 0;
  for (int k = 0; k < s.n_layers; ++k) {
    const Layer<T>& layer = s.layers[k];
    const RowOf<T> delta{layer.delta + (r - r0) * kPanel<T>, s.batch.stride};
    double inputs = 1;  // the bias' own
    each_input(s, k, r, r0, [&](int64_t, T x) { inputs += static_cast<double>(x) * static_cast<double>(x); });
    total += inputs * sum_of_squares(delta, layer.n_out);
    each_vector_gradient(s, layer, (r - r0) * kPanel<T>, [&](const LearnedVector<T>&, RowOf<T> gradient) {
      total += sum_of_squares(gradient, layer.n_out);
    });
  }
  each_input_gradient(s, r - r0, static_cast<T*>(nullptr),
                      [&](const InputPiece<T>&, int64_t, const T* gradient, int64_t count) {
                        for (int64_t i = 0; i < count; ++i)
                          total += static_cast<double>(gradient[i]) * static_cast<double>(gradient[i]);
                      });
  return total;
}

// What the input layers learn from one row, laid out as the parameters.
template <class T>
void input_gradient(const Step<T>& s, int64_t p, T* to) {
  each_input_gradient(s, p, static_cast<T*>(nullptr),
                      [&](const InputPiece<T>& piece, int64_t from, const T* gradient, int64_t count) {
                        const auto copy = [&](T* into, int64_t n) {
                          __builtin_memcpy(into, gradient, static_cast<std::size_t>(n) * sizeof(T));
                          gradient += n;
                        };
                        if (piece.kind == InputKind::categories)
                          __builtin_memset(to + piece.at[0], 0, static_cast<std::size_t>(piece.sizes[0]) * sizeof(T));
                        if (piece.kind == InputKind::categories || piece.kind == InputKind::scale)
                          return copy(to + piece.at[0] + from, count);
                        for (int a = 0; a < chainrule::kInputArrays; ++a) copy(to + piece.at[a], piece.sizes[a]);
                      });
}

// E6 of one row and the derivatives by what else is learned, laid out as the parameters.
template <class T>
void parameter_gradient(const Step<T>& s, int64_t r, int64_t r0, T bias_sign, T* to) {
  constexpr int w = Simd<T>::width;
  for (int k = 0; k < s.n_layers; ++k) {
    const Layer<T>& layer = s.layers[k];
    const int64_t n_out = layer.n_out, place = (r - r0) * kPanel<T>;
    const RowOf<T> delta{layer.delta + place, s.batch.stride};
    T* weights = to + layer.at;
    if (k == 0 && s.data.values) __builtin_memset(weights, 0, static_cast<std::size_t>(layer.n_in * n_out) * sizeof(T));
    each_input(s, k, r, r0, [&](int64_t i, T x) {
      T* row = weights + i * n_out;
      for (int64_t v = 0; v < vectors<T>(n_out); ++v)
        store_first(row + v * w, broadcast(x) * load(delta(v)), smaller(w, n_out - v * w));
    });
    T* bias = to + layer.vectors[kBias].at;
    scatter_row(delta, n_out, bias);
    for (int64_t j = 0; j < n_out; ++j) bias[j] *= bias_sign;
    each_vector_gradient(s, layer, place, [&](const LearnedVector<T>& vector, RowOf<T> gradient) {
      scatter_row(gradient, n_out, to + vector.at);
    });
  }
  input_gradient(s, r - r0, to);
}

template <class T>
void derive_rows(const Step<T>& s, const RowDerivatives<T>& d, int64_t begin, int64_t end) {
  const Layer<T>&first = s.layers[0], &last = s.layers[s.n_layers - 1];
  const int64_t n_features = s.data.n_features;
  forward_blocks(s, begin, end, [&](int64_t r0, int64_t r1) {
    const int64_t n = r1 - r0;
    const auto row_of = [&](T* matrix, int64_t r) { return RowOf<T>{matrix + (r - r0) * kPanel<T>, s.batch.stride}; };
    const auto output_row_of = [&](int64_t r) { return OutputRow<T>(last, s.batch.stride, r - r0); };
    const auto back = [&] { backward(s, 0, n); };
    const auto back_to_input = [&](T* to, int64_t step) {  // row r to `to + r step`
      back();
      if (s.inputs.n_pieces > 0) {
        for (int64_t r = r0; r < r1; ++r) {
          T* row = to + r * step;
          for (int64_t i = 0; i < n_features; ++i) row[i] = T(0);
          each_input_gradient(s, r - r0, row, [](const InputPiece<T>&, int64_t, const T*, int64_t) {});
        }
        return;
      }
      multiply_rows(row_factor(s, first.delta, first.n_out, 0, n), first.n_out, first.transposed, d.input_delta,
                    first.n_in, s.batch, 0, n, [&](T* tile, int64_t place, int rows, int64_t, int n_vectors) {
                      if (!first.residual) return;
                      for (int i = 0; i < rows; ++i)  // E9
                        for (int j = 0; j < n_vectors; ++j) {
                          const int64_t q = i * kPanel<T> + j * Simd<T>::width;
                          store(tile + q, load(tile + q) + load(first.output_gradient + place + q));
                        }
                    });
      for (int64_t r = r0; r < r1; ++r) scatter_row(row_of(d.input_delta, r), first.n_in, to + r * step);
    };
    if (d.jacobian || d.cotangents)
      for (int64_t r = r0; r < r1; ++r) activate_output_row(last, output_row_of(r));
    else
      output_rows<T, true>(s, last, r0, r1, 0);
    if (d.cotangents)
      for (int64_t r = r0; r < r1; ++r)
        output_delta(s, last, output_row_of(r), [&](int64_t v) {
          const int64_t at = v * Simd<T>::width;
          return load_first(d.cotangents + r * last.n_out + at, smaller(Simd<T>::width, last.n_out - at));
        });
    if (d.jacobian)
      for (int64_t j = 0; j < last.n_out; ++j) {
        for (int64_t r = r0; r < r1; ++r)
          output_delta(s, last, output_row_of(r), [&](int64_t v) {
            const Vec<T> place = broadcast(static_cast<T>(j - v * Simd<T>::width));
            return iota<T>() == place ? broadcast(T(1)) : zeros<T>();
          });
        back_to_input(d.jacobian + j * n_features, last.n_out * n_features);
      }
    if (d.by_input) back_to_input(d.by_input, n_features);
    if (d.squared_norms || d.by_parameters) back();
    if (d.squared_norms)
      for (int64_t r = r0; r < r1; ++r) d.squared_norms[r] = squared_norm(s, r, r0);
    if (d.by_parameters)
      for (int64_t r = r0; r < r1; ++r) parameter_gradient(s, r, r0, d.bias_sign, d.by_parameters + r * d.n_parameters);
  });
}

}  // namespace
