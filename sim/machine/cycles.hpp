// Cycles of a pass on an array: the closed forms of docs/timing.md. The arrays themselves count
// their cycles; tests prove that both agree.
#pragma once

#include <cstdint>

#include "sim/machine/schedule.hpp"

namespace potomac::sim {

// Where the cycles of some work went; total is their sum.
struct Cycles {
  std::uint64_t preload = 0;
  std::uint64_t stream = 0;
  std::uint64_t drain = 0;
  std::uint64_t stall = 0;

  std::uint64_t total() const { return preload + stream + drain + stall; }
  Cycles& operator+=(const Cycles& other);
  friend bool operator==(const Cycles&, const Cycles&) = default;
};

// Slots that stream past the PEs in one fold: the extent of the index that is not tiled.
std::int64_t streamed_slots(const workloads::GemmShape& gemm, Dataflow dataflow);

// Serial issue: a fold begins when the one before has left the far corner. A fold streams for
// S + R + C - 2 cycles; ws and is load R rows of their tile before it. Only the pass's last results
// are waited for: R cycles of drain in os, none in ws and is, whose results leave as they stream.
// A pass without GEMMs takes no cycle.
Cycles serial_cycles(const Schedule& schedule);

}  // namespace potomac::sim
