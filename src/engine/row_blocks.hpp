// A batch in blocks of rows. The sum of a gradient over the rows is not one chain then: each block has a chain of its own,
// and the blocks' sums are added in a fixed binary tree, (((0+1)+(2+3))+((4+5)+(6+7))). So a step is a function of the
// parameters, its number and the blocks, whoever computes which of them.
#pragma once

#include <bit>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "workspace.hpp"

namespace chainrule {

// The first block of the right half of blocks begin .. end.
inline int middle_block(int begin, int end) {
  return begin + static_cast<int>(std::bit_floor(static_cast<unsigned>(end - begin - 1)));
}

// The sum of value_of(block) over blocks begin .. end, in the tree.
template <class Value>
double tree_sum(int begin, int end, Value value_of) {
  if (end - begin == 1) return value_of(begin);
  const int middle = middle_block(begin, end);
  const double left = tree_sum(begin, middle, value_of);
  return left + tree_sum(middle, end, value_of);
}

// Steps whose blocks are computed in several places. `nodes` are those computed here, as parts begin .. end of the tree; `all`
// gets their sums, one row of parameters each (biases as the engine has them), and numbers, and leaves those of all
// blocks in the first of each. May throw.
template <class T>
struct Exchange {
  struct Numbers {
    double loss, weight, n_rows;
  };
  std::vector<std::pair<int, int>> nodes;
  std::vector<T> sums;
  std::vector<Numbers> numbers;
  std::function<void()> all;
};

template <class T>
class RowBlocks {
 public:
  using RowsPhase = void (*)(const Step<T>&, std::int64_t begin, std::int64_t end);

  // layers: attached to the memory of a batch; their gradient, and that of the inputs, goes to moments[gradient_slot].
  // `entries`: the most that a batch has where rows are sparse.
  RowBlocks(int n_blocks, const Kernels<T>& kernels, const std::vector<Layer<T>>& layers, const StepInputs<T>& inputs,
            int gradient_slot, int most_threads, bool sparse, std::int64_t entries);

  // Each thread says of each of its steps: block b has the positions bounds[b] - bounds[0] .. bounds[b + 1] - bounds[0].
  void begin(int thread, const std::int64_t* bounds);

  // A half of the rows phase, or all of it, of the positions begin .. end.
  void rows(int thread, const Step<T>& s, std::int64_t begin, std::int64_t end, RowsPhase phase);

  // What a thread sums up at a time: tiles of the weights, and shares first .. last of the inputs.
  struct Places {
    const std::vector<TileRange>& ranges;
    std::int64_t first, last;
  };

  // The sums over the rows for these places, of blocks begin .. end, into moments[gradient_slot].
  void sum(int thread, const Step<T>& s, const Places& places, int begin, int end);

  // The sum of sum_of(first, end) over these blocks' positions, in the tree.
  template <class Sum>
  double total(int thread, int begin, int end, Sum sum_of) const {
    const Own& own = own_[static_cast<std::size_t>(thread)];
    return tree_sum(begin, end, [&](int block) { return sum_of(own.first(block), own.first(block + 1)); });
  }

  int n_blocks() const { return n_blocks_; }
  int slot() const { return slot_; }

 private:
  struct Own {  // a thread's
    std::vector<Layer<T>> layers;
    std::vector<InputPiece<T>> pieces;
    std::int64_t shifted = 0;  // the position that their batch matrices begin at
    const std::int64_t* bounds = nullptr;
    std::vector<ColumnEntries<T>> columns;  // one per block
    std::vector<std::int64_t> begin, row;   // their memory
    std::vector<T> value;
    std::int64_t first(int block) const { return bounds[block] - bounds[0]; }
  };

  Step<T> part(Own& own, const Step<T>& s, int block);
  bool sum_blocks(Own& own, const Step<T>& s, const Places& places, int begin, int end, int depth);
  void aim(Own& own, int depth) const;
  void add(const Places& places, int depth) const;
  template <class Use>
  void each_band(const Places& places, int depth, Use use) const;

  int n_blocks_;
  const Kernels<T>& kernels_;
  std::vector<Layer<T>> layers_;
  std::vector<InputPiece<T>> pieces_;
  const InputShare* shares_;
  int slot_;
  std::int64_t entries_;
  // Where the sums of depth 1, 2, ... of the tree go, layer by layer: weights, then vectors; and piece by piece of the
  // inputs. Those of depth 0 are kept.
  struct Sums {
    T *weights, *vectors[kVectors];
  };
  std::vector<std::vector<Sums>> sums_;
  std::vector<std::vector<T*>> input_sums_;
  std::vector<Buffer<T>> buffers_;
  std::vector<Own> own_;
};

}  // namespace chainrule
