// What a memory means for one pass, on one machine: the tiles, what moves, how long the array
// waits.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "energy/memory_accesses.hpp"
#include "sim/engines/pace.hpp"
#include "sim/memory/tile_memory.hpp"
#include "sim/memory/tiler.hpp"

namespace potomac::sim {

struct PassMemory {
  ElementBits bits;
  std::vector<Blocking> tiles;  // of each of the pass's GEMMs (an entry of gemms_of())
  energy::MemoryAccesses accesses;
  StallCycles stalls;  // none if DRAM is ideal
};

// Throws InputError if a scratchpad is too small or too narrow for the machine. Precondition: the
// architecture has a memory.
PassMemory plan_memory(std::span<GemmOperands> operands, const Architecture& architecture,
                       const ElementBits& bits, std::string_view machine, const std::string& layer);

// How long the array waits in a pass, known beforehand.
class KnownStalls : public Pace {
 public:
  explicit KnownStalls(const StallCycles& stalls) : stalls_(stalls.total()) {}

  // Precondition: the engine does not step.
  bool may_step(const Step& step) override;
  std::uint64_t total_stalls(const Schedule& /*schedule*/, Issue /*issue*/) override {
    return stalls_;
  }

 private:
  std::uint64_t stalls_;
};

}  // namespace potomac::sim
