// How something outside of the array (a memory) holds it back without the engine knowing what it
// is. The array asks before every step that takes something in at its edges; while it must wait,
// all edges wait together, so that operands meet as ever: results and actions do not change.
#pragma once

#include <cstdint>

#include "sim/machine/array_step.hpp"
#include "sim/machine/schedule.hpp"

namespace potomac::sim {

struct MemoryJob;

class Pace {
 public:
  virtual ~Pace() = default;

  // Asked once in each cycle in which the array would take the step, in order. False: the array
  // waits for this cycle, which counts as a stall, and asks again in the next.
  virtual bool may_step(const ArrayStep& step) = 0;

  // Asked once in each cycle behind the pass's last, until it is true: such a cycle is a stall too.
  virtual bool may_end(std::uint64_t /*cycle*/) { return true; }

  // All stalls of the pass at once, instead of the above: for engines that do not step. As it
  // stands, it asks as an array would. Precondition: the schedule has a fold.
  virtual std::uint64_t total_stalls(const Schedule& schedule, Issue issue);

  // What modules need to be the memory beside an array, where a memory is what holds it
  // back, and to hold it back in this one's place (sim/memory). Null where it is not.
  virtual const MemoryJob* memory() { return nullptr; }
};

}  // namespace potomac::sim
