#include "sim/memory/scratchpad_room.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "sim/machine/schedule.hpp"
#include "support/error.hpp"

namespace potomac::sim {
namespace {

using workloads::GemmShape;

constexpr std::int64_t kBitsOfKib = 8192;

// The smallest block that the array can work off.
ByIndex<std::int64_t> smallest(const GemmShape& gemm, ArrayShape array, Dataflow dataflow) {
  const ByIndex<std::int64_t> units = array_units(array, dataflow);
  const ByIndex<std::int64_t> extents = extents_of(gemm);
  return {std::min(units[Index::kM], extents[Index::kM]),
          std::min(units[Index::kN], extents[Index::kN]),
          std::min(units[Index::kK], extents[Index::kK])};
}

}  // namespace

std::int64_t bits_of_tile(const ScratchpadConfig& scratchpad) {
  return scratchpad.kib * kBitsOfKib / (scratchpad.double_buffered ? 2 : 1);
}

std::int64_t kib_for(const ScratchpadConfig& scratchpad, std::int64_t tile_bits) {
  return ceil_div(tile_bits * (scratchpad.double_buffered ? 2 : 1), kBitsOfKib);
}

ByIndex<std::int64_t> array_units(ArrayShape array, Dataflow dataflow) {
  const ArrayIndices indices = array_indices(dataflow);
  ByIndex<std::int64_t> units;
  units[indices.rows] = array.rows;
  units[indices.cols] = array.cols;
  units[indices.streamed] = 1;
  return units;
}

TileRoom room_of(const MemoryConfig& memory, const ElementBits& bits) {
  return {bits_of_tile(memory.first) / bits.first, bits_of_tile(memory.second) / bits.second,
          bits_of_tile(memory.results) / bits.result};
}

bool fits(const ByIndex<std::int64_t>& extents, const TileRoom& room) {
  return extents[Index::kM] * extents[Index::kK] <= room.first &&
         extents[Index::kN] * extents[Index::kK] <= room.second &&
         extents[Index::kM] * extents[Index::kN] <= room.results;
}

SmallestTile smallest_tile(const Architecture& architecture, const GemmShape& gemm,
                           const ElementBits& bits) {
  const ByIndex<std::int64_t> block = smallest(gemm, architecture.array, architecture.dataflow);
  return {block[Index::kM] * block[Index::kK] * bits.first,
          block[Index::kN] * block[Index::kK] * bits.second,
          block[Index::kM] * block[Index::kN] * bits.result};
}

void require_memory(const Architecture& architecture, const ElementBits& bits,
                    const std::string& layer) {
  const MemoryConfig& memory = *architecture.memory;
  if (memory.dram && memory.dram->device && memory.dram->mapping == DramMapping::kXor &&
      !std::has_single_bit(static_cast<std::uint64_t>(channels_of(*memory.dram)))) {
    throw InputError(
        {"", "memory.dram.channels",
         fmt::format("{} channels are no power of two, by whose bits memory.dram.mapping xor goes",
                     channels_of(*memory.dram)),
         "set it to a power of two, or memory.dram.mapping to plain"});
  }
  const auto require = [&](const char* name, const ScratchpadConfig& scratchpad,
                           std::int64_t element) {
    if (scratchpad.word_bits < element) {
      throw InputError({"", fmt::format("layer {}, memory.{}.word_bits", layer, name),
                        fmt::format("a word of {} bits is narrower than the {} that a lane of the "
                                    "MF-MAC array takes in a cycle",
                                    scratchpad.word_bits, element),
                        fmt::format("set memory.{}.word_bits to {} or more", name, element)});
    }
  };
  require("first", memory.first, bits.first);
  require("second", memory.second, bits.second);
  require("results", memory.results, bits.result);
}

void require_room(const Architecture& architecture, const GemmShape& gemm, const ElementBits& bits,
                  const std::string& machine, const std::string& layer) {
  const MemoryConfig& memory = *architecture.memory;
  const SmallestTile tile = smallest_tile(architecture, gemm, bits);
  const auto require = [&](const char* name, const ScratchpadConfig& scratchpad,
                           std::int64_t needed, std::int64_t element) {
    const std::string place = fmt::format("layer {}, memory.{}", layer, name);
    if (needed > bits_of_tile(scratchpad)) {
      throw InputError(
          {"", place + ".kib",
           fmt::format(
               "{} KiB{} are too small for one fold of the {} array, {} elements of {} bits",
               scratchpad.kib, scratchpad.double_buffered ? ", double-buffered," : "", machine,
               needed / element, element),
           fmt::format("set memory.{}.kib to {} or more", name, kib_for(scratchpad, needed))});
    }
  };
  require("first", memory.first, tile.first, bits.first);
  require("second", memory.second, tile.second, bits.second);
  require("results", memory.results, tile.results, bits.result);
}

}  // namespace potomac::sim
