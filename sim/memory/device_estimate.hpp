// What the blocks of a GEMM take of a DRAM device, reckoned without it: to compare tiles. A block
// takes as long as its bursts, or as long as it takes to open the rows in which they lie, whichever
// is longer; and all blocks of a kind as long as one in the middle.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <tuple>

#include "sim/memory/dram_places.hpp"
#include "sim/memory/tile_program.hpp"

namespace potomac::sim {

class DeviceEstimate {
 public:
  // Of one entry of a pass's GEMMs, which must outlive it.
  DeviceEstimate(const DramPreset& preset, GemmOperands& operands, const ElementBits& bits);

  // What blocks of these extents take of the device, in bits that pass at its full bandwidth.
  BlockBits of_blocks(const ByIndex<std::int64_t>& extents);
  // The bits of their bursts alone.
  BlockBits bursts_of_blocks(const ByIndex<std::int64_t>& extents);

 private:
  struct Taken {
    std::int64_t bursts = 0;  // bits
    std::int64_t all = 0;     // at least as many
  };
  Taken of_block(DramBlock block, Index one, Index other, const ByIndex<std::int64_t>& extents,
                 std::int64_t elements_bits);
  std::array<Taken, 3> of_all_blocks(const ByIndex<std::int64_t>& extents);

  DramPreset preset_;
  GemmOperands& operands_;
  ElementBits bits_;
  DramPlaces places_;
  std::map<std::tuple<DramBlock, std::int64_t, std::int64_t>, Taken> known_;
};

}  // namespace potomac::sim
