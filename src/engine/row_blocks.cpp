#include "row_blocks.hpp"

#include <algorithm>

#include "counter.hpp"

namespace chainrule {

namespace {

template <class T>
void move(T*& matrix, std::int64_t by) {
  if (matrix) matrix += by;
}

// Batch matrices that begin at another row: `elements` further on, one number per row `rows` further on.
template <class T>
void shift(LayerBatch<T>& batch, std::int64_t elements, std::int64_t rows) {
  for (T** matrix : {&batch.output, &batch.net, &batch.delta, &batch.value, &batch.mask, &batch.normalized,
                     &batch.norm_delta, &batch.output_gradient})
    move(*matrix, elements);
  move(batch.row_scale, rows);
  for (auto& gradient : batch.gradients) {
    move(gradient.of_row, elements);
    move(gradient.factor, elements);
  }
}

// Whether anything of a layer changes.
template <class T>
bool learns(const Layer<T>& layer) {
  return layer.factors.rate != T(0) || std::ranges::any_of(layer.vectors, [](const LearnedVector<T>& vector) {
           return vector.values && vector.factors.rate != T(0);
         });
}
template <class T>
bool learns(const InputPiece<T>& piece) {
  return piece.learned.values && piece.learned.factors.rate != T(0);
}

}  // namespace

template <class T>
RowBlocks<T>::RowBlocks(int n_blocks, const Kernels<T>& kernels, const std::vector<Layer<T>>& layers,
                        const StepInputs<T>& inputs, int gradient_slot, int most_threads, bool sparse,
                        std::int64_t entries)
    : n_blocks_(n_blocks),
      kernels_(kernels),
      layers_(layers),
      pieces_(inputs.pieces, inputs.pieces + inputs.n_pieces),
      shares_(inputs.shares),
      slot_(gradient_slot),
      entries_(entries),
      own_(static_cast<std::size_t>(most_threads)) {
  const auto allocate = [this](std::int64_t n) { return buffers_.emplace_back(n).get(); };
  const int depth = static_cast<int>(std::bit_width(static_cast<unsigned>(n_blocks - 1)));
  for (int d = 0; d <= depth; ++d) {
    std::vector<Sums>& sums = sums_.emplace_back();
    for (const Layer<T>& layer : layers_) {
      const std::int64_t padded = round_up(layer.n_out, kernels.width);
      Sums of_layer{d == 0 ? layer.moments[slot_] : allocate(layer.n_in * padded), {}};
      for (int v = 0; v < kVectors; ++v)
        if (layer.vectors[v].values) of_layer.vectors[v] = d == 0 ? layer.vectors[v].moments[slot_] : allocate(padded);
      sums.push_back(of_layer);
    }
    std::vector<T*>& of_inputs = input_sums_.emplace_back();
    for (const InputPiece<T>& piece : pieces_) {
      const LearnedVector<T>& learned = piece.learned;
      of_inputs.push_back(d == 0 || !learned.values ? learned.moments[slot_]
                                                    : allocate(round_up(learned.size, kernels.width) + kernels.width));
    }
  }
  for (Own& own : own_) {
    own.layers = layers_;
    own.pieces = pieces_;
    own.columns.resize(static_cast<std::size_t>(n_blocks));
    if (!sparse) continue;
    own.begin.resize(static_cast<std::size_t>((layers_[0].n_in + 1) * n_blocks));
    own.row.resize(static_cast<std::size_t>(entries));
    own.value.resize(static_cast<std::size_t>(entries));
  }
}

template <class T>
void RowBlocks<T>::begin(int thread, const std::int64_t* bounds) {
  Own& own = own_[static_cast<std::size_t>(thread)];
  own.bounds = bounds;
  if (own.begin.empty()) return;
  const std::int64_t each = entries_ / std::max<std::int64_t>(own.first(n_blocks_), 1);
  for (int b = 0; b < n_blocks_; ++b) {
    const std::int64_t at = own.first(b) * each;
    own.columns[static_cast<std::size_t>(b)] = {own.begin.data() + b * (layers_[0].n_in + 1), own.row.data() + at,
                                                own.value.data() + at, false};
  }
}

// The step as a block sees it: its own rows, from position 0 on.
template <class T>
Step<T> RowBlocks<T>::part(Own& own, const Step<T>& s, int block) {
  const std::int64_t first = own.first(block), by = first - own.shifted;
  if (by != 0)
    for (Layer<T>& layer : own.layers) shift<T>(layer, by * kernels_.panel, by);
  own.shifted = first;
  Step<T> part = s;
  part.layers = own.layers.data();
  part.batch.order += first;
  for (T** matrix : {&part.batch.input, &part.inputs.raw, &part.inputs.delta}) move(*matrix, first * kernels_.panel);
  move(part.inputs.columns, first);
  part.inputs.pieces = own.pieces.data();
  part.loss.of_rows += first;
  if (part.loss.predictions) {
    const std::int64_t at = first * layers_.back().n_out;
    part.loss.predictions += at;
    part.loss.output_gradient += at;
  }
  part.dropout_key = block_key(s.dropout_key, block);
  return part;
}

template <class T>
void RowBlocks<T>::rows(int thread, const Step<T>& s, std::int64_t begin, std::int64_t end, RowsPhase phase) {
  Own& own = own_[static_cast<std::size_t>(thread)];
  for (int b = 0; b < n_blocks_; ++b) {
    const std::int64_t first = std::max(begin, own.first(b)), last = std::min(end, own.first(b + 1));
    if (first < last) phase(part(own, s, b), first - own.first(b), last - own.first(b));
  }
}

template <class T>
void RowBlocks<T>::sum(int thread, const Step<T>& s, const Places& places, int begin, int end) {
  if (sum_blocks(own_[static_cast<std::size_t>(thread)], s, places, begin, end, 0)) return;
  each_band(places, 0, [](T* sums, const T*, std::int64_t n) { std::fill_n(sums, n, T(0)); });
}

// The sum of blocks begin .. end into the sums of this depth. False: they have no rows.
template <class T>
bool RowBlocks<T>::sum_blocks(Own& own, const Step<T>& s, const Places& places, int begin, int end, int depth) {
  if (end - begin > 1) {
    const int middle = middle_block(begin, end);
    const bool left = sum_blocks(own, s, places, begin, middle, depth);
    const bool right = sum_blocks(own, s, places, middle, end, depth + left);
    if (left && right) add(places, depth);
    return left || right;
  }
  const std::int64_t n_rows = own.first(end) - own.first(begin);
  if (n_rows == 0) return false;
  Step<T> block = part(own, s, begin);
  block.batch.n_rows = n_rows;
  block.rule.optimizer = Optimizer::gradient;
  block.rule.stage = Stage::whole;
  block.rule.accumulate = block.rule.summed = false;
  block.sums = {};
  aim(own, depth);
  for (const TileRange& range : places.ranges)
    if (learns(own.layers[static_cast<std::size_t>(range.layer)]))
      kernels_.weights_phase(block, &range, 1, &own.columns[static_cast<std::size_t>(begin)]);
  for (std::int64_t q = places.first; q < places.last; ++q)
    if (learns(own.pieces[static_cast<std::size_t>(shares_[q].piece)])) kernels_.inputs_phase(block, q, q + 1);
  return true;
}

// Lets the gradient go to the sums of a depth.
template <class T>
void RowBlocks<T>::aim(Own& own, int depth) const {
  for (std::size_t k = 0; k < layers_.size(); ++k) {
    const Sums& sums = sums_[static_cast<std::size_t>(depth)][k];
    own.layers[k].moments[slot_] = sums.weights;
    for (int v = 0; v < kVectors; ++v) own.layers[k].vectors[v].moments[slot_] = sums.vectors[v];
  }
  for (std::size_t p = 0; p < own.pieces.size(); ++p)
    own.pieces[p].learned.moments[slot_] = input_sums_[static_cast<std::size_t>(depth)][p];
}

// Adds the sums of the next depth to those of this one.
template <class T>
void RowBlocks<T>::add(const Places& places, int depth) const {
  each_band(places, depth, [](T* sums, const T* others, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) sums[i] += others[i];
  });
}

