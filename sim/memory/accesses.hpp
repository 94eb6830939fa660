// Reads and writes of the scratchpads and of DRAM by a pass that is worked off tile by tile.
//
// The array reads and writes a scratchpad lane by lane: what one fold takes of a lane of the edge,
// or leaves at it, stands in consecutive bits of the lane's bank, from a word's begin on. DMA fills
// and empties a tile's block as a whole, likewise. (As many bits as are asked for; words are those
// that they touch.)
#pragma once

#include "energy/counts/memory_accesses.hpp"
#include "sim/machine/architecture.hpp"
#include "sim/machine/schedule.hpp"
#include "sim/memory/traffic.hpp"

namespace potomac::sim {

// Adds those of entry `entry` of the schedule's GEMMs, which are worked off with its blocks.
// `operands` are that entry's.
void add_accesses(energy::MemoryAccesses& accesses, const Schedule& schedule, std::size_t entry,
                  const MemoryConfig& memory, GemmOperands& operands, const ElementBits& bits);

}  // namespace potomac::sim
