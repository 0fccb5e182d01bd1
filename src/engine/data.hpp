// Rows to work on, and a loss outside.
#pragma once

#include <cstdint>
#include <functional>

#include "engine.hpp"

namespace chainrule {

// A loss outside: of rows[0 .. n) of the data and the network's predictions (n, n_out) for them it returns the value,
// and writes its derivative by them. May throw.
template <class T>
using BatchLoss =
    std::function<double(const std::int64_t* rows, std::int64_t n, const T* predictions, T* output_gradient)>;

// Rows to work on, seen without their types: `rows` borrows Python's arrays.
template <class T>
struct Data {
  Rows<T> rows{};
  std::int64_t n_samples = 0;
  std::int64_t longest_row = 0;  // entries in a sparse row
  BatchLoss<T> batch_loss;       // with Loss::custom, in the place of targets
  bool sparse() const { return rows.values != nullptr; }
  bool labeled() const { return rows.targets != nullptr || rows.classes != nullptr || batch_loss; }
};

}  // namespace chainrule
