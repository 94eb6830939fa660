// The results scratchpad of a stationary array. It is banked by column, below and above the array:
// a partial sum that leaves the bottom of a column is kept until the next fold of the same results
// wants it at the top, at full accumulator width; a finished one is a result. Where both fall into
// one cycle, it passes through. (What of it is spilled to DRAM meanwhile does not matter to its
// value: here, all of a GEMM's sums are kept.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <systemc>
#include <utility>
#include <vector>

#include "rtl_models/systemc/slots.hpp"
#include "sim/engines/systemc/array_system.hpp"
#include "sim/engines/systemc/stationary_feeders.hpp"

namespace potomac::sim {

template <typename Unit>
class PartialSums : public sc_core::sc_module {
 public:
  using Value = typename Unit::Value;
  using Sum = rtl::PartialSum<Value>;
  using Take = typename ArraySystem<Unit>::Take;

  sc_core::sc_in<bool> clk{"clk"};
  sc_core::sc_in<FeedCommand> command{"command"};
  sc_core::sc_vector<sc_core::sc_in<Sum>> bottom;
  sc_core::sc_vector<sc_core::sc_out<Sum>> top;

  PartialSums(const sc_core::sc_module_name& name, Dataflow dataflow, std::size_t cols)
      : sc_module(name), bottom("bottom", cols), top("top", cols), dataflow_(dataflow) {
    SC_HAS_PROCESS(PartialSums);
    SC_METHOD(on_clock);
    // Between the array's edges: it sees what the bottom registers took at the one before, and has
    // the top's wires ready for the next.
    sensitive << clk.neg();
    dont_initialize();
  }

  void start(const Schedule& schedule, Take take) {
    take_ = std::move(take);
    received_ = 0;
    extents_.clear();
    for (const workloads::GemmShape& gemm : schedule.gemms()) {
      extents_.insert(extents_.end(), static_cast<std::size_t>(gemm.count),
                      array_extents(gemm, dataflow_));
    }
    commands_.assign(bottom.size(), {});
    newest_ = 0;
    columns_.assign(bottom.size(), Column{Schedule::Walk(schedule), {}, 0, 0, -1, {}});
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      find_fold(c);
    }
  }

  std::int64_t received() const { return received_; }

 private:
  // One column's bank, and whose sum leaves it next.
  struct Column {
    Schedule::Walk walk;
    Fold fold;
    std::int64_t slot = 0;
    std::int64_t slots = 0;
    std::int64_t gemm = -1;   // whose sums these are
    std::vector<Value> sums;  // [tile of the array's columns][slot]
  };

  void on_clock() {
    if (columns_.empty()) {
      return;
    }
    newest_ = (newest_ + 1) % commands_.size();
    commands_[newest_] = command->read();
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      if (bottom[c]->read().valid) {
        take_in(c, bottom[c]->read().value);
      }
    }
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      // Column c is c cycles behind the array's corner.
      give_out(c, commands_[(newest_ + commands_.size() - c) % commands_.size()]);
    }
  }

  void take_in(std::size_t c, Value value) {
    Column& column = columns_[c];
    if (column.fold.last) {
      const std::int64_t kept =
          kept_range(column.fold, dataflow_).begin + static_cast<std::int64_t>(c);
      const std::int64_t slot = streamed_range(column.fold, dataflow_).begin + column.slot;
      const bool ws = dataflow_ == Dataflow::kWeightStationary;
      take_({column.walk.number(), &column.fold, ws ? slot : kept, ws ? kept : slot}, value);
      received_ += 1;
    } else {
      sum_of(column, column.fold, column.slot) = value;
    }
    if (++column.slot == column.slots) {
      column.walk.next_fold();
      find_fold(c);
    }
  }

  void give_out(std::size_t c, const FeedCommand& now) {
    if (!now.valid || static_cast<std::int64_t>(c) >= kept_range(now.fold, dataflow_).size()) {
      top[c]->write(Sum{});
      return;
    }
    top[c]->write({now.fold.first ? Value{} : sum_of(columns_[c], now.fold, now.slot), true});
  }

  // Where the sum of a slot of a fold is kept in a column's bank.
  Value& sum_of(Column& column, const Fold& fold, std::int64_t slot) {
    const auto& extents = extents_.at(static_cast<std::size_t>(fold.gemm));
    const std::int64_t streamed = extents.streamed;
    const auto cols = static_cast<std::int64_t>(bottom.size());
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

  Dataflow dataflow_;
  std::vector<ArrayExtents> extents_;  // of each GEMM of the pass
  Take take_;
  std::vector<FeedCommand> commands_;  // of the last C cycles
  std::size_t newest_ = 0;
  std::vector<Column> columns_;
  std::int64_t received_ = 0;
};

}  // namespace potomac::sim
