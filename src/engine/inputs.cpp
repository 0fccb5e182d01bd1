#include "inputs.hpp"

#include <algorithm>
#include <cstring>

namespace chainrule {

namespace {

// Numbers of a table, and columns of x_1 in E11, that a thread learns at a time: whole vectors and panels of any
// instruction set.
constexpr std::int64_t kTableShare = 4096, kScaleShare = 192;

bool learns(InputKind kind) { return kind != InputKind::numbers; }

}  // namespace

template <class T>
std::vector<InputPiece<T>> input_pieces(const Shape& shape, const T* parameters, std::vector<T>& edges) {
  std::vector<std::vector<std::int64_t>> places(shape.inputs.size());
  for (const Place& place : shape.layout)
    if (place.of_input()) places[static_cast<std::size_t>(place.layer)].push_back(place.at);
  std::size_t n_edges = 0;
  for (const InputLayer& layer : shape.inputs) n_edges += layer.edges.size();
  edges.reserve(n_edges);  // pieces point into it
  std::vector<InputPiece<T>> pieces;
  std::int64_t slot = 0;
  for (std::size_t i = 0; i < shape.inputs.size(); ++i) {
    const InputLayer& layer = shape.inputs[i];
    InputPiece<T> piece{};
    piece.kind = layer.kind;
    piece.layer = static_cast<int>(i);
    piece.n_inner = layer.n_inner;
    piece.unit = layer.unit;
    if (layer.kind == InputKind::numbers) {  // neighboring columns together
      for (const std::int64_t column : layer.columns) {
        if (piece.n_columns > 0 && column == piece.column + piece.n_columns) {
          piece.n_units = ++piece.n_columns;
          continue;
        }
        if (piece.n_columns > 0) pieces.push_back(piece);
        piece.unit += piece.n_columns;
        piece.column = column;
        piece.n_units = piece.n_columns = 1;
      }
      pieces.push_back(piece);
      continue;
    }
    const bool scale = layer.kind == InputKind::scale, periodic = layer.kind == InputKind::periodic;
    const auto n_pieces = scale ? std::int64_t{1} : static_cast<std::int64_t>(layer.columns.size());
    piece.n_columns = 1;
    piece.n_units = layer.n_units / n_pieces;
    const std::int64_t n = layer.n_inner, each = layer.n_each;
    const std::int64_t sizes_of[][kInputArrays] = {
        {layer.n_units}, {n, n, n * each, each}, {n * each, each, each}, {n * each}};
    const auto& sizes = sizes_of[scale ? 0 : periodic ? 1 : layer.kind == InputKind::piecewise_linear ? 2 : 3];
    piece.edges = edges.data() + edges.size();
    for (const double edge : layer.edges) edges.push_back(static_cast<T>(edge));
    for (std::int64_t c = 0; c < n_pieces; ++c) {
      if (!scale) piece.column = layer.columns[static_cast<std::size_t>(c)], piece.slot = slot++;
      for (std::size_t a = 0; a < places[i].size(); ++a) {
        piece.sizes[a] = sizes[a];
        piece.at[a] = places[i][a] + c * sizes[a];
        piece.arrays[a] = parameters + piece.at[a];
        piece.learned.size += sizes[a];
      }
      pieces.push_back(piece);
      piece.learned.size = 0;
      piece.unit += piece.n_units;
    }
  }
  return pieces;
}

template <class T>
PackedInputs<T>::PackedInputs(const Shape& shape, int width, int n_moments, std::int64_t& n_squares) : width_(width) {
  const std::int64_t chunk = 32 / static_cast<std::int64_t>(sizeof(T));
  const auto allocate = [this](std::int64_t n) { return buffers_.emplace_back(n + width_).get(); };
  pieces_ = input_pieces<T>(shape, nullptr, edges_);
  for (std::size_t p = 0; p < pieces_.size(); ++p) {
    InputPiece<T>& piece = pieces_[p];
    if (!learns(piece.kind)) continue;
    const std::int64_t size = round_up(piece.learned.size, width);
    piece.learned.values = allocate(size);
    const T* at = piece.learned.values;
    for (int a = 0; a < kInputArrays; at += piece.sizes[a++]) piece.arrays[a] = at;
    for (int m = 0; m < n_moments; ++m) piece.learned.moments[m] = allocate(size);
    piece.learned.factors = Factors<T>{};
    piece.learned.penalty_offset = n_squares;
    n_squares += (piece.learned.size + chunk - 1) / chunk;
    if (piece.kind == InputKind::piecewise_linear) piece.below = allocate(piece.n_inner * piece.n_units);
    std::int64_t step = piece.learned.size;
    if (piece.kind == InputKind::scale) step = kScaleShare;
    if (piece.kind == InputKind::categories)  // whole rows that end with whole vectors
      step = std::max<std::int64_t>(kTableShare / piece.n_units / 64 * 64, 64) * piece.n_units;
    for (std::int64_t first = 0; first < piece.learned.size; first += step)
      shares_.push_back({static_cast<int>(p), first, std::min(first + step, piece.learned.size)});
  }
}

// use(array in the flat parameters, place in `learned`, how many) for each array.
template <class T>
template <class Use>
void PackedInputs<T>::each_array(Use use) const {
  for (const InputPiece<T>& piece : pieces_) {
    std::int64_t place = 0;
    for (int a = 0; a < kInputArrays && piece.sizes[a] > 0; place += piece.sizes[a++])
      use(piece, piece.at[a], place, static_cast<std::size_t>(piece.sizes[a]) * sizeof(T));
  }
}

template <class T>
void PackedInputs<T>::pack(const T* parameters) const {
  each_array([&](const InputPiece<T>& piece, std::int64_t at, std::int64_t place, std::size_t bytes) {
    std::memcpy(piece.learned.values + place, parameters + at, bytes);
  });
  for (const InputPiece<T>& piece : pieces_) {
    if (!piece.below) continue;
    for (std::int64_t i = 0; i + 1 < piece.n_inner; ++i)
      for (std::int64_t u = 0; u < piece.n_units; ++u) {
        const std::int64_t q = i * piece.n_units + u;
        piece.below[q + piece.n_units] = piece.below[q] + piece.arrays[0][q];
      }
  }
}

template <class T>
void PackedInputs<T>::unpack(T* parameters) const {
  each_array([&](const InputPiece<T>& piece, std::int64_t at, std::int64_t place, std::size_t bytes) {
    std::memcpy(parameters + at, piece.learned.values + place, bytes);
  });
}

template <class T>
void PackedInputs<T>::pack_moment(int which, const T* flat) const {
  each_array([&](const InputPiece<T>& piece, std::int64_t at, std::int64_t place, std::size_t bytes) {
    std::memcpy(piece.learned.moments[which] + place, flat + at, bytes);
  });
}

template <class T>
void PackedInputs<T>::unpack_moment(int which, T* flat) const {
  each_array([&](const InputPiece<T>& piece, std::int64_t at, std::int64_t place, std::size_t bytes) {
    std::memcpy(flat + at, piece.learned.moments[which] + place, bytes);
  });
}

template <class T>
void PackedInputs<T>::fill_moment(int which, T value) const {
  for (const InputPiece<T>& piece : pieces_)
    if (learns(piece.kind)) std::fill_n(piece.learned.moments[which], round_up(piece.learned.size, width_), value);
}

template <class T>
void PackedInputs<T>::set_factors(int layer, const Factors<T>& factors) {
  for (InputPiece<T>& piece : pieces_)
    if (piece.layer == layer) piece.learned.factors = factors;
}

template <class T>
StepInputs<T> PackedInputs<T>::describe() const {
  StepInputs<T> inputs{};
  inputs.n_pieces = static_cast<int>(pieces_.size());
  inputs.pieces = pieces_.data();
  inputs.shares = shares_.data();
  inputs.n_scratch = scratch(0);
  return inputs;
}

template <class T>
std::int64_t PackedInputs<T>::scratch(std::int64_t rows) const {
  std::int64_t most = 0, units = 0;
  for (const InputPiece<T>& piece : pieces_)
    if (learns(piece.kind) && piece.kind != InputKind::scale) units = std::max(units, piece.n_units);
  for (const InputShare& share : shares_) most = std::max(most, share.last - share.first);
  return 2 * round_up(most + 64, 64) + round_up(units, 64) + units * round_up(rows, 64) + 64;
}

template std::vector<InputPiece<float>> input_pieces(const Shape&, const float*, std::vector<float>&);
template std::vector<InputPiece<double>> input_pieces(const Shape&, const double*, std::vector<double>&);
template class PackedInputs<float>;
template class PackedInputs<double>;

}  // namespace chainrule
