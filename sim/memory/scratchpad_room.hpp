// What of a GEMM fits into the scratchpads at once.
#pragma once

#include <cstdint>
#include <string>

#include "sim/machine/architecture.hpp"
#include "sim/machine/blocking.hpp"
#include "sim/memory/traffic.hpp"

namespace potomac::sim {

// What a tile may have of a scratchpad: half of one that is double-buffered.
std::int64_t bits_of_tile(const ScratchpadConfig& scratchpad);
// The KiB of which a tile may have so many bits.
std::int64_t kib_for(const ScratchpadConfig& scratchpad, std::int64_t tile_bits);

// What of one tile fits, in elements of each kind.
struct TileRoom {
  std::int64_t first = 0;
  std::int64_t second = 0;
  std::int64_t results = 0;
};
TileRoom room_of(const MemoryConfig& memory, const ElementBits& bits);
bool fits(const ByIndex<std::int64_t>& extents, const TileRoom& room);

// The steps in which an array can take each index.
ByIndex<std::int64_t> array_units(ArrayShape array, Dataflow dataflow);

// What the smallest tile takes of each scratchpad, in bits: one fold (in os, one slot of it).
struct SmallestTile {
  std::int64_t first = 0;
  std::int64_t second = 0;
  std::int64_t results = 0;
};
SmallestTile smallest_tile(const Architecture& architecture, const workloads::GemmShape& gemm,
                           const ElementBits& bits);

// Throws InputError if a word of a scratchpad is narrower than what a lane of the MF-MAC array,
// whose `bits` are, takes in a cycle; or if DRAM has channels that its mapping does not know.
void require_memory(const Architecture& architecture, const ElementBits& bits,
                    const std::string& layer);
// Throws InputError that names the scratchpad and what it needs, if no block fits of which the
// array can take even one fold (in os, one slot of it). `machine` says whose operands they are.
void require_room(const Architecture& architecture, const workloads::GemmShape& gemm,
                  const ElementBits& bits, const std::string& machine, const std::string& layer);

}  // namespace potomac::sim
