// What a DMA engine asks DRAM for.
#pragma once

#include <cstdint>

#include "sim/memory/tile_walk.hpp"

namespace potomac::sim {

enum class DramBlock { kFirst, kSecond, kResults };

struct DramRequest {
  DramBlock block = DramBlock::kFirst;
  TilePlace place;
  bool write = false;
  std::int64_t bits = 0;  // 0: no transfer, over at once
};

}  // namespace potomac::sim
