// Work on rows that needs no barrier: every thread takes a share of them, through small batch matrices of its own.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "data.hpp"
#include "parallel.hpp"
#include "workspace.hpp"

namespace chainrule {

enum class Way { forward, backward, to_input };  // how far: outputs, deltas of every layer, dE/dx_1

// Runs use(step, begin, end) on shares of the rows. `passes`: passes through the network that a row takes.
template <class T, class Use>
void share_rows(const Shape& shape, const Kernels<T>& kernels, const T* parameters, const Data<T>& data, int n_threads,
                Way way, double passes, double* row_loss, Use use) {
  constexpr double least_work = 5e5;  // multiply-adds worth a thread
  Packed<T> packed(shape, kernels, 0, way != Way::forward, way == Way::to_input);
  packed.pack(parameters);
  const double work = passes * static_cast<double>(shape.n_weights()) * static_cast<double>(data.n_samples);
  const int threads = threads_for(n_threads, work, least_work);
  const std::int64_t block = std::min(row_block<T>(shape), round_up(std::max<std::int64_t>(data.n_samples, 1), 8));
  std::vector<Batch<T>> batches;
  for (int t = 0; t < threads; ++t) batches.emplace_back(shape, kernels, block, way != Way::forward, data.sparse());
  std::vector<std::int64_t> order(static_cast<std::size_t>(data.n_samples));
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(i);
  in_parallel(threads, [&](int t, int n) {
    const Batch<T>& batch = batches[static_cast<std::size_t>(t)];
    const auto layers = batch.attach(packed.layers());
    Step<T> step = step_of(shape, layers, batch, data.rows);
    step.batch.order = order.data();
    step.batch.n_rows = data.n_samples;
    step.batch.row_block = block;
    step.loss.of_rows = row_loss;
    use(step, share(data.n_samples, t, n), share(data.n_samples, t + 1, n));
  });
}

}  // namespace chainrule