// use(sums of this depth, those of the next, n) for all numbers of the tiles, of the vectors above them, and of the inputs.
template <class T>
template <class Use>
void RowBlocks<T>::each_band(const Places& places, int depth, Use use) const {
  const std::size_t d = static_cast<std::size_t>(depth), next = std::min(d + 1, sums_.size() - 1);
  const auto &here = sums_[d], &below = sums_[next];
  for (std::int64_t q = places.first; q < places.last; ++q) {
    const auto p = static_cast<std::size_t>(shares_[q].piece);
    const std::int64_t first = shares_[q].first;
    if (learns(pieces_[p])) use(input_sums_[d][p] + first, input_sums_[next][p] + first, shares_[q].last - first);
  }
  for (const TileRange& range : places.ranges) {
    const auto k = static_cast<std::size_t>(range.layer);
    const Layer<T>& layer = layers_[k];
    if (!learns(layer)) continue;
    const std::int64_t tiles = (layer.n_in + kernels_.tile_rows - 1) / kernels_.tile_rows;
    for (std::int64_t t = range.first; t < range.last;) {
      const std::int64_t panel = t / tiles, first = t - panel * tiles,
                         last = std::min(tiles, range.last - panel * tiles);
      const std::int64_t n0 = panel * kernels_.panel;
      const std::int64_t band = round_up(std::min<std::int64_t>(kernels_.panel, layer.n_out - n0), kernels_.width);
      const std::int64_t at = n0 * layer.n_in + first * kernels_.tile_rows * band;
      const std::int64_t end = n0 * layer.n_in + std::min(last * kernels_.tile_rows, layer.n_in) * band;
      use(here[k].weights + at, below[k].weights + at, end - at);
      if (first == 0)
        for (int v = 0; v < kVectors; ++v)
          if (here[k].vectors[v]) use(here[k].vectors[v] + n0, below[k].vectors[v] + n0, band);
      t += last - first;
    }
  }
}

template class RowBlocks<float>;
template class RowBlocks<double>;

}  // namespace chainrule
