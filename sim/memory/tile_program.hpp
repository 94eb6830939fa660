// What DMA has to do for each tile of a pass: which blocks are new, and how many bits of DRAM they
// are.
#pragma once

#include <cstdint>
#include <span>

#include "sim/memory/tile_walk.hpp"
#include "sim/memory/traffic.hpp"

namespace potomac::sim {

// A block that a scratchpad has while a tile is worked off.
struct BlockDemand {
  bool is_new = false;    // the tile before had another one, or there was none
  std::int64_t bits = 0;  // that must be read for it, if it is new
};

struct TileDemand {
  TimedTile tile;
  BlockDemand first;
  BlockDemand second;
  BlockDemand results;            // bits: of partial sums that were spilled
  std::int64_t results_bits = 0;  // that are written when the block is left
};

class TileProgram {
 public:
  // `operands`: of each entry of the schedule's GEMMs. All must outlive it.
  TileProgram(const Schedule& schedule, Issue issue, std::span<GemmOperands> operands,
              const ElementBits& bits);

  bool done() const { return walk_.done(); }
  // Precondition: not done().
  const TileDemand& now() const { return now_; }
  void next();

 private:
  void set_now(bool same_gemm);

  TileWalk walk_;
  std::span<GemmOperands> operands_;
  ElementBits bits_;
  GemmOperands::Part* part_ = nullptr;  // of the GEMM in hand
  TileDemand now_;
};

}  // namespace potomac::sim
