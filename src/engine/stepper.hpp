// One step of training is two phases with a barrier after each: every thread takes its rows forward and back, then
// every thread updates its tiles of the weights.
#pragma once

#include <algorithm>
#include <cstdint>
#include <exception>
#include <optional>
#include <utility>
#include <vector>

#include "data.hpp"
#include "parallel.hpp"
#include "row_blocks.hpp"
#include "workspace.hpp"

namespace chainrule {

// Sum in one fixed order, four running sums wide.
inline double ordered_sum(const double* values, std::int64_t n) {
  double part[4] = {0, 0, 0, 0};
  std::int64_t i = 0;
  for (; i + 4 <= n; i += 4)
    for (int j = 0; j < 4; ++j) part[j] += values[i + j];
  for (; i < n; ++i) part[i % 4] += values[i];
  return (part[0] + part[2]) + (part[1] + part[3]);
}

template <class T>
class Stepper {
 public:
  Stepper(const Shape& shape, const Kernels<T>& kernels, int n_moments, std::int64_t rows, const Data<T>& data,
          int most_threads, int row_blocks = 1)
      : packed(shape, kernels, n_moments, !is_narrow(shape, kernels, rows, data, row_blocks)),
        shape_(shape),
        kernels_(kernels),
        capacity_(rows),
        sparse_(data.sparse()),
        narrow_(is_narrow(shape, kernels, rows, data, row_blocks)),
        entries_(data.longest_row * rows),
        lane_stride_(narrow_ ? lane_stride(rows) : 0),
        batch_(shape, kernels, narrow_ ? lane_stride_ + kLanes : rows, true, data.sparse(), narrow_),
        order_(static_cast<std::size_t>(std::max(rows + kLanes, kMostRows))),
        row_loss_(static_cast<std::size_t>(std::max(rows, kMostRows))),
        penalty_(static_cast<std::size_t>(packed.n_penalties())),
        columns_(sparse_ ? static_cast<std::size_t>(most_threads) : 0),
        most_threads_(most_threads),
        rows_(most_threads),
        tiles_(most_threads),
        updates_(most_threads),
        norms_(most_threads) {
    for (auto& c : columns_) {
      c.begin.resize(static_cast<std::size_t>(shape.n_in(0)) + 1);
      c.row.resize(static_cast<std::size_t>(entries_));
      c.value.resize(static_cast<std::size_t>(entries_));
    }
    layers_ = batch_.attach(packed.layers());
    if (shape.loss == Loss::custom) {
      predictions_ = Buffer<T>(rows * shape.sizes.back());
      output_gradient_ = Buffer<T>(rows * shape.sizes.back());
    }
    if (packed.inputs().n_shares() > 0)
      for (int t = 0; t < most_threads; ++t) scratch_.emplace_back(packed.inputs().scratch(rows));
    if (kernels.pairs) {
      const std::int64_t steps = round_up((shape.widest() + 1) / 2, kernels.panel);
      for (int t = 0; t < most_threads; ++t) row_pairs_.emplace_back(steps * row_block<T>(shape));
    }
  }

  // Before the first step: factors of the settings for what is learned at each place of Shape::layout; an empty list
  // leaves them as they are.
  void set_factors(const std::vector<double>& rates, const std::vector<double>& epsilons,
                   const std::vector<double>& decays) {
    for (std::size_t i = 0; i < shape_.layout.size(); ++i) {
      const Place& place = shape_.layout[i];
      const auto factors = [&](Factors<T> f) {
        if (!rates.empty()) f.rate = static_cast<T>(rates[i]);
        if (!epsilons.empty()) f.epsilon = static_cast<T>(epsilons[i]);
        if (!decays.empty()) f.decay = static_cast<T>(decays[i]);
        return f;
      };
      if (place.of_input()) {
        packed.inputs().set_factors(place.layer, factors({}));
        continue;
      }
      Layer<T>& layer = layers_[static_cast<std::size_t>(place.layer)];
      Factors<T>& own = place.kind == kWeights ? layer.factors : layer.vectors[place.kind - kFirstVector].factors;
      own = factors(own);
    }
  }

  // After that, where a batch is made of blocks: their number, and where the gradient is kept.
  void set_blocks(int row_blocks, int gradient_slot) {
    if (row_blocks > 1)
      blocks_.emplace(row_blocks, kernels_, layers_, packed.inputs().describe(), gradient_slot, most_threads_, sparse_,
                      entries_);
  }

