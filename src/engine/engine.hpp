// What the kernels and the code around them agree on: names, memory layout, and one table of functions per
// instruction set. Plain data only, because this file is compiled for every instruction set.
//
// Sizes: n_in = n_k and n_out = n_{k+1} of layer k; rows are samples of the batch.
//
// A matrix that a product reads is kept in PANELS: bands of `panel` columns, each band row after row, so that a
// product streams through memory whatever the matrix' width.
//   weights     [n_out / panel][n_in][band]        band = panel, the last one rounded up to whole vectors
//   transposed  [n_in / panel][n_out][band]        the same numbers, as the backward product reads them
//   batch       [width / panel][rows][panel]       inputs, outputs and deltas; bands StepBatch::stride apart
// Columns added by rounding up hold zeros in weights and deltas, and are never read as the inner index of a
// product.
//
// With bfloat16 products a matrix that a product reads has a copy in PAIRS: two neighbors along the sum, rounded to
// bfloat16, in the 32 bits of one element. It is laid out as above, with half as many steps along the sum.
#pragma once

#include <cstdint>

#include "layout.hpp"
#include "registry.hpp"

namespace chainrule {

// What a weights phase does: all of a step at once; or, where something must be known of the whole gradient before any
// weight changes, first the gradient, then the update.
enum class Stage : int { whole, gradient, update };

// What the settings of a step are multiplied with for some parameters. A rate of 0: they do not change.
template <class T>
struct Factors {
  T rate = T(1), epsilon = T(1), decay = T(0);
};

// A vector that a layer learns beside its weights, `size` numbers rounded up to whole vectors; null where it has none.
template <class T>
struct LearnedVector {
  T* values;
  T* moments[kMostMoments + 1];  // as Layer::moments
  std::int64_t size;
  std::int64_t penalty_offset;
  std::int64_t at;  // in the flat parameters
  Factors<T> factors;
};

// What a layer keeps of the rows of a batch: batch matrices, but for row_scale. Null where it has no such thing. `shift`
// in row_blocks.cpp lets them begin at another row.
template <class T>
struct LayerBatch {
  T* output;  // x_{k+1}
  T* net;     // only where f' is taken from net: what f takes
  T* delta;   // dE/dnet

  // For training alone (kernels/layers.inl).
  T* value;            // f's value, where f' is taken from it and the output is another; in E12 sigma's
  T* mask;             // the factors of E10
  T* normalized;       // (net - mean) / deviation, and for each row
  T* row_scale;        // 1 / deviation
  T* norm_delta;       // dE/dz
  T* output_gradient;  // dE/dx_{k+1}, where E9 takes it around the layer

  // The derivative by each vector but the bias, row by row: times `factor`, where there is one.
  struct {
    T *of_row, *factor;
  } gradients[kVectors];

  // Copies in pairs, where Kernels::pairs, along the rows of the batch.
  T *output_pairs, *delta_pairs;
};

template <class T>
struct Layer : LayerBatch<T> {
  std::int64_t n_in, n_out;
  Activation activation;
  std::int64_t group;  // outputs that `ordered` puts in order
  T* weights;
  T* transposed;                 // null where nothing is propagated back; the first layer's only on the way to dE/dx_1
  T* moments[kMostMoments + 1];  // laid out as weights: the optimizer's, then the gradient where it is kept
  std::int64_t penalty_offset;
  std::int64_t at;                     // the weights in the flat parameters
  LearnedVector<T> vectors[kVectors];  // the bias is subtracted (E1)
  Factors<T> factors;                  // of the weights

  // E8-E10, E12 and prelu (kernels/layers.inl).
  bool special;  // has any of them
  bool residual;
  double dropout;           // its rate
  std::int32_t drop_below;  // E10 drops units with less in half their random bits, and multiplies the others with
  T kept_factor;            // 1 / (1 - rate)

