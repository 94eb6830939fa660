// A memory as what holds an array back, computed: tile by tile for engines that have closed forms,
// step by step for those that step. Both get the same stalls.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <utility>

#include "sim/engines/interface/pace.hpp"
#include "sim/memory/tile_cursor.hpp"
#include "sim/memory/tile_memory.hpp"
#include "sim/memory/tile_periods.hpp"

namespace potomac::sim {

// The memory of one pass. All that it is given must outlive it.
class MemoryPace : public Pace {
 public:
  // Precondition: the architecture has a memory whose DRAM is not ideal.
  MemoryPace(const Architecture& architecture, const Schedule& schedule,
             std::span<GemmOperands> operands, const ElementBits& bits);

  bool may_step(const ArrayStep& step) override;
  bool may_end(std::uint64_t cycle) override;
  std::uint64_t total_stalls(const Schedule& schedule, Issue issue) override;

  // Has total_stalls() take blocks for that.
  void take_blocks_for(const BlockBits& alike) { alike_ = alike; }
  // Has total_stalls() walk every tile, to prove that it need not.
  void walk_every_tile() { repeats_ = false; }
  // Has total_stalls() give up, and return what it has, when there are more stalls than that.
  void give_up_beyond(std::uint64_t stalls) { most_ = stalls; }
  // Has total_stalls() tell, every few tiles, how many bursts a DRAM device has served since it
  // told last. What it throws ends the walk.
  void tell_bursts(std::function<void(std::uint64_t bursts)> told) { told_ = std::move(told); }
  // Has total_stalls() walk every tile, telling of all that happens, till that is enough; what it
  // returns is then no sum. `observer` must outlive it.
  void observe(MemoryObserver& observer) {
    observer_ = &observer;
    memory_.observe(observer);
    walk_every_tile();
  }
  std::uint64_t tiles_walked() const { return tiles_walked_; }

  // The stalls so far.
  const StallCycles& stalls() const { return memory_.stalls(); }
  DramCounts dram_counts() const { return memory_.dram_counts(); }

 private:
  static constexpr std::uint64_t kTellEvery = 256;  // tiles

  void tell();
  void repeat(TileProgram& program, TilePeriods& periods, std::int64_t& held,
              std::int64_t& last_slot);

  std::span<GemmOperands> operands_;
  ElementBits bits_;
  bool has_rows_;  // of stationary tiles
  TileMemory memory_;
  TileCursor cursor_;
  std::optional<std::int64_t> until_;  // the array waits, at the intake that comes next
  std::optional<std::int64_t> end_;
  bool repeats_ = true;
  std::optional<BlockBits> alike_;
  std::uint64_t most_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t tiles_walked_ = 0;
  std::function<void(std::uint64_t bursts)> told_;
  std::uint64_t told_bursts_ = 0;
  MemoryObserver* observer_ = nullptr;
};

}  // namespace potomac::sim
