// The user's own tiles: memory.tiles of an architecture.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "sim/machine/architecture.hpp"
#include "sim/machine/unit.hpp"
#include "sim/memory/traffic.hpp"

namespace potomac::sim {

// The numbers, in memory.tiles, of those that are for the pass, whatever the machine.
std::vector<std::size_t> mappings_of(const MemoryConfig& memory, const std::string& layer,
                                     workloads::Pass pass);
// The one that counts for a machine whose PEs hold `unit`; nothing: tiles are chosen.
std::optional<std::size_t> mapping_for(const MemoryConfig& memory, const std::string& layer,
                                       workloads::Pass pass, Unit unit);

// What mapping number `number` makes of a GEMM. Throws InputError where the array cannot work it
// off, or by the scratchpad that it does not fit, and by how much.
Blocking mapped_blocks(const Architecture& architecture, std::size_t number,
                       const workloads::GemmShape& gemm, const ElementBits& bits, Unit unit,
                       const std::string& layer);

}  // namespace potomac::sim
