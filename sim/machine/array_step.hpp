// One cycle of an array, as far as its edges take something in.
#pragma once

#include <cstdint>

#include "sim/machine/fold_timing.hpp"

namespace potomac::sim {

// What the array takes in at its edges in one cycle: a streamed slot, a row of a stationary tile,
// or (pipelined ws, is) both. In ws and is, the partial sums of a slot come with it.
struct ArrayStep {
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
inline ArrayStep step_at(const FoldTiming& timing, std::int64_t at, std::int64_t rows,
                         std::uint64_t cycle) {
  ArrayStep step{.cycle = cycle, .fold_number = timing.number, .fold = &timing.fold};
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

}  // namespace potomac::sim