  T *weight_pairs, *transposed_pairs;  // copies in pairs, where Kernels::pairs: along n_in, and along n_out
};

// One column of the data through an input layer; or columns that enter as they are; or E11 over all of x_1.
template <class T>
struct InputPiece {
  InputKind kind;
  int layer;                       // which input layer
  std::int64_t column, n_columns;  // of the data
  std::int64_t unit, n_units;      // of x_1
  std::int64_t n_inner;            // frequencies, bins, rows of the table
  std::int64_t slot;               // of the column in StepInputs::columns
  const T* edges;                  // E14
  T* below;                        // E14: sum of the rises below each bin; null: to be computed
  // What it learns, in the order of layout.hpp: each array's numbers, which stand behind each other in `learned` where
  // they are packed, how many there are, and where the flat parameters have them.
  const T* arrays[kInputArrays];
  std::int64_t sizes[kInputArrays], at[kInputArrays];
  LearnedVector<T> learned;
};

// Numbers of a piece that one thread learns at a time.
struct InputShare {
  int piece;
  std::int64_t first, last;
};

// What stands before the first product.
template <class T>
struct StepInputs {
  int n_pieces;  // 0: x_1 is the data
  const InputPiece<T>* pieces;
  const InputShare* shares;
  T* columns;  // of the data, row after row, that pieces other than numbers take
  std::int64_t column_stride;
  T* raw;      // batch matrix: x_1 before E11; after the way back times dE/dx_1
  T* delta;    // batch matrix: dE/draw, on the way dE/dx_1
  T* scratch;  // this thread's own, n_scratch numbers without any rows
  std::int64_t n_scratch;
};

// The rows that a step reads: dense (x) or CSR (values, indices, indptr).
template <class T>
struct Rows {
  std::int64_t n_features;
  const T* x;
  const T* values;
  const void* indices;
  const void* indptr;
  bool wide_indices;    // int64 rather than int32
  const T* targets;     // (n_samples, n_out), or
  const void* classes;  // (n_samples,) class indices
  bool wide_classes;
  const T* sample_weight;
};

// The transpose of a sparse batch, built by each thread for itself.
template <class T>
struct ColumnEntries {
  std::int64_t* begin;  // n_features + 1
  std::int64_t* row;    // position in the batch
  T* value;
  bool collected;  // for this step
};

// A run of weight tiles owned by one thread: tiles are counted panel by panel, `tile_rows` input units each.
struct TileRange {
  int layer;
  std::int64_t first, last;
};

// What changes from one step to the next.
template <class T>
struct Rates {
  T scale;      // 1 / (sum of sample weights): the mean over the rows
  T decay, l1;  // penalties decay / 2 w^2 + l1 |w|, scaled as the gradient is
  T decoupled;  // each weight loses this part of itself before its step
  T learning_rate, gradient_rate, epsilon;
  bool sweeps;  // what has faded among weights and moments becomes 0 (kernels/tiny.inl)
};

// The rows of a step, and the memory that they go through.
template <class T>
struct StepBatch {
  const std::int64_t* order;  // n_rows positions in the data; the last one is repeated for lanes beyond it
  std::int64_t n_rows;
  std::int64_t asks_above;   // bytes of a matrix above which products ask for what they need next
  std::int64_t row_block;    // rows taken through all layers at a time, so that they stay in cache
  std::int64_t stride;       // elements between the panels of a batch matrix
  bool narrow;               // every layer fits into one vector: batch matrices as kernels/narrow.inl has them
  std::int64_t lane_stride;  // there, elements between the units of a batch matrix
  T* input;                  // batch matrix x_1, where the data are dense
  T* input_pairs;            // its copy along the rows, where Kernels::pairs
  T* row_pairs;              // and the factor of a row product along the sum, this thread's own
};

template <class T>
struct StepLoss {
  Loss kind;
  double setting;  // LossEntry::setting, or 0
  const double* quantiles;
  std::int64_t n_quantiles;  // outputs of each target; 0 where the loss is another
  T probability_floor;
  double* of_rows;           // n_rows
  T* predictions;            // Loss::custom: (n_rows, n_out), out of the rows' first half
  const T* output_gradient;  // and what it gave, into the second: dE/dy of the batch's mean
};

// What becomes of the gradient, but for Rates.
template <class T>
struct StepRule {
  Optimizer optimizer;
  Stage stage;
  int gradient_slot;                  // where the gradient is kept, if it is
  bool signed_moments[kMostMoments];  // those kept that change sign with the gradient
  bool accumulate;                    // Optimizer::gradient: go on from the sums that are there
  bool summed;                        // the sums over the rows stand in gradient_slot already
  T clip_value;                       // bound of each component of the gradient, or 0
  T gradient_factor;                  // Stage::update: what clipping by the norm multiplies the gradient with
  T max_norm;                         // bound of the norm of each unit's incoming weights, or 0
#define CHAINRULE_MEMBER(name, usual) T name;
  CHAINRULE_NUMBERS(CHAINRULE_MEMBER)
#undef CHAINRULE_MEMBER
#define CHAINRULE_MEMBER(name) bool name;
  CHAINRULE_FLAGS(CHAINRULE_MEMBER)
#undef CHAINRULE_MEMBER
  T one_minus_beta_1, one_minus_beta_2;
  bool retreat;  // rprop: the loss has risen
};

// Where sums go, one per `kPenaltyRows` x 32 bytes of weights; null where they are not asked for.
struct StepSums {
  double* squares;           // of the weights
  double* absolutes;         // of the weights, without their signs
  double* gradient_squares;  // of the gradient, all vectors included
};

template <class T>
struct Step : Rates<T> {
  int n_layers;
  const Layer<T>* layers;
  Rows<T> data;
  StepBatch<T> batch;
  StepInputs<T> inputs;
  StepLoss<T> loss;
  StepRule<T> rule;
  StepSums sums;

