// The tiles that a pass is worked off in: of all extents of a block that fit the scratchpads and
// that the array can work off (is_workable()), and of all six orders of the loops, those with the
// least traffic to DRAM.
//
// The search is exact, not a heuristic. Two of a block's extents are tried out, the third is as
// large as fits: it then has the fewest blocks, and traffic never grows with fewer. Where an
// operand's blocks overlap in their tensor (a convolution's patches), its own two extents are the
// ones that are tried, every one of them; where none does, traffic follows from the numbers of
// blocks, and of all extents that make the same number the smallest is tried.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/machine/architecture.hpp"
#include "sim/memory/traffic.hpp"

namespace potomac::sim {

// What of one tile fits, in elements of each kind.
struct TileRoom {
  std::int64_t first = 0;
  std::int64_t second = 0;
  std::int64_t results = 0;
};
// Half of each scratchpad that is double-buffered.
TileRoom room_of(const MemoryConfig& memory, const ElementBits& bits);
bool fits(const ByIndex<std::int64_t>& extents, const TileRoom& room);

// What the smallest tile takes of each scratchpad, in bits: one fold (in os, one slot of it).
struct SmallestTile {
  std::int64_t first = 0;
  std::int64_t second = 0;
  std::int64_t results = 0;
};
SmallestTile smallest_tile(const Architecture& architecture, const workloads::GemmShape& gemm,
                           const ElementBits& bits);

// Throws InputError that names the scratchpad and what it needs, if no block fits of which the
// array can take even one fold (in os, one slot of it), or if a word of a scratchpad is narrower
// than what a lane takes in a cycle. `machine` says whose operands they are.
void require_room(const Architecture& architecture, const workloads::GemmShape& gemm,
                  const ElementBits& bits, const std::string& machine, const std::string& layer);

// The blocks with the least traffic; of several, those in the order of fewer array cycles, fewer
// tiles, and of the loops by m, n, k. Precondition: require_room() passed.
Blocking least_traffic(GemmOperands& operands, const Architecture& architecture,
                       const ElementBits& bits);

// Blocks of the same traffic with more tiles, so that there is more to do while the next tile
// comes: each with one of the extents halved, as often as it goes. `blocking` itself comes first.
std::vector<Blocking> finer(GemmOperands& operands, const Architecture& architecture,
                            const ElementBits& bits, const Blocking& blocking);

}  // namespace potomac::sim
