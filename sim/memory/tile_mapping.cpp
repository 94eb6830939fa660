#include "sim/memory/tile_mapping.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sim/machine/operand_fit.hpp"
#include "sim/machine/schedule.hpp"
#include "sim/memory/scratchpad_room.hpp"
#include "support/error.hpp"

namespace potomac::sim {
namespace {

using workloads::GemmShape;

// Whole folds, or all that there is.
void require_whole_folds(const Architecture& architecture, const GemmShape& gemm,
                         const ByIndex<std::int64_t>& extents, const std::string& place,
                         const std::string& layer) {
  const ByIndex<std::int64_t> units = array_units(architecture.array, architecture.dataflow);
  for (const auto& [index, name] :
       {std::pair(Index::kM, "m"), {Index::kN, "n"}, {Index::kK, "k"}}) {
    const std::int64_t extent = extents[index];
    // In os, the depth is the streamed index and has its own rule.
    if (extent == extents_of(gemm)[index] || extent % units[index] == 0) {
      continue;
    }
    const std::int64_t less = extent / units[index] * units[index];
    throw InputError({"", fmt::format("{}.{}", place, name),
                      fmt::format("layer {}: {} is neither all {} of the GEMM's nor a multiple of "
                                  "the {} that the array takes",
                                  layer, extent, extents_of(gemm)[index], units[index]),
                      fmt::format("write {}", less > 0 ? less : units[index])});
  }
}

void require_fit(const ScratchpadConfig& scratchpad, std::string_view name, std::int64_t elements,
                 std::int64_t element_bits, const std::string& place, const std::string& layer,
                 Unit unit) {
  const std::int64_t half = bits_of_tile(scratchpad);
  const std::int64_t bits = elements * element_bits;
  if (bits > half) {
    throw InputError(
        {"", place,
         fmt::format("layer {}: a tile's {} elements of {} bits are {} bits more than the {} of "
                     "memory.{}{} on the {} array",
                     layer, elements, element_bits, bits - half, half, name,
                     scratchpad.double_buffered ? " (half of it)" : "", info_of(unit).label),
         fmt::format("make the tile smaller, or memory.{}.kib {} or more; with machine: a mapping "
                     "is for one machine",
                     name, kib_for(scratchpad, bits))});
  }
}

}  // namespace

std::vector<std::size_t> mappings_of(const MemoryConfig& memory, const std::string& layer,
                                     workloads::Pass pass) {
  std::vector<std::size_t> numbers;
  for (std::size_t i = 0; i < memory.tiles.size(); ++i) {
    const TileMapping& one = memory.tiles[i];
    if (one.pass.value_or(pass) == pass && matches_layer(one.layer, layer)) {
      numbers.push_back(i);
    }
  }
  return numbers;
}

std::optional<std::size_t> mapping_for(const MemoryConfig& memory, const std::string& layer,
                                       workloads::Pass pass, Unit unit) {
  std::optional<std::size_t> last;
  for (const std::size_t number : mappings_of(memory, layer, pass)) {
    const std::string& machine = memory.tiles[number].machine;
    if (machine.empty() || machine == info_of(unit).name) {
      last = number;
    }
  }
  return last;
}

Blocking mapped_blocks(const Architecture& architecture, std::size_t number, const GemmShape& gemm,
                       const ElementBits& bits, Unit unit, const std::string& layer) {
  const MemoryConfig& memory = *architecture.memory;
  const TileMapping& mapping = memory.tiles[number];
  const std::string place = fmt::format("memory.tiles[{}]", number);
  const Blocking blocking{
      {std::min(mapping.m.value_or(gemm.m), gemm.m), std::min(mapping.n.value_or(gemm.n), gemm.n),
       std::min(mapping.k.value_or(gemm.k), gemm.k)},
      mapping.loop_order};
  require_whole_folds(architecture, gemm, blocking.extents, place, layer);
  if (!is_workable(gemm, blocking, architecture.array, architecture.dataflow)) {
    throw InputError({"", place + ".k",
                      fmt::format("layer {}: in os sums stay in the PEs, and a depth of {} is cut "
                                  "only in tiles of one fold, k as the innermost loop",
                                  layer, gemm.k),
                      fmt::format("leave k out, or write m: {}, n: {} and a loop_order that ends "
                                  "with k",
                                  architecture.array.rows, architecture.array.cols)});
  }
  const ByIndex<std::int64_t>& extents = blocking.extents;
  require_fit(memory.first, "first", extents[Index::kM] * extents[Index::kK], bits.first, place,
              layer, unit);
  require_fit(memory.second, "second", extents[Index::kN] * extents[Index::kK], bits.second, place,
              layer, unit);
  require_fit(memory.results, "results", extents[Index::kM] * extents[Index::kN], bits.result,
              place, layer, unit);
  return blocking;
}

}  // namespace potomac::sim
