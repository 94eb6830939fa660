// Scratchpads and their DMA engines, computed tile by tile: when the array finds what it needs.
// (tlm_memory.hpp has them as modules; transfers.hpp says in which order they use the bus.)
//
// DMA brings the blocks of a tile while the array works at the tile before, and takes away the
// results of the one before that. A new block goes into the half of its scratchpad that is free, or
// becomes free when the array has taken the last element of what is there; a scratchpad that is
// not double-buffered has one such half. Partial sums are asked for together with the write that
// makes room for them, behind which they pass the bus.
//
// The array waits for the stationary operand when it would load a tile's first row, and for the
// rest, room for its results and their partial sums when it would take in a tile's first slot. A
// cycle in which it waits is charged to the first of these that is missing: the first operand, the
// second, results.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sim/memory/dram.hpp"
#include "sim/memory/tile_program.hpp"
#include "sim/memory/transfers.hpp"

namespace potomac::sim {

// Cycles that the array waited, by what it waited for.
struct StallCycles {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  std::uint64_t results = 0;  // room for them, their partial sums, or their way to DRAM at the end

  std::uint64_t total() const { return first + second + results; }
  friend bool operator==(const StallCycles&, const StallCycles&) = default;
};

class TileMemory {
 public:
  // Precondition: the architecture has a memory whose DRAM is not ideal.
  // All that it is given must outlive it.
  TileMemory(const Architecture& architecture, const Schedule& schedule,
             std::span<GemmOperands> operands, const ElementBits& bits);

  // What happens to a tile, in the order in which the array comes to it. Each returns the cycle in
  // which the array may go on.
  //
  // In ws and is: in cycle `now` it would load the first row. The rows of the tile before are
  // taken.
  std::int64_t rows(const TileDemand& tile, std::int64_t now);
  // In cycle `now` it would take in the first slot. The slots of the tile before are taken.
  std::int64_t slots(const TileDemand& tile, std::int64_t now);

  // The array takes the tile's last row, or slot, in that cycle.
  void rows_taken(std::int64_t cycle) { stationary().release(cycle); }
  void slots_taken(std::int64_t cycle);

  // The array is done with the pass in cycle `now`: when the last results are in DRAM.
  std::int64_t finish(std::int64_t now);

  // Tells of all that happens. `observer` must outlive it.
  void observe(MemoryObserver& observer) {
    observer_ = &observer;
    dram_.observe(observer);
  }

  const StallCycles& stalls() const { return stalls_; }
  DramCounts dram_counts() const { return dram_.counts(); }

  // What the future depends on, as times from cycle `now` on, between two tiles: where it is equal,
  // equal demands are met alike. `now` is no later than what the array comes to next.
  using Outlook = std::array<std::int64_t, 23>;
  // Precondition: has_outlook().
  Outlook outlook(std::int64_t now) const;
  // Its first number.
  std::int64_t lead(std::int64_t now) const { return dram_.bus()->end() - now; }
  bool has_outlook() const { return dram_.bus() != nullptr; }
  // As if all so far had happened so many cycles later, and the array had waited `more` besides.
  // Precondition: has_outlook().
  void shift(std::int64_t cycles, const StallCycles& more);

 private:
  // An operand's: its halves by age of what they have.
  struct Scratchpad {
    bool double_buffered = true;
    std::array<std::int64_t, 2> free{};  // the newest block's half, the other: from which cycle on
    std::int64_t ready = 0;              // the newest block

    // Begins another block; returns when there is room for it.
    std::int64_t begin_block();
    void release(std::int64_t cycle) { free[0] = cycle + 1; }
  };
  // The results': what was in the newest block's half before, and in the other.
  struct ResultsPad {
    bool double_buffered = true;
    std::array<std::int64_t, 2> complete{};  // when its write was asked for
    std::array<std::int64_t, 2> stored{};    // when it was in DRAM
    std::int64_t ready = 0;                  // room, and sums

    void begin_block();
  };
  // Results that the array has left.
  struct Left {
    std::int64_t complete = 0;  // from which cycle on
    std::int64_t bits = 0;
    std::int64_t tile = 0;   // by whose number
    std::int64_t block = 0;  // its number
    TilePlace place;
  };

  Scratchpad& stationary() { return keeps_second(dataflow_) ? second_ : first_; }
  Scratchpad& streaming() { return keeps_second(dataflow_) ? first_ : second_; }
  void load(Scratchpad& scratchpad, const BlockDemand& demand, DramBlock block,
            const TilePlace& place);
  void transfer(TransferKind kind, const TileDemand& tile);
  void make_room(const TileDemand& tile);
  void store_results(std::int64_t last_tile);
  void leave_results();
  std::int64_t wait(std::int64_t now, std::int64_t ready, DramBlock block);
  DramBlock block_of(const Scratchpad& scratchpad) const {
    return &scratchpad == &first_ ? DramBlock::kFirst : DramBlock::kSecond;
  }

  Dataflow dataflow_;
  std::vector<TransferKind> order_;  // of a tile's transfers
  std::int64_t lag_;                 // tiles after which results are stored
  std::int64_t latency_;
  Dram dram_;
  Scratchpad first_, second_;
  ResultsPad results_;
  std::int64_t number_ = -1;       // of the tile whose slots are taken
  std::int64_t block_ = -1;        // of the newest block of results
  std::int64_t results_bits_ = 0;  // its size
  TilePlace results_place_;
  std::int64_t complete_ = 0;  // when its results are in their scratchpad
  std::vector<Left> left_;     // oldest first
  StallCycles stalls_;
  MemoryObserver* observer_ = nullptr;
};

}  // namespace potomac::sim
