// What a layer learns: the one table of it. Packing, update, the derivatives of each row, saving and Python read names,
// order, shapes and signs here. Plain data only, because this file is compiled for every instruction set.
//
// The flat parameters that Python owns have the kinds in the order of the table, and within a kind the layers:
// W_1, ..., W_l, b_1, ..., b_l, then gain and shift of one normalized layer after the other, then the slopes of each
// prelu layer, the alphas of each parametric one, and one input layer's numbers after the other's.
#pragma once

#include <cstdint>

namespace chainrule {

// A layer, as far as what it learns depends on it. A further option of layers, or another extent of a matrix, is one
// more member here.
struct LayerShape {
  std::int64_t n_in, n_out;
  bool product = false;  // it has E1; else it is an input layer, which stands before the first product
  bool norm = false;     // E8
  bool slopes = false;   // prelu
  bool alphas = false;   // E12

  // Input layers, n_in columns of the data to n_out of x_1.
  bool scale = false, periodic = false, piecewise_linear = false, categories = false;
  std::int64_t n_inner = 0;  // frequencies of a column, bins, rows of a table
  std::int64_t n_waves = 0;  // frequencies of all columns
  std::int64_t n_each = 0;   // columns of x_1 that are learned for a column of the data
};

// What a layer learns unit by unit, n_out numbers each: places in Layer::vectors. The weights come before them in the
// table.
enum Vector : int { kBias, kGain, kShift, kSlope, kAlpha, kVectors };

struct Learned {
  const char* name;                 // of the lists in Python, and in files
  std::int64_t LayerShape::* rows;  // of a matrix, row-major; null: a vector
  std::int64_t LayerShape::* columns;
  bool LayerShape::* has;  // which layers have it
  bool beside;             // a layer's stands right behind the same layer's of the kind before
  bool subtracted;         // as the bias in E1; Python shows the opposite sign where bias_sign is +1
  bool penalized;          // by l1, l2 and weight decay
  double first;            // its numbers in a new model
};

constexpr Learned kLearned[] = {
    {"weights", &LayerShape::n_in, &LayerShape::n_out, &LayerShape::product, false, false, true, 0},
    {"biases", nullptr, &LayerShape::n_out, &LayerShape::product, false, true, false, 0},
    {"norm_gains", nullptr, &LayerShape::n_out, &LayerShape::norm, false, false, false, 1},
    {"norm_shifts", nullptr, &LayerShape::n_out, &LayerShape::norm, true, false, false, 0},
    {"slopes", nullptr, &LayerShape::n_out, &LayerShape::slopes, false, false, false, 0.25},
    {"alphas", nullptr, &LayerShape::n_out, &LayerShape::alphas, false, false, false, 1},
    // E11
    {"scale", nullptr, &LayerShape::n_out, &LayerShape::scale, false, false, false, 1},
    // E13
    {"frequency", &LayerShape::n_in, &LayerShape::n_inner, &LayerShape::periodic, false, false, false, 0},
    {"phase", &LayerShape::n_in, &LayerShape::n_inner, &LayerShape::periodic, true, false, false, 0},
    {"weight", &LayerShape::n_waves, &LayerShape::n_each, &LayerShape::periodic, true, false, false, 0},
    {"bias", &LayerShape::n_in, &LayerShape::n_each, &LayerShape::periodic, true, false, false, 0},
    // E14
    {"rise", &LayerShape::n_inner, &LayerShape::n_each, &LayerShape::piecewise_linear, false, false, false, 0},
    {"weight", nullptr, &LayerShape::n_each, &LayerShape::piecewise_linear, true, false, false, 0},
    {"bias", nullptr, &LayerShape::n_each, &LayerShape::piecewise_linear, true, false, false, 0},
    // E15
    {"table", &LayerShape::n_inner, &LayerShape::n_each, &LayerShape::categories, false, false, false, 0},
};
constexpr int kKinds = sizeof(kLearned) / sizeof(*kLearned);
constexpr int kWeights = 0, kFirstVector = 1;         // places in the table
constexpr int kFirstInput = kFirstVector + kVectors;  // what input layers learn, at most kInputArrays kinds each
constexpr int kInputArrays = 4;
static_assert(kFirstInput < kKinds && kLearned[kFirstInput].has == &LayerShape::scale);

// What one layer learns of one kind: a matrix, or a vector as one row, from `at` on in the flat parameters. Input layers
// are counted by themselves.
struct Place {
  int kind, layer;
  std::int64_t rows, columns, at;
  bool vector() const { return !kLearned[kind].rows; }
  bool of_input() const { return kind >= kFirstInput; }
  std::int64_t size() const { return rows * columns; }
};

// use(place) for all that is learned, in the order of the flat parameters; shape_of(k) is layer k's LayerShape, those of
// input layers behind the others.
template <class ShapeOf, class Use>
void each_place(int n_layers, int n_inputs, ShapeOf shape_of, Use use) {
  std::int64_t at = 0;
  for (int begin = 0, end = 0; begin < kKinds; begin = end) {
    do ++end;
    while (end < kKinds && kLearned[end].beside);
    for (int k = 0; k < n_layers + n_inputs; ++k) {
      const LayerShape shape = shape_of(k);
      for (int kind = begin; kind < end; ++kind) {
        const Learned& learned = kLearned[kind];
        if (!(shape.*learned.has)) continue;
        const Place place{kind, shape.product ? k : k - n_layers, learned.rows ? shape.*learned.rows : 1,
                          shape.*learned.columns, at};
        use(place);
        at += place.size();
      }
    }
  }
}

}  // namespace chainrule
