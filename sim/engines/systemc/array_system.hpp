// The SystemC system around an output-stationary array: a controller that walks the folds, two
// feeders that put operands on the array's edges, and a collector under its columns.
//
//   controller --command--> feeders --slots--> array --results--> collector
//
// One system runs any number of GEMMs, one after the other, without elaborating again.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <systemc>
#include <vector>

#include "rtl_models/systemc/output_stationary_array.hpp"
#include "sim/engines/systemc/operand_source.hpp"
#include "sim/machine/cycles.hpp"

namespace potomac::sim {

// What the controller tells the feeders for one cycle.
struct FeedCommand {
  std::int64_t fold = -1;
  std::int64_t k = 0;
  bool valid = false;

  friend bool operator==(const FeedCommand&, const FeedCommand&) = default;
};
inline std::ostream& operator<<(std::ostream& stream, const FeedCommand& command) {
  return stream << "fold " << command.fold << " k " << command.k << (command.valid ? "" : " -");
}
inline void sc_trace(sc_core::sc_trace_file* file, const FeedCommand& command,
                     const std::string& name) {
  rtl::trace_value(file, command.fold, name + ".fold");
  rtl::trace_value(file, command.k, name + ".k");
  sc_core::sc_trace(file, command.valid, name + ".valid");
}

// The extents of the GEMM in hand, cut into folds: fold f covers a block of rows and of columns,
// the columns' blocks innermost.
struct FoldPlan {
  ArrayShape array;
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;

  std::int64_t col_folds() const { return ceil_div(n, array.cols); }
  std::int64_t folds() const { return ceil_div(m, array.rows) * col_folds(); }
  std::int64_t m_begin(std::int64_t fold) const { return fold / col_folds() * array.rows; }
  std::int64_t n_begin(std::int64_t fold) const { return fold % col_folds() * array.cols; }
  std::int64_t rows(std::int64_t fold) const { return std::min(array.rows, m - m_begin(fold)); }
  std::int64_t cols(std::int64_t fold) const { return std::min(array.cols, n - n_begin(fold)); }
};

// Walks the folds under serial issue: a fold's slots, then R + C - 2 cycles until its far corner
// has finished; behind the last fold, R cycles for its results to leave. Counts the cycles of each.
class FoldController : public sc_core::sc_module {
 public:
  sc_core::sc_in<bool> clk{"clk"};
  sc_core::sc_out<FeedCommand> command{"command"};

  explicit FoldController(const sc_core::sc_module_name& name) : sc_module(name) {
    SC_HAS_PROCESS(FoldController);
    SC_METHOD(on_clock);
    sensitive << clk.pos();
    dont_initialize();
  }

  void start(const FoldPlan& plan) {
    plan_ = plan;
    fold_ = 0;
    cycle_ = 0;
    state_ = State::kStream;
    cycles_ = {};
  }

  // Cycles spent so far in the GEMM in hand.
  const Cycles& cycles() const { return cycles_; }

 private:
  enum class State { kIdle, kStream, kDrain, kDone };

  void on_clock() {
    switch (state_) {
      case State::kIdle:
        break;
      case State::kStream:
        stream();
        break;
      case State::kDrain:
        command->write({});
        cycles_.drain += 1;
        if (++cycle_ == plan_.array.rows) {
          state_ = State::kDone;
        }
        break;
      case State::kDone:
        // The last command is one edge ahead of the array: by now the array has seen every cycle.
        state_ = State::kIdle;
        sc_core::sc_pause();
        break;
    }
  }

  void stream() {
    const bool valid = cycle_ < plan_.k;
    command->write({fold_, valid ? cycle_ : 0, valid});
    cycles_.stream += 1;
    if (++cycle_ == plan_.k + plan_.array.rows + plan_.array.cols - 2) {
      cycle_ = 0;
      if (++fold_ == plan_.folds()) {
        state_ = State::kDrain;
      }
    }
  }

  FoldPlan plan_;
  State state_ = State::kIdle;
  std::int64_t fold_ = 0;
  std::int64_t cycle_ = 0;  // within the fold, or within the drain
  Cycles cycles_;
};

// Puts the slots that a command asks for on one edge of the array. Operands are fetched in blocks
// of depth, so that a feeder's memory does not grow with k.
template <typename Operand, typename Slot>
class OperandFeeder : public sc_core::sc_module {
 public:
  enum class Side { kWest, kNorth };

