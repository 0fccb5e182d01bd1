// Work on rows that needs no barrier: every thread takes a share of them, through small batch matrices of its own.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "data.hpp"
#include "parallel.hpp"
#include "workspace.hpp"

namespace chainrule {

enum class Way { forward, backward, to_input };  // how far: outputs, deltas of every layer, dE/dx_1

// What such work needs: parameters in panels, and each thread's batch matrices.
template <class T>
struct RowWorkspace {
  Way way;
  bool sparse;
  std::int64_t block;
  Packed<T> packed;
  std::vector<Batch<T>> batches;
  std::vector<std::int64_t> order;

  RowWorkspace(const Shape& shape, const Kernels<T>& kernels, Way way, bool sparse, std::int64_t block)
      : way(way), sparse(sparse), block(block), packed(shape, kernels, 0, way != Way::forward, way == Way::to_input) {}

  bool holds(Way other_way, bool other_sparse, std::int64_t rows) const {
    return way == other_way && sparse == other_sparse && rows <= block;
  }
};

// Keeps a small workspace for the next call, whose shape and kernels must be the same.
template <class T>
class KeptRows {
 public:
  std::unique_ptr<RowWorkspace<T>> take(const Shape& shape, const Kernels<T>& kernels, Way way, bool sparse,
                                        std::int64_t rows) {
    if (kept_ && kept_->holds(way, sparse, rows)) return std::move(kept_);
    return std::make_unique<RowWorkspace<T>>(shape, kernels, way, sparse, rows);
  }
  void give(const Shape& shape, std::unique_ptr<RowWorkspace<T>> workspace) {
    constexpr std::int64_t most = 1 << 17;  // numbers: larger ones take no time that is worth the memory
    std::int64_t numbers = 2 * shape.n_parameters() + static_cast<std::int64_t>(workspace->order.size());
    for (const auto n : shape.sizes)
      numbers += 2 * n * workspace->block * static_cast<std::int64_t>(workspace->batches.size());
    if (numbers <= most) kept_ = std::move(workspace);
  }

 private:
  std::unique_ptr<RowWorkspace<T>> kept_;
};

// Runs use(step, begin, end) on shares of the rows. `passes`: passes through the network that a row takes. `kept`: of
// this network, where calls may follow each other.
template <class T, class Use>
void share_rows(const Shape& shape, const Kernels<T>& kernels, const T* parameters, const Data<T>& data, int n_threads,
                Way way, double passes, double* row_loss, std::type_identity_t<KeptRows<T>*> kept, Use use) {
  constexpr double least_work = 5e5;  // multiply-adds worth a thread
  KeptRows<T> none;
  if (!kept) kept = &none;
  const double work = passes * static_cast<double>(shape.n_weights()) * static_cast<double>(data.n_samples);
  const int threads = threads_for(n_threads, work, least_work);
  const std::int64_t rows = std::min(row_block<T>(shape), round_up(std::max<std::int64_t>(data.n_samples, 1), 8));
  auto workspace = kept->take(shape, kernels, way, data.sparse(), rows);
  auto& [way_, sparse, block, packed, batches, order] = *workspace;
  packed.pack(parameters, threads);
  while (static_cast<int>(batches.size()) < threads)
    batches.emplace_back(shape, kernels, block, way != Way::forward, data.sparse());
  for (auto i = static_cast<std::int64_t>(order.size()); i < data.n_samples; ++i) order.push_back(i);
  in_parallel(threads, [&](int t, int n) {
    const Batch<T>& batch = workspace->batches[static_cast<std::size_t>(t)];
    const auto layers = batch.attach(workspace->packed.layers());
    Step<T> step = step_of(shape, workspace->packed, layers, batch, data.rows);
    step.batch.order = workspace->order.data();
    step.batch.n_rows = data.n_samples;
    step.batch.row_block = workspace->block;
    step.loss.of_rows = row_loss;
    use(step, share(data.n_samples, t, n), share(data.n_samples, t + 1, n));
  });
  kept->give(shape, std::move(workspace));
}

}  // namespace chainrule