  // Before the first step: whether sums of absolute weights, and of the gradient's squares, will be asked for.
  void measure(bool absolutes, bool gradient) {
    if (absolutes) absolutes_.resize(penalty_.size());
    if (gradient) squares_.resize(static_cast<std::size_t>(packed.n_squares()));
  }

  bool holds(std::int64_t rows, const Data<T>& data, int threads) const {
    return rows <= capacity_ && threads <= most_threads_ && data.sparse() == sparse_ &&
           data.longest_row * rows <= entries_;
  }

  // A thread's own description of the steps to come.
  Step<T> describe(const Data<T>& data, int thread) const {
    Step<T> s = step_of(shape_, packed, layers_, batch_, data.rows);
    if (!scratch_.empty()) s.inputs.scratch = scratch_[static_cast<std::size_t>(thread)].get();
    s.batch.order = order_.data();
    s.batch.row_block = row_block<T>(shape_);
    s.batch.narrow = narrow_;
    s.batch.lane_stride = lane_stride_;
    if (!row_pairs_.empty()) s.batch.row_pairs = row_pairs_[static_cast<std::size_t>(thread)].get();
    s.loss.predictions = predictions_.get();
    s.loss.output_gradient = output_gradient_.get();
    return s;
  }

  // Every thread calls this before its first step: the phases are divided for as many threads as there really are.
  void divide(int thread, int n_threads, std::int64_t n_rows, const Data<T>& data, Exchange<T>* exchange = nullptr) {
    if (thread == 0) {
      batch_loss_ = data.batch_loss ? &data.batch_loss : nullptr;
      exchange_ = exchange;
      const std::int64_t most = n_threads == 1 ? 1 : kMostChunks, chunks = n_threads * most;
      row_chunks_each_ = std::clamp<std::int64_t>(n_rows / n_threads / kRowsWorthAChunk, 1, most);
      tile_chunks_each_ = most;
      if (static_cast<std::int64_t>(tile_chunks_.size()) != chunks) {
        tile_chunks_.clear();
        panel_chunks_.clear();
        for (std::int64_t c = 0; c < chunks; ++c) {
          tile_chunks_.push_back(share_of_layers(c, chunks, [this](int k) { return tiles(k) * panels(k); }));
          panel_chunks_.push_back(share_of_layers(c, chunks, [this](int k) { return panels(k); }));
        }
      }
      rows_.reset();
      tiles_.reset();
    }
    barrier_.wait(n_threads);
  }

  // Of the step's rows: their losses, what the loss is divided by, their weights, by which penalties are divided; of the
  // weights before the update: squares, absolute values; of the gradient: squares. A custom loss has divided already.
  struct Sums {
    double loss, weight, row_weights, squares = 0, absolutes = 0, gradient_squares = 0;
    bool failed = false;  // a custom loss or an exchange threw, and no weight has changed: see `rethrow`
  };

  struct Nothing {
    void operator()(Step<T>&, const Sums&) const {}
  };

