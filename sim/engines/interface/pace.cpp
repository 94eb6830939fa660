#include "sim/engines/interface/pace.hpp"

#include "sim/machine/cycles.hpp"

namespace potomac::sim {

std::uint64_t Pace::total_stalls(const Schedule& schedule, Issue issue) {
  std::uint64_t stalls = 0;
  std::uint64_t cycle = 0;
  for (FoldWalk walk(schedule, issue); !walk.done(); walk.next()) {
    const FoldTiming& fold = walk.now();
    for (std::int64_t at = -fold.preload; at < fold.share; ++at, ++cycle) {
      ArrayStep step = step_at(fold, at, schedule.array().rows, cycle);
      while (step.takes_any() && !may_step(step)) {
        ++stalls;
        step.cycle = ++cycle;
      }
    }
  }
  cycle += cycles_of(schedule, issue).drain;
  while (!may_end(cycle)) {
    ++stalls;
    ++cycle;
  }
  return stalls;
}

}  // namespace potomac::sim
