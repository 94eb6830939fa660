// What DMA has to do for each tile of a pass: which blocks are new, and how many bits of DRAM they
// are.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
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

// What every block of an operand, and of the results, is taken to be.
struct BlockBits {
  std::int64_t first = 0;
  std::int64_t second = 0;
  std::int64_t results = 0;
};

class TileProgram {
 public:
  // `operands`: of each entry of the schedule's GEMMs. All must outlive it. With `alike`, blocks
  // are not what they have, but that.
  TileProgram(const Schedule& schedule, Issue issue, std::span<GemmOperands> operands,
              const ElementBits& bits, const std::optional<BlockBits>& alike = {});

  bool done() const { return walk_.done(); }
  // Precondition: not done().
  const TileDemand& now() const { return now_; }
  void next();

  // The walk, at the tile in hand.
  const TileWalk& walk() const { return walk_; }
  // Of the level at which the walk went on last: after how many of its iterations demands are the
  // same again, but for the last iteration; and how many are left till demands may be others.
  std::int64_t period() const;
  std::int64_t left() const;
  // As TileWalk's, over whole periods.
  void repeat(const TileWalk::Mark& since, std::int64_t times);

 private:
  void set_now(bool same_gemm);
  void set_bits();
  void set_periods();

  TileWalk walk_;
  std::span<GemmOperands> operands_;
  ElementBits bits_;
  std::optional<BlockBits> alike_;
  GemmOperands::Part* part_ = nullptr;     // of the GEMM in hand
  std::array<std::int64_t, 3> periods_{};  // by loop, of the GEMM in hand
  TileDemand now_;
};

}  // namespace potomac::sim