  T least_delta;              // smaller ones are 0 (kernels/tiny.inl)
  bool training;              // with dropout (E10)
  std::uint64_t dropout_key;  // of this step
  double dropout_factor;      // what the rates are multiplied with in it
};

constexpr int kPenaltyRows = 4;
constexpr double kNormEpsilon = 1e-5;  // added to the variance in E8

// An unpacked network, for a few rows at a time.
template <class T>
struct PlainLayer {
  std::int64_t n_in, n_out;
  Activation activation;
  std::int64_t group;
  const T* weights;            // row-major; may be read up to 64 bytes past the end
  const T* vectors[kVectors];  // these too; null where the layer has none
  bool add_bias;               // scikit-learn's intercepts instead of E1
  bool residual;
  bool special;  // has more than E1 and E2
};

// What is asked for of each row's own derivatives; null where it is not.
template <class T>
struct RowDerivatives {
  const T* cotangents;  // (n_samples, n_out): go back from these dE/dyhat; null: from the loss
  T* input_delta;       // batch matrix of x_1's width, to work in
  T* by_input;          // (n_samples, n_features)
  T* jacobian;          // (n_samples, n_out, n_features): from each output in turn
  T* by_parameters;     // (n_samples, n_parameters), laid out as the parameters
  std::int64_t n_parameters;
  T bias_sign;            // of dnet/db there
  double* squared_norms;  // (n_samples,), of the rows of by_parameters, which need not exist
};

template <class T>
struct Kernels {
  const char* name;
  int width;                      // elements in a vector
  int panel;                      // columns in a panel
  int tile_rows;                  // rows in a register tile
  bool pairs;                     // products of bfloat16 pairs
  bool (*keeps_net)(Activation);  // f' is taken from net rather than from f's value

  void (*rows_phase)(const Step<T>&, std::int64_t begin, std::int64_t end);
  void (*rows_forward)(const Step<T>&, std::int64_t begin, std::int64_t end);   // the rows phase in two halves,
  void (*rows_backward)(const Step<T>&, std::int64_t begin, std::int64_t end);  // for Loss::custom
  void (*weights_phase)(const Step<T>&, const TileRange*, int n_ranges, ColumnEntries<T>*);
  // What is learned before the first product; shares first..last. Beside weights_phase, with the same stages.
  void (*inputs_phase)(const Step<T>&, std::int64_t first, std::int64_t last);
  // Whole steps of one row each, order[0], order[1], ..., where lane_stride is 1 and the stage whole.
  void (*row_steps)(const Step<T>&, const Rates<T>* rates, std::int64_t n);
  void (*norms_phase)(const Step<T>&, const TileRange*, int n_ranges);  // StepRule::max_norm; ranges of panels
  // Outputs of positions begin..end, row-major into `out`; the layers' batch matrices hold row_block rows.
  void (*predict_rows)(const Step<T>&, std::int64_t begin, std::int64_t end, T* out);
  // Mean-free losses of positions begin..end into row_loss, for the same small batch matrices.
  void (*evaluate_rows)(const Step<T>&, std::int64_t begin, std::int64_t end);
  // Derivatives of each of the rows begin..end; the layers' batch matrices hold row_block rows.
  void (*derive_rows)(const Step<T>&, const RowDerivatives<T>&, std::int64_t begin, std::int64_t end);
  void (*forward_row)(const PlainLayer<T>*, int n_layers, const T* x, T* out, T* scratch, std::int64_t scratch_row);
  // One row of the data to x_1, whose last vector may be written beyond its end.
  void (*input_row)(const InputPiece<T>*, int n_pieces, const T* x, T* x_1);
  bool (*evaluate_function)(const char* name, const T* x, T* y, std::int64_t n);
};

template <class T>
const Kernels<T>* baseline_kernels();
template <class T>
const Kernels<T>* avx2_kernels();
template <class T>
const Kernels<T>* avx512_kernels();
template <class T>
const Kernels<T>* neon_kernels();
const Kernels<float>* avx512_bf16_kernels();  // the two phases of a step alone

}  // namespace chainrule
