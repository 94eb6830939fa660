// What the edges of an array do in each cycle of a pass, whatever its dataflow and whatever it is
// built of: fold by fold its preload and its share, behind an output-stationary pass's last fold R
// cycles for its results to leave, and cycles in which something outside holds the array back.
// SystemC modules call it, and so does whatever else steps an array.
#pragma once

#include <cstdint>
#include <optional>

#include "sim/machine/array_step.hpp"
#include "sim/machine/cycles.hpp"
#include "sim/machine/fold_timing.hpp"

namespace potomac::sim {

// What the feeders put on the array's edges in one cycle.
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

// Cycles of PEs by what the array does: those that a fold uses or leaves unused while it streams,
// and all of them else.
struct PeCycles {
  std::uint64_t used = 0;
  std::uint64_t edge = 0;
  std::uint64_t preload = 0;
  std::uint64_t drain = 0;
  std::uint64_t stall = 0;
};

class FoldSequencer {
 public:
  // Precondition: the schedule has a fold, and outlives the pass.
  void start(const Schedule& schedule, Issue issue);

  // Whether there is no pass in hand, or it has been run to its end.
  bool finished() const { return state_ == State::kIdle; }

  // One cycle: the command for the feeders. `may_step(ArrayStep)` is asked before the array takes
  // something in, `may_end(cycle)` behind its last cycle: false holds it back for this cycle, and
  // each is asked again in the next. A command is one edge ahead of the array, so the pass is
  // finished() two cycles behind its last.
  template <typename MayStep, typename MayEnd>
  FeedCommand next(const MayStep& may_step, const MayEnd& may_end) {
    switch (state_) {
      case State::kIdle:
        return {};
      case State::kFold: {
        const ArrayStep step = step_at(walk_->now(), at_, array_.rows, cycles_.total());
        if (step.takes_any() && !may_step(step)) {
          count_stall();
          return {};
        }
        return take(step);
      }
      case State::kDrain:
        count_drain();
        return {};
      case State::kDone:
        // At this edge the array does the last cycle.
        if (may_end(cycles_.total())) {
          state_ = State::kSettled;
        } else {
          count_stall();
        }
        return {};
      case State::kSettled:
        // What the array wrote at its last edge has been collected.
        state_ = State::kIdle;
        return {};
    }
    return {};
  }

  // Spent so far in the pass in hand.
  const Cycles& cycles() const { return cycles_; }
  const PeCycles& pe_cycles() const { return pe_cycles_; }

 private:
  enum class State { kIdle, kFold, kDrain, kDone, kSettled };

  FeedCommand take(const ArrayStep& step);
  void count(const Fold& fold);
  void count_drain();
  void count_stall();
  void end_fold();
  std::uint64_t pes() const { return static_cast<std::uint64_t>(array_.pes()); }

  std::optional<FoldWalk> walk_;
  ArrayShape array_;
  Dataflow dataflow_ = Dataflow::kOutputStationary;
  State state_ = State::kIdle;
  std::int64_t at_ = 0;  // cycles behind the fold's first slot, or within the drain
  Cycles cycles_;
  PeCycles pe_cycles_;
};

}  // namespace potomac::sim