  sc_core::sc_in<FeedCommand> command{"command"};
  sc_core::sc_vector<sc_core::sc_out<Slot>> out;

  OperandFeeder(const sc_core::sc_module_name& name, Side side, std::size_t lanes)
      : sc_module(name), out("out", lanes), side_(side) {
    SC_HAS_PROCESS(OperandFeeder);
    SC_METHOD(on_command);
    sensitive << command;
    dont_initialize();
  }

  void start(const FoldPlan& plan, const OperandSource<Operand>& source) {
    plan_ = plan;
    source_ = &source;
    block_fold_ = -1;
  }

 private:
  static constexpr std::int64_t kBlockDepth = 1024;

  void on_command() {
    const FeedCommand& now = command->read();
    if (!now.valid) {
      for (std::size_t lane = 0; lane < lanes_driven_; ++lane) {
        out[lane]->write(Slot{});
      }
      lanes_driven_ = 0;
      return;
    }
    if (now.fold != block_fold_ || now.k < block_begin_ || now.k >= block_begin_ + block_depth_) {
      load_block(now);
    }
    for (std::size_t lane = 0; lane < lanes_; ++lane) {
      Slot slot;
      slot.operand = source_->translate(block_[lane * static_cast<std::size_t>(block_depth_) +
                                               static_cast<std::size_t>(now.k - block_begin_)]);
      slot.valid = true;
      if constexpr (requires { slot.first; }) {
        slot.first = now.k == 0;
        slot.last = now.k == plan_.k - 1;
      }
      out[lane]->write(slot);
    }
    for (std::size_t lane = lanes_; lane < lanes_driven_; ++lane) {
      out[lane]->write(Slot{});
    }
    lanes_driven_ = lanes_;
  }

  void load_block(const FeedCommand& now) {
    block_fold_ = now.fold;
    block_begin_ = now.k;
    block_depth_ = std::min(kBlockDepth, plan_.k - now.k);
    const bool west = side_ == Side::kWest;
    const std::int64_t begin = west ? plan_.m_begin(now.fold) : plan_.n_begin(now.fold);
    lanes_ = static_cast<std::size_t>(west ? plan_.rows(now.fold) : plan_.cols(now.fold));
    const auto depth = static_cast<std::size_t>(block_depth_);
    block_.resize(lanes_ * depth);
    for (std::size_t lane = 0; lane < lanes_; ++lane) {
      source_->fetch(begin + static_cast<std::int64_t>(lane), block_begin_,
                     {block_.data() + lane * depth, depth});
    }
  }

  Side side_;
  FoldPlan plan_;
  const OperandSource<Operand>* source_ = nullptr;
  std::vector<rtl::PotCode> block_;  // [lane][depth] from block_begin_ on
  std::int64_t block_fold_ = -1;
  std::int64_t block_begin_ = 0;
  std::int64_t block_depth_ = 0;
  std::size_t lanes_ = 0;         // occupied by the fold in hand
  std::size_t lanes_driven_ = 0;  // whose wire holds a valid slot
};

// Takes results from under the columns. Each column delivers its folds in order, the bottom row of
// a fold first, so that a count per column says which element of the output a result is.
template <typename Value>
class ResultCollector : public sc_core::sc_module {
 public:
  using Take = std::function<void(std::int64_t m, std::int64_t n, Value value)>;

  sc_core::sc_in<bool> clk{"clk"};
  sc_core::sc_vector<sc_core::sc_in<rtl::ResultSlot<Value>>> result;
  sc_core::sc_vector<sc_core::sc_in<rtl::DrainCommand>> drain;

  ResultCollector(const sc_core::sc_module_name& name, std::size_t cols)
      : sc_module(name), result("result", cols), drain("drain", cols), columns_(cols) {
    SC_HAS_PROCESS(ResultCollector);
    SC_METHOD(on_clock);
    sensitive << clk.pos();
    dont_initialize();
  }

  void start(const FoldPlan& plan, Take take) {
    plan_ = plan;
    take_ = std::move(take);
    received_ = 0;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      columns_[c] = {};
      next_fold(c, 0);
    }
  }

  std::int64_t received() const { return received_; }

