// A memory as what holds an array back: an engine that steps asks it step by step, one that has
// closed forms asks it tile by tile. Both get the same stalls.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "sim/engines/pace.hpp"
#include "sim/memory/tile_memory.hpp"

namespace potomac::sim {

// Of one pass. All that it is given must outlive it.
class MemoryPace : public Pace {
 public:
  // Precondition: the architecture has a memory whose DRAM is not ideal.
  MemoryPace(const Architecture& architecture, const Schedule& schedule,
             std::span<GemmOperands> operands, const ElementBits& bits);

  bool may_step(const Step& step) override;
  bool may_end(std::uint64_t cycle) override;
  std::uint64_t total_stalls(const Schedule& schedule, Issue issue) override;

  // Those so far.
  const StallCycles& stalls() const { return memory_.stalls(); }

 private:
  bool may_pass_gates(const Step& step);
  void take(const Step& step);

  const Architecture& architecture_;
  TileProgram program_;
  TileMemory memory_;

  // Step by step: the tile whose rows or slots come next, and the one before.
  bool has_rows_;
  bool rows_passed_ = false;
  std::optional<std::int64_t> until_;  // the array waits, at the gate that comes next
  TimedTile rows_tile_;                // whose rows are taken
  TimedTile slots_tile_;
  std::optional<std::int64_t> end_;
};

}  // namespace potomac::sim
