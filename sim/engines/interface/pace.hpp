// How something outside of the array (a memory) holds it back without the engine knowing what it
// is. The array asks before every step that takes something in at its edges; while it must wait,
// all edges wait together, so that operands meet as ever: results and actions do not change.
#pragma once

#include <cstdint>

#include "sim/machine/fold_timing.hpp"
#include "sim/machine/schedule.hpp"

namespace potomac::sim {

// What the array takes in at its edges in one cycle: a streamed slot, a row of a stationary tile,
// or (pipelined ws, is) both. In ws and is, the partial sums of a slot come with it.
struct Step {
  static constexpr std::int64_t kNone = -1;

  std::uint64_t cycle = 0;  // since the pass began
  std::uint64_t fold_number = 0;
  const Fold* fold = nullptr;     // that streams, or whose turn is next
  std::int64_t slot = kNone;      // of its streamed slots
  const Fold* loading = nullptr;  // whose tile is loaded, or null
  std::uint64_t loading_number = 0;
  std::int64_t row = kNone;  // of the tile: the bottom one of the array first

  bool takes_any() const { return slot != kNone || row != kNone; }
};

// What the array takes in `at` cycles behind the first slot of a fold (before it, while at < 0).
inline Step step_at(const FoldTiming& timing, std::int64_t at, std::int64_t rows,
                    std::uint64_t cycle) {
  Step step{.cycle = cycle, .fold_number = timing.number, .fold = &timing.fold};
  if (at >= 0 && at < timing.slots) {
    step.slot = at;
  }
  if (at < 0) {
    step.loading = &timing.fold;
    step.loading_number = timing.number;
    step.row = -1 - at;
  } else if (timing.loads && at >= timing.share - rows) {
    step.loading = &*timing.loads;
    step.loading_number = timing.number + 1;
    step.row = timing.share - 1 - at;
  }
  return step;
}

struct MemoryJob;

class Pace {
 public:
  virtual ~Pace() = default;

  // Asked once in each cycle in which the array would take the step, in order. False: the array
  // waits for this cycle, which counts as a stall, and asks again in the next.
  virtual bool may_step(const Step& step) = 0;

  // Asked once in each cycle behind the pass's last, until it is true: such a cycle is a stall too.
  virtual bool may_end(std::uint64_t /*cycle*/) { return true; }

  // All stalls of the pass at once, instead of the above: for engines that do not step. As it
  // stands, it asks as an array would. Precondition: the schedule has a fold.
  virtual std::uint64_t total_stalls(const Schedule& schedule, Issue issue);

  // Where a memory is what holds the array back: what modules need that are to be that memory
  // beside an array, and to hold it back in this one's place (sim/memory). Null where it is not.
  virtual const MemoryJob* memory() { return nullptr; }
};

}  // namespace potomac::sim
