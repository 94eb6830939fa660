// The timeline of all passes of a plan on its machines. It is computed from the plan, and so the
// same for all engines; tests hold its sums to the report's cycles.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>

#include "sim/plan/pass_plans.hpp"
#include "sim/results/cycle_window.hpp"
#include "sim/results/timeline.hpp"

namespace potomac::sim {

struct TimelineOptions {
  std::optional<CycleWindow> window;      // only slices that have a part in it; nothing: all
  bool longest_pass = false;              // only of the pass that takes the first machine longest
  std::size_t most_slices = 200000;       // of a machine, passes apart
  std::function<void()> check_stop = {};  // called before each pass: what it throws ends it
};

Timeline timeline_of(const PassPlans& plans, const TimelineOptions& options);

}  // namespace potomac::sim