  // This thread's part of one step over s.batch.n_rows rows, row_at(r) of the data each, in the blocks that `bounds` gives
  // where there are blocks. `prepare(s, sums)` sets what the weights phase needs once the sum of the rows' weights is known.
  // Sums are complete on thread 0 alone, except in `between(s, sums)`, which is called on all threads between
  // Stage::gradient and Stage::update where s.rule.stage asks for the two.
  template <class RowAt, class Prepare, class Between = Nothing>
  Sums take(int thread, int n_threads, Step<T>& s, RowAt row_at, Prepare prepare, Between between = {},
            const std::int64_t* bounds = nullptr) {
    s.loss.of_rows = row_loss_.data();
    s.rule.summed = blocks_.has_value();
    if (blocks_) blocks_->begin(thread, bounds);
    rows_.take(thread, n_threads, row_chunks_each_, [&](std::int64_t chunk) {
      const auto [begin, end] = rows_of(chunk, n_threads, s.batch.n_rows);
      for (std::int64_t r = begin; r < end; ++r) order_[static_cast<std::size_t>(r)] = row_at(r);
      if (begin < end && end == s.batch.n_rows)
        std::fill_n(order_.begin() + end, kLanes, order_[static_cast<std::size_t>(end - 1)]);
      take_part(thread, s, begin, end, batch_loss_ ? kernels_.rows_forward : kernels_.rows_phase);
    });
    if (batch_loss_ && !take_batch_loss(thread, n_threads, s))
      return {.loss = 0, .weight = 0, .row_weights = 0, .failed = true};
    if (thread == 0) {
      tiles_.reset();
      updates_.reset();
      norms_.reset();
    }
    barrier_.wait(n_threads);

    if (thread == 0) rows_.reset();
    const int n_blocks = blocks_ ? blocks_->n_blocks() : 1;
    Sums sums{0, static_cast<double>(s.batch.n_rows), static_cast<double>(s.batch.n_rows)};
    const bool staged = s.rule.stage == Stage::gradient;
    if (exchange_) {
      if (!swap(thread, n_threads, s)) return {.loss = 0, .weight = 0, .row_weights = 0, .failed = true};
      const auto& all = exchange_->numbers[0];
      sums = {all.loss, all.weight, all.weight};
    } else {
      if (s.data.sample_weight) {
        const double total = weight_of(thread, s, 0, n_blocks);
        sums.row_weights = total;
        if (!batch_loss_) sums.weight = total;
      }
      if (thread == 0 || staged) sums.loss = row_losses(thread, s, 0, n_blocks);
    }
    prepare(s, sums);
    measure_into(s);
    ColumnEntries<T> columns{};
    if (sparse_) {
      auto& mine = columns_[static_cast<std::size_t>(thread)];
      columns = {mine.begin.data(), mine.row.data(), mine.value.data(), false};
    }
    const auto weights_phase = [&](Chunks& chunks) {
      chunks.take(thread, n_threads, tile_chunks_each_, [&](std::int64_t chunk) {
        const auto [ranges, first, last] = places_of(chunk, n_threads);
        if (blocks_ && !exchange_ && &chunks == &tiles_) blocks_->sum(thread, s, {ranges, first, last}, 0, n_blocks);
        kernels_.weights_phase(s, ranges.data(), static_cast<int>(ranges.size()), &columns);
        if (first < last) kernels_.inputs_phase(s, first, last);
      });
      barrier_.wait(n_threads);
    };
    weights_phase(tiles_);
    if (thread == 0 || staged) add_measured(s, sums);
    if (staged) {
      between(s, sums);
      s.rule.stage = Stage::update;
      weights_phase(updates_);
      s.rule.stage = Stage::gradient;
    }
    if (s.rule.max_norm != T(0)) {
      norms_.take(thread, n_threads, tile_chunks_each_, [&](std::int64_t chunk) {
        const auto& ranges = panel_chunks_[static_cast<std::size_t>(chunk)];
        kernels_.norms_phase(s, ranges.data(), static_cast<int>(ranges.size()));
      });
      barrier_.wait(n_threads);
    }
    return sums;
  }

  // Whether take_rows takes the steps to come.
  bool by_rows(int n_threads, const Step<T>& s) const {
    return lane_stride_ == 1 && n_threads == 1 && s.rule.stage == Stage::whole && s.rule.max_norm == T(0);
  }

  static constexpr std::int64_t kMostRows = 64;  // that take_rows takes

  // Whether Step::sweeps in step 1, 2, ...: often enough that what steps multiply with 0.7 is not subnormal meanwhile.
  static bool sweeps(std::int64_t step) { return step % 32 == 0; }

  // n steps of one row each, row_at(r) of the data, after `steps_before` others. prepare(s, sums) is called for each of them
  // before, for the first one alone where `steady` says that the others are the same, and done(sums) afterwards. Where
  // something `fades`, some steps sweep.
  template <class RowAt, class Prepare, class Done>
  void take_rows(Step<T>& s, std::int64_t n, std::int64_t steps_before, bool fades, bool steady, RowAt row_at,
                 Prepare prepare, Done done) {
    Rates<T> rates[kMostRows];
    const auto weight_of = [&](std::int64_t r) {
      return s.data.sample_weight ? static_cast<double>(s.data.sample_weight[s.batch.order[r]]) : 1;
    };
    for (std::int64_t r = 0; r < n; ++r) order_[static_cast<std::size_t>(r)] = row_at(r);
    for (std::int64_t r = 0; r < n; ++r) {
      if (r == 0 || !steady) prepare(s, Sums{0, weight_of(r), weight_of(r)});
      rates[r] = s;
      rates[r].sweeps = fades && sweeps(steps_before + r + 1);
    }
    measure_into(s);
    s.loss.of_rows = row_loss_.data();
    kernels_.row_steps(s, rates, n);
    for (std::int64_t r = 0; r < n; ++r) {
      Sums sums{row_loss_[static_cast<std::size_t>(r)], weight_of(r), weight_of(r)};
      add_measured(s, sums);
      done(sums);
    }
  }

