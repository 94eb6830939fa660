// Cycles of a pass on an array: the closed forms of docs/timing.md. The arrays themselves count
// their cycles; tests prove that both agree.
#pragma once

#include <cstdint>

#include "sim/machine/architecture.hpp"
#include "sim/machine/schedule.hpp"

namespace potomac::sim {

// The cycles of some work, by what they went to; total is their sum.
struct Cycles {
  std::uint64_t preload = 0;
  std::uint64_t stream = 0;
  std::uint64_t drain = 0;
  std::uint64_t stall = 0;

  std::uint64_t total() const { return preload + stream + drain + stall; }
  Cycles& operator+=(const Cycles& other);
  friend bool operator==(const Cycles&, const Cycles&) = default;
};

// The cycles of a pass. A fold streams for its share (fold_timing.hpp); ws and is load R rows
// before each fold (serial issue) or before the first (pipelined). Only the pass's last results are
// waited for: R cycles of drain in os, none in ws and is, whose results leave as they stream. A
// pass without GEMMs takes no cycle.
Cycles cycles_of(const Schedule& schedule, Issue issue);

}  // namespace potomac::sim
