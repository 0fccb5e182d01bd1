// A loss outside the engine sees the whole batch at once, so the rows phase is in two halves: outputs, and from dE/dy on.

namespace {

template <class T>
void rows_forward(const Step<T>& s, int64_t begin, int64_t end) {
  const Layer<T>& layer = s.layers[s.n_layers - 1];
  for (int64_t r0 = begin; r0 < end; r0 += s.batch.row_block) {
    const int64_t r1 = smaller(end, r0 + s.batch.row_block);
    gather_rows(s, r0, r1, r0);
    for (int k = 0; k < s.n_layers; ++k) layer_forward(s, k, r0, r1, r0);
    for (int64_t r = r0; r < r1; ++r) {
      const OutputRow<T> row(layer, s.batch.stride, r);
      activate_output_row(layer, row);
      scatter_row(row.y, layer.n_out, s.loss.predictions + r * layer.n_out);
    }
  }
}

template <class T>
void rows_backward(const Step<T>& s, int64_t begin, int64_t end) {
  const Layer<T>& layer = s.layers[s.n_layers - 1];
  const Vec<T> n_rows = broadcast(static_cast<T>(s.batch.n_rows));  // the weights phase divides by it
  constexpr int w = Simd<T>::width;
  for (int64_t r0 = begin; r0 < end; r0 += s.batch.row_block) {
    const int64_t r1 = smaller(end, r0 + s.batch.row_block);
    for (int64_t r = r0; r < r1; ++r) {
      const OutputRow<T> row(layer, s.batch.stride, r);
      const T* gradient = s.loss.output_gradient + r * layer.n_out;
      for (int64_t v = 0; v < vectors<T>(layer.n_out); ++v) {
        const int64_t left = layer.n_out - v * w;
        store(row.delta(v), (left >= w ? load(gradient + v * w) : load_first(gradient + v * w, left)) * n_rows);
      }
      output_backward_row(s, layer, row);
    }
    backward(s, r0, r1);
    pair_block(s, r0, r1);
  }
}

}  // namespace
