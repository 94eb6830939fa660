// The places of the results that leave an array's columns. Each column delivers its folds in order,
// so that a count per column says which element of which output a value is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "sim/engines/stepping/edge_operands.hpp"
#include "sim/machine/fold_timing.hpp"
#include "sim/machine/schedule.hpp"

namespace potomac::sim {

struct ResultPlace {
  std::uint64_t fold_number = 0;
  const Fold* fold = nullptr;
  std::int64_t m = 0;
  std::int64_t n = 0;
};

// Throws std::logic_error: an array that delivers more than it should is no array of ours.
void require_fold(const Schedule::Walk& walk, std::size_t column);

// The results of an output-stationary array: a fold's bottom row leaves first.
class DrainedResults {
 public:
  // The schedule must outlive the pass.
  void start(const Schedule& schedule, std::size_t cols);
  // The place of the result that leaves column c next, which it takes. What it points at is good
  // until the next call for that column.
  ResultPlace next(std::size_t c);

 private:
  struct Column {
    Schedule::Walk walk;
    Fold fold;  // in hand, done with when no row of it is left
    std::int64_t rows_left = 0;
  };

  void find_fold(std::size_t c);

  std::vector<Column> columns_;
};

// The results of a stationary array, in the results scratchpad, banked by column, below and above
// the array. A partial sum that leaves the bottom of a column is kept until the next fold of the
// same results wants it at the top, at full accumulator width; a finished one is a result. Where
// both fall into one cycle, it passes through. (What of it is spilled to DRAM meanwhile does not
// matter to its value: here, all of a GEMM's sums are kept.)
template <typename Value>
class PartialSumBanks {
 public:
  // The schedule must outlive the pass.
  void start(const Schedule& schedule, std::size_t cols) {
    dataflow_ = schedule.dataflow();
    extents_.clear();
    for (const workloads::GemmShape& gemm : schedule.gemms()) {
      extents_.insert(extents_.end(), static_cast<std::size_t>(gemm.count),
                      array_extents(gemm, dataflow_));
    }
    columns_.assign(cols, Column{Schedule::Walk(schedule), {}, 0, 0, -1, {}});
    for (std::size_t c = 0; c < cols; ++c) {
      find_fold(c);
    }
  }

  std::size_t columns() const { return columns_.size(); }

  // Takes the value that leaves the bottom of column c. If it is finished: where it belongs, until
  // the next call for that column.
  std::optional<ResultPlace> take_in(std::size_t c, Value value) {
    Column& column = columns_[c];
    if (column.slot == column.slots && !column.walk.done()) {
      column.walk.next_fold();
      find_fold(c);
    }
    require_fold(column.walk, c);
    const std::int64_t streamed = column.slot++;
    std::optional<ResultPlace> place;
    if (column.fold.last) {
      const std::int64_t kept =
          kept_range(column.fold, dataflow_).begin + static_cast<std::int64_t>(c);
      const std::int64_t slot = streamed_range(column.fold, dataflow_).begin + streamed;
      const bool ws = keeps_second(dataflow_);
      place = ResultPlace{column.walk.number(), &column.fold, ws ? slot : kept, ws ? kept : slot};
    } else {
      sum_of(column, column.fold, streamed) = value;
    }
    return place;
  }

  // What the top of column c takes in with a command of c cycles ago; nothing if it takes none.
  std::optional<Value> give_out(std::size_t c, const FeedCommand& now) {
    if (!now.valid || static_cast<std::int64_t>(c) >= kept_range(now.fold, dataflow_).size()) {
      return std::nullopt;
    }
    return now.fold.first ? Value{} : sum_of(columns_[c], now.fold, now.slot);
  }

 private:
  // One column's bank, and whose sum leaves it next.
  struct Column {
    Schedule::Walk walk;
    Fold fold;  // in hand, done with when all its slots are
    std::int64_t slot = 0;
    std::int64_t slots = 0;
    std::int64_t gemm = -1;   // whose sums these are
    std::vector<Value> sums;  // [tile of the array's columns][slot]
  };

  // The place where the sum of a slot of a fold is kept in a column's bank.
  Value& sum_of(Column& column, const Fold& fold, std::int64_t slot) {
    const auto& extents = extents_.at(static_cast<std::size_t>(fold.gemm));
    const std::int64_t streamed = extents.streamed;
    const auto cols = static_cast<std::int64_t>(columns_.size());
    if (column.gemm != fold.gemm) {
      column.gemm = fold.gemm;
      column.sums.assign(static_cast<std::size_t>(ceil_div(extents.cols, cols) * streamed),
                         Value{});
    }
    return column
        .sums[static_cast<std::size_t>(kept_range(fold, dataflow_).begin / cols * streamed +
                                       streamed_range(fold, dataflow_).begin + slot)];
  }

  // The next fold, from the one in hand on, that occupies this column.
  void find_fold(std::size_t c) {
    Column& column = columns_[c];
    column.slot = 0;
    for (; !column.walk.done(); column.walk.next_fold()) {
      column.fold = column.walk.fold();
      if (static_cast<std::int64_t>(c) < kept_range(column.fold, dataflow_).size()) {
        column.slots = streamed_range(column.fold, dataflow_).size();
        return;
      }
    }
  }

  Dataflow dataflow_ = Dataflow::kWeightStationary;
  std::vector<ArrayExtents> extents_;  // of each GEMM of the pass
  std::vector<Column> columns_;
};

}  // namespace potomac::sim
