#include "sim/memory/known_tiles.hpp"

#include <algorithm>

namespace potomac::sim {
namespace {

bool has(const TileRoom& room, const TileRoom& other) {
  return room.first >= other.first && room.second >= other.second && room.results >= other.results;
}

// With scratchpads that are as large as can be.
Architecture with_largest_memory(const Architecture& architecture) {
  Architecture large = architecture;
  for (ScratchpadConfig* const scratchpad :
       {&large.memory->first, &large.memory->second, &large.memory->results}) {
    scratchpad->kib = kMaxScratchpadKib;
  }
  return large;
}

}  // namespace

JudgedBlocking KnownTilesOfPass::best(std::size_t entry, const Architecture& architecture,
                                      const ElementBits& bits) {
  const MemoryConfig& memory = *architecture.memory;
  GemmOperands& operands = operands_[entry];
  if (memory.dram && memory.dram->device) {
    return Tiler(operands, architecture, bits).best(memory.objective);
  }
  const Key key{
      entry,
      {bits.first, bits.second, bits.result},
      {architecture.array.rows, architecture.array.cols},
      architecture.dataflow,
      architecture.issue,
      memory.objective,
      {memory.first.double_buffered, memory.second.double_buffered, memory.results.double_buffered},
      {architecture.clock_mhz, memory.dram ? memory.dram->bandwidth_gb_s : 0.0,
       memory.dram ? memory.dram->latency_ns : 0.0}};
  std::vector<Found>& found = found_[key];
  const TileRoom room = room_of(memory, bits);
  // What is best of more, and fits, is best.
  const auto known = [&]() {
    return std::ranges::find_if(found, [&](const Found& one) {
      return has(one.room, room) && fits(one.best.blocking.extents, room);
    });
  };
  if (found.empty()) {
    const Architecture large = with_largest_memory(architecture);
    found.push_back(
        {room_of(*large.memory, bits), Tiler(operands, large, bits).best(memory.objective)});
  }
  if (const auto at = known(); at != found.end()) {
    return at->best;
  }
  found.push_back({room, Tiler(operands, architecture, bits).best(memory.objective)});
  return found.back().best;
}

KnownTilesOfPass& KnownTiles::of(const workloads::LayerShape& layer, workloads::Pass pass,
                                 const workloads::Lowering& lowering) {
  const std::scoped_lock lock(mutex_);
  return passes_.try_emplace({&layer, pass, lowering.strided_backward_data}, layer, pass, lowering)
      .first->second;
}

}  // namespace potomac::sim