  // Throws what a custom loss or an exchange threw.
  void rethrow() {
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

  Packed<T> packed;

 private:
  // Whether the kernels of narrow.inl take the rows, whose backward product reads the weights themselves.
  static bool is_narrow(const Shape& shape, const Kernels<T>& kernels, std::int64_t rows, const Data<T>& data,
                        int row_blocks) {
    return !data.sparse() && !kernels.pairs && row_blocks == 1 && shape.narrow(kernels.width, rows);
  }

  // Where a step puts what it measures of weights and gradient, and the sums of that.
  void measure_into(Step<T>& s) {
    s.sums.squares = s.decay != T(0) ? penalty_.data() : nullptr;
    s.sums.absolutes = s.l1 != T(0) ? absolutes_.data() : nullptr;
    s.sums.gradient_squares = squares_.empty() ? nullptr : squares_.data();
  }
  void add_measured(const Step<T>& s, Sums& sums) const {
    const auto total = [](const auto& parts) {
      return ordered_sum(parts.data(), static_cast<std::int64_t>(parts.size()));
    };
    if (s.sums.squares) sums.squares = total(penalty_);
    if (s.sums.absolutes) sums.absolutes = total(absolutes_);
    if (s.sums.gradient_squares) sums.gradient_squares = total(squares_);
  }

  // A part of the rows phase; where there are blocks, of each of them.
  void take_part(int thread, const Step<T>& s, std::int64_t begin, std::int64_t end,
                 typename RowBlocks<T>::RowsPhase phase) {
    if (blocks_)
      blocks_->rows(thread, s, begin, end, phase);
    else
      phase(s, begin, end);
  }

  // A sum over the step's rows, or those of blocks begin .. end; sum_of(first, end) is a part of it.
  template <class Sum>
  double total_of(int thread, const Step<T>& s, int begin, int end, Sum sum_of) const {
    return blocks_ ? blocks_->total(thread, begin, end, sum_of) : sum_of(0, s.batch.n_rows);
  }
  double weight_of(int thread, const Step<T>& s, int begin, int end) const {
    return total_of(thread, s, begin, end, [&](std::int64_t first, std::int64_t last) {
      double weights = 0;
      for (std::int64_t r = first; r < last; ++r)
        weights += static_cast<double>(s.data.sample_weight[s.batch.order[r]]);
      return weights;
    });
  }
  double row_losses(int thread, const Step<T>& s, int begin, int end) const {
    return total_of(thread, s, begin, end, [&](std::int64_t first, std::int64_t last) {
      return ordered_sum(s.loss.of_rows + first, last - first);
    });
  }

  // Sums up the blocks that are computed here, and lets the exchange make the sums of all of them. False: it threw.
  bool swap(int thread, int n_threads, const Step<T>& s) {
    const auto size = static_cast<std::size_t>(shape_.n_parameters());
    for (std::size_t node = 0; node < exchange_->nodes.size(); ++node) {
      const auto [begin, end] = exchange_->nodes[node];
      tiles_.take(thread, n_threads, tile_chunks_each_,
                  [&](std::int64_t chunk) { blocks_->sum(thread, s, places_of(chunk, n_threads), begin, end); });
      barrier_.wait(n_threads);
      if (thread == 0) {
        tiles_.reset();
        packed.unpack_moment(blocks_->slot(), false, exchange_->sums.data() + node * size);
        const double n_rows = blocks_->total(thread, begin, end, [](std::int64_t first, std::int64_t last) {
          return static_cast<double>(last - first);
        });
        exchange_->numbers[node] = {row_losses(thread, s, begin, end),
                                    s.data.sample_weight ? weight_of(thread, s, begin, end) : n_rows, n_rows};
      }
      barrier_.wait(n_threads);
    }
    if (thread == 0) {
      try {
        exchange_->all();
        packed.pack_moment(blocks_->slot(), false, exchange_->sums.data());
      } catch (...) {
        error_ = std::current_exception();
      }
    }
    barrier_.wait(n_threads);
    return !error_;
  }

  // Between the halves of the rows phase thread 0 calls the loss, and the others wait. Its value is that of the batch's
  // mean. False: it threw.
  bool take_batch_loss(int thread, int n_threads, Step<T>& s) {
    barrier_.wait(n_threads);
    if (thread == 0) {
      rows_.reset();
      try {
        const double value = (*batch_loss_)(s.batch.order, s.batch.n_rows, predictions_.get(), output_gradient_.get());
        std::fill_n(row_loss_.begin(), s.batch.n_rows, 0.0);
        row_loss_[0] = value * static_cast<double>(s.batch.n_rows);
      } catch (...) {
        error_ = std::current_exception();
      }
    }
    barrier_.wait(n_threads);
    if (error_) return false;
    rows_.take(thread, n_threads, row_chunks_each_, [&](std::int64_t chunk) {
      const auto [begin, end] = rows_of(chunk, n_threads, s.batch.n_rows);
      take_part(thread, s, begin, end, kernels_.rows_backward);
    });
    return true;
  }

  // Rows of a chunk of the rows phase: whole register tiles.
  std::pair<std::int64_t, std::int64_t> rows_of(std::int64_t chunk, int n_threads, std::int64_t n_rows) const {
    const std::int64_t unit = narrow_ ? kLanes : 8, units = (n_rows + unit - 1) / unit,
                       n = n_threads * row_chunks_each_;
    return {share(units, chunk, n) * unit, std::min(share(units, chunk + 1, n) * unit, n_rows)};
  }

  // What a chunk of the weights phase has: tiles, and shares of the inputs.
  typename RowBlocks<T>::Places places_of(std::int64_t chunk, int n_threads) const {
    const std::int64_t shares = packed.inputs().n_shares(), n = n_threads * tile_chunks_each_;
    return {tile_chunks_[static_cast<std::size_t>(chunk)], share(shares, chunk, n), share(shares, chunk + 1, n)};
  }

  static constexpr std::int64_t kLanes = 16;            // of the widest vector
  static constexpr std::int64_t kMostChunks = 6;        // for each thread
  static constexpr std::int64_t kRowsWorthAChunk = 32;  // so that the weights that a chunk reads are used often enough

  // Elements between the units of a narrow batch matrix; columns in other cache sets.
  static std::int64_t lane_stride(std::int64_t rows) {
    const std::int64_t stride = rows == 1 ? 1 : round_up(rows, kLanes);
    return stride * static_cast<std::int64_t>(sizeof(T)) % 2048 == 0 ? stride + kLanes : stride;
  }

  // Chunk `chunk` of n: an equal share of the size_of(k) things of each layer k.
  template <class Size>
  std::vector<TileRange> share_of_layers(std::int64_t chunk, std::int64_t n, Size size_of) const {
    std::int64_t total = 0;
    for (int k = 0; k < shape_.n_layers(); ++k) total += size_of(k);
    const std::int64_t begin = share(total, chunk, n), end = share(total, chunk + 1, n);
    std::vector<TileRange> ranges;
    std::int64_t at = 0;
    for (int k = 0; k < shape_.n_layers(); ++k) {
      const std::int64_t size = size_of(k);
      const std::int64_t first = std::clamp<std::int64_t>(begin - at, 0, size);
      const std::int64_t last = std::clamp<std::int64_t>(end - at, 0, size);
      if (first < last) ranges.push_back({k, first, last});
      at += size;
    }
    return ranges;
  }
  std::int64_t tiles(int k) const { return (shape_.n_in(k) + kernels_.tile_rows - 1) / kernels_.tile_rows; }
  std::int64_t panels(int k) const { return (shape_.n_out(k) + kernels_.panel - 1) / kernels_.panel; }

  struct Columns {
    std::vector<std::int64_t> begin, row;
    std::vector<T> value;
  };

  const Shape& shape_;
  const Kernels<T>& kernels_;
  std::int64_t capacity_;
  bool sparse_;
  bool narrow_;
  std::int64_t entries_;
  std::int64_t lane_stride_;
  Batch<T> batch_;
  std::vector<Layer<T>> layers_;
  std::optional<RowBlocks<T>> blocks_;
  std::vector<Buffer<T>> row_pairs_, scratch_;  // one for each thread
  std::vector<std::int64_t> order_;
  std::vector<double> row_loss_, penalty_, absolutes_, squares_;
  Buffer<T> predictions_, output_gradient_;  // of a custom loss
  const BatchLoss<T>* batch_loss_ = nullptr;
  Exchange<T>* exchange_ = nullptr;
  std::exception_ptr error_;
  std::vector<Columns> columns_;
  int most_threads_;
  Chunks rows_, tiles_, updates_, norms_;
  std::int64_t row_chunks_each_ = 1, tile_chunks_each_ = 1;
  std::vector<std::vector<TileRange>> tile_chunks_, panel_chunks_;
  Barrier barrier_;
};

// Multiply-adds of a step of so many rows.
inline double step_work(const Shape& shape, std::int64_t rows) {
  return 3.0 * static_cast<double>(shape.n_weights()) * static_cast<double>(rows);
}

// Threads worth their barriers for it.
inline int step_threads(const Shape& shape, int wanted, std::int64_t rows) {
  constexpr double least = 4e5;  // multiply-adds: some 5 microseconds, where two barriers take one
  return threads_for(wanted, step_work(shape, rows), least);
}

}  // namespace chainrule