 private:
  struct Column {
    std::int64_t fold = 0;
    std::int64_t rows_left = 0;
  };

  void on_clock() {
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      if (!drain[c]->read().shift || !result[c]->read().valid) {
        continue;
      }
      Column& column = columns_[c];
      column.rows_left -= 1;
      take_(plan_.m_begin(column.fold) + column.rows_left,
            plan_.n_begin(column.fold) + static_cast<std::int64_t>(c), result[c]->read().value);
      received_ += 1;
      if (column.rows_left == 0) {
        next_fold(c, column.fold + 1);
      }
    }
  }

  // The next fold, from `fold` on, that occupies this column.
  void next_fold(std::size_t c, std::int64_t fold) {
    while (fold < plan_.folds() && static_cast<std::int64_t>(c) >= plan_.cols(fold)) {
      ++fold;
    }
    columns_[c] = {fold, fold < plan_.folds() ? plan_.rows(fold) : 0};
  }

  FoldPlan plan_;
  Take take_;
  std::vector<Column> columns_;
  std::int64_t received_ = 0;
};

template <typename Unit>
class ArraySystem : public sc_core::sc_module {
 public:
  using Operand = typename Unit::Operand;
  using Value = typename Unit::Value;
  using Array = rtl::OutputStationaryArray<Unit>;

  ArraySystem(const sc_core::sc_module_name& name, ArrayShape shape, sc_core::sc_time period)
      : sc_module(name),
        clock_("clock", period),
        command_("command"),
        west_("west", static_cast<std::size_t>(shape.rows)),
        north_("north", static_cast<std::size_t>(shape.cols)),
        result_("result", static_cast<std::size_t>(shape.cols)),
        drain_("drain", static_cast<std::size_t>(shape.cols)),
        controller_("controller"),
        west_feeder_("west_feeder", WestFeeder::Side::kWest, static_cast<std::size_t>(shape.rows)),
        north_feeder_("north_feeder", NorthFeeder::Side::kNorth,
                      static_cast<std::size_t>(shape.cols)),
        array_("array", static_cast<std::size_t>(shape.rows), static_cast<std::size_t>(shape.cols),
               config_),
        collector_("collector", static_cast<std::size_t>(shape.cols)) {
    controller_.clk(clock_);
    controller_.command(command_);
    west_feeder_.command(command_);
    west_feeder_.out(west_);
    north_feeder_.command(command_);
    north_feeder_.out(north_);
    array_.clk(clock_);
    array_.west(west_);
    array_.north(north_);
    array_.result(result_);
    array_.drain(drain_);
    collector_.clk(clock_);
    collector_.result(result_);
    collector_.drain(drain_);
  }

  // Makes the units and all modules ready for a GEMM; the sources must live until it is finished.
  void start(const FoldPlan& plan, const typename Unit::Config& config,
             const OperandSource<Operand>& first, const OperandSource<Operand>& second,
             typename ResultCollector<Value>::Take take) {
    config_ = config;
    array_.reset_counters();
    west_feeder_.start(plan, first);
    north_feeder_.start(plan, second);
    collector_.start(plan, std::move(take));
    controller_.start(plan);
  }

  const Cycles& cycles() const { return controller_.cycles(); }
  std::int64_t results_received() const { return collector_.received(); }
  const Array& array() const { return array_; }

  void trace_registers(sc_core::sc_trace_file* file) const {
    sc_trace(file, command_.read(), std::string(name()) + ".command");
    array_.trace_registers(file);
  }

 private:
  using WestFeeder = OperandFeeder<Operand, typename Array::Row>;
  using NorthFeeder = OperandFeeder<Operand, typename Array::Column>;

  sc_core::sc_clock clock_;
  typename Unit::Config config_;
  sc_core::sc_signal<FeedCommand> command_;
  sc_core::sc_vector<sc_core::sc_signal<typename Array::Row>> west_;
  sc_core::sc_vector<sc_core::sc_signal<typename Array::Column>> north_;
  sc_core::sc_vector<sc_core::sc_signal<typename Array::Result>> result_;
  sc_core::sc_vector<sc_core::sc_signal<rtl::DrainCommand>> drain_;
  FoldController controller_;
  WestFeeder west_feeder_;
  NorthFeeder north_feeder_;
  Array array_;
  ResultCollector<Value> collector_;
};

}  // namespace potomac::sim
