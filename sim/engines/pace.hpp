// How something outside of the array (a memory) holds it back without the engine knowing what it
// is. The array asks before every step that takes something in at its edges; while it must wait,
// all edges wait together, so that operands meet as ever: results and actions do not change.
#pragma once

#include <cstdint>

#include "sim/machine/schedule.hpp"

namespace potomac::sim {

struct Step {
  std::uint64_t cycle = 0;  // since the pass began
  std::uint64_t fold_number = 0;
  const Fold* fold = nullptr;
  std::int64_t slot = 0;  // of the fold's streamed slots
};

class Pace {
 public:
  virtual ~Pace() = default;

  // Asked once in each cycle in which the array would take the step, in order. False: the array
  // waits for this cycle, which counts as a stall, and asks again in the next.
  virtual bool may_step(const Step& step) = 0;
};

}  // namespace potomac::sim
