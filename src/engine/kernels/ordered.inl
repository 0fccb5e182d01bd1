// `ordered`: outputs that cannot cross, y_1 = net_1 and y_j = y_{j-1} + softplus(net_j) in each group of outputs.

namespace {

template <class T>
CHAINRULE_INLINE T& element(RowOf<T> row, int64_t j) {
  return row(j / Simd<T>::width)[j % Simd<T>::width];
}

// In place. `slope`, where there is room for it, becomes dy_i/dnet_j for i >= j: 1 for the first of a group, else
// sigmoid(net_j).
template <class T>
void ordered_row(int64_t n_out, int64_t group, RowOf<T> y_of, RowOf<T> slope_of) {
  for (int64_t v = 0; v < vectors<T>(n_out); ++v) {
    const Vec<T> net = load(y_of(v));
    Vec<T> step = softplus<T>(net), slope = sigmoid<T>(net);
    for (int i = 0; i < Simd<T>::width; ++i)
      if ((v * Simd<T>::width + i) % group == 0) step[i] = net[i], slope[i] = 1;
    store(y_of(v), step);
    if (slope_of.base) store(slope_of(v), as_factor<T>(slope));
  }
  for (int64_t j = 1; j < n_out; ++j)
    if (j % group) element(y_of, j) += element(y_of, j - 1);
}

// The Jacobian is lower triangular: suffix sums of dE/dy, times the slopes.
template <class T>
void ordered_backward_row(const Step<T>& s, int64_t n_out, int64_t group, RowOf<T> slope_of, RowOf<T> delta_of) {
  T sum = 0;
  for (int64_t j = n_out - 1; j >= 0; --j) {
    sum += element(delta_of, j);
    element(delta_of, j) = sum * element(slope_of, j);
    if (j % group == 0) sum = 0;
  }
  for (int64_t v = 0; v < vectors<T>(n_out); ++v) store(delta_of(v), as_delta(s, load(delta_of(v))));
}

}  // namespace
