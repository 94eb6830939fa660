// The controller of an output-stationary array: it walks the schedule of a pass and tells the
// feeders, cycle by cycle, which slot to put on the array's edges.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <systemc>

#include "sim/engines/pace.hpp"
#include "sim/machine/cycles.hpp"
#include "sim/machine/schedule.hpp"

namespace potomac::sim {

// What the controller tells the feeders for one cycle.
struct FeedCommand {
  std::int64_t number = -1;  // of the fold
  Fold fold;
  std::int64_t slot = 0;
  bool valid = false;

  // A fold's number and its slot say it all.
  friend bool operator==(const FeedCommand& a, const FeedCommand& b) {
    return a.number == b.number && a.slot == b.slot && a.valid == b.valid;
  }
};
inline std::ostream& operator<<(std::ostream& stream, const FeedCommand& command) {
  return stream << "fold " << command.number << " slot " << command.slot
                << (command.valid ? "" : " -");
}
inline void sc_trace(sc_core::sc_trace_file* file, const FeedCommand& command,
                     const std::string& name) {
  sc_core::sc_trace(file, command.number, name + ".fold", 64);
  sc_core::sc_trace(file, command.slot, name + ".slot", 64);
  sc_core::sc_trace(file, command.valid, name + ".valid");
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

// Serial issue: a fold's slots, then R + C - 2 cycles until its far corner has finished; behind the
// pass's last fold, R cycles for its results to leave. Counts the cycles of each.
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
  void start(const Schedule& schedule, Pace* pace) {
    walk_.emplace(schedule);
    fold_ = walk_->fold();
    array_ = schedule.array();
    pace_ = pace;
    cycle_ = 0;
    state_ = State::kStream;
    cycles_ = {};
    pe_cycles_ = {};
  }

  // Cycles spent so far in the pass in hand.
  const Cycles& cycles() const { return cycles_; }
  const PeCycles& pe_cycles() const { return pe_cycles_; }

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
        pe_cycles_.drain += pes();
        if (++cycle_ == array_.rows) {
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
    const bool valid = cycle_ < fold_.k.size();
    if (valid && pace_ != nullptr &&
        !pace_->may_step({cycles_.total(), walk_->number(), &fold_, cycle_})) {
      command->write({});
      cycles_.stall += 1;
      pe_cycles_.stall += pes();
      return;
    }
    command->write({static_cast<std::int64_t>(walk_->number()), fold_, valid ? cycle_ : 0, valid});
    cycles_.stream += 1;
    const auto used = static_cast<std::uint64_t>(fold_.m.size() * fold_.n.size());
    pe_cycles_.used += used;
    pe_cycles_.edge += pes() - used;
    if (++cycle_ == fold_.k.size() + array_.rows + array_.cols - 2) {
      cycle_ = 0;
      walk_->next_fold();
      if (walk_->done()) {
        state_ = State::kDrain;
      } else {
        fold_ = walk_->fold();
      }
    }
  }

  std::uint64_t pes() const { return static_cast<std::uint64_t>(array_.pes()); }

  std::optional<Schedule::Walk> walk_;
  Fold fold_;
  ArrayShape array_;
  Pace* pace_ = nullptr;
  State state_ = State::kIdle;
  std::int64_t cycle_ = 0;  // within the fold, or within the drain
  Cycles cycles_;
  PeCycles pe_cycles_;
};

}  // namespace potomac::sim
