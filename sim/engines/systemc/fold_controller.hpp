// The controller of an array, whatever its dataflow: it walks the folds of a pass with their
// timing, and tells the feeders, cycle by cycle, what to put on the array's edges.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <systemc>

#include "rtl_models/systemc/waveform.hpp"
#include "sim/engines/interface/pace.hpp"
#include "sim/machine/cycles.hpp"
#include "sim/machine/fold_timing.hpp"

namespace potomac::sim {

// What the controller tells the feeders for one cycle.
struct FeedCommand {
  std::int64_t number = -1;  // of the fold that streams
  Fold fold;
  std::int64_t slot = 0;
  bool valid = false;

  // The stationary tile that is loaded in this cycle: its fold, and the row that enters.
  std::int64_t load_number = -1;
  Fold load;
  std::int64_t row = 0;
  bool loads = false;

  // Folds' numbers, slot and row say it all.
  friend bool operator==(const FeedCommand& a, const FeedCommand& b) {
    return a.number == b.number && a.slot == b.slot && a.valid == b.valid &&
           a.load_number == b.load_number && a.row == b.row && a.loads == b.loads;
  }
};
inline std::ostream& operator<<(std::ostream& stream, const FeedCommand& command) {
  return stream << "fold " << command.number << " slot " << command.slot
                << (command.valid ? "" : " -");
}
inline void add(rtl::Waveform& waveform, const FeedCommand& command, const std::string& name) {
  waveform.add_number(command.number, name + ".fold");
  waveform.add_number(command.slot, name + ".slot");
  waveform.add(command.valid, name + ".valid");
  waveform.add_number(command.load_number, name + ".load_fold");
  waveform.add_number(command.row, name + ".row");
  waveform.add(command.loads, name + ".loads");
}
// SystemC's ports ask for it.
inline void sc_trace(sc_core::sc_trace_file* file, const FeedCommand& command,
                     const std::string& name) {
  rtl::Waveform waveform(file, 8, 64);
  add(waveform, command, name);
}

// Cycles of PEs by what the controller has the array do: those that a fold uses or leaves unused
// while it streams, and all of them else.
struct PeCycles {
  std::uint64_t used = 0;
  std::uint64_t edge = 0;
  std::uint64_t preload = 0;
  std::uint64_t drain = 0;
  std::uint64_t stall = 0;
};

// Fold by fold its preload and its share; behind an output-stationary pass's last fold, R cycles
// for its results to leave. Counts the cycles of each.
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

  // Precondition: the schedule has a fold, and outlives the pass, as `pace` does, which may be
  // null.
  void start(const Schedule& schedule, Issue issue, Pace* pace) {
    array_ = schedule.array();
    dataflow_ = schedule.dataflow();
    timeline_.emplace(schedule, issue);
    at_ = -timeline_->now().preload;
    pace_ = pace;
    state_ = State::kFold;
    cycles_ = {};
    pe_cycles_ = {};
  }

  // Whether there is no pass in hand, or it has been run to its end.
  bool finished() const { return state_ == State::kIdle; }

  // Cycles spent so far in the pass in hand.
  const Cycles& cycles() const { return cycles_; }
  const PeCycles& pe_cycles() const { return pe_cycles_; }

 private:
  enum class State { kIdle, kFold, kDrain, kDone, kSettled };

  void on_clock() {
    switch (state_) {
      case State::kIdle:
        break;
      case State::kFold:
        step();
        break;
      case State::kDrain:
        command->write({});
        cycles_.drain += 1;
        pe_cycles_.drain += pes();
        if (++at_ == array_.rows) {
          state_ = State::kDone;
        }
        break;
      case State::kDone:
        // A command is one edge ahead of the array: at this edge the array does the last cycle.
        command->write({});
        if (pace_ == nullptr || pace_->may_end(cycles_.total())) {
          state_ = State::kSettled;
        } else {
          count_stall();
        }
        break;
      case State::kSettled:
        // What the array wrote at its last edge has been collected.
        state_ = State::kIdle;
        sc_core::sc_pause();
        break;
    }
  }

  void step() {
    const FoldTiming& timing = timeline_->now();
    const Step step = step_at(timing, at_, array_.rows, cycles_.total());
    if (pace_ != nullptr && step.takes_any() && !pace_->may_step(step)) {
      command->write({});
      count_stall();
      return;
    }
    FeedCommand now;
    if (step.slot != Step::kNone) {
      now.number = static_cast<std::int64_t>(timing.number);
      now.fold = timing.fold;
      now.slot = step.slot;
      now.valid = true;
    }
    if (step.row != Step::kNone) {
      now.load_number = static_cast<std::int64_t>(step.loading_number);
      now.load = *step.loading;
      now.row = step.row;
      now.loads = true;
    }
    command->write(now);
    count(timing.fold);
    if (++at_ == timing.share) {
      timeline_->next();
      end_fold();
    }
  }

  void count_stall() {
    cycles_.stall += 1;
    pe_cycles_.stall += pes();
  }

  void count(const Fold& fold) {
    if (at_ < 0) {
      cycles_.preload += 1;
      pe_cycles_.preload += pes();
      return;
    }
    cycles_.stream += 1;
    const ArrayExtents extents = array_extents(fold, dataflow_);
    const auto used = static_cast<std::uint64_t>(extents.rows * extents.cols);
    pe_cycles_.used += used;
    pe_cycles_.edge += pes() - used;
  }

  void end_fold() {
    if (!timeline_->done()) {
      at_ = -timeline_->now().preload;
      return;
    }
    at_ = 0;
    state_ = dataflow_ == Dataflow::kOutputStationary ? State::kDrain : State::kDone;
  }

  std::uint64_t pes() const { return static_cast<std::uint64_t>(array_.pes()); }

  std::optional<Timeline> timeline_;
  ArrayShape array_;
  Dataflow dataflow_ = Dataflow::kOutputStationary;
  Pace* pace_ = nullptr;
  State state_ = State::kIdle;
  std::int64_t at_ = 0;  // cycles behind the fold's first slot, or within the drain
  Cycles cycles_;
  PeCycles pe_cycles_;
};

}  // namespace potomac::sim
