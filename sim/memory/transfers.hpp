// The transfers between DRAM and the scratchpads, in the order in which they pass the bus, and what
// each of them waits for until it is asked for. Of a tile:
//
//   the stationary operand (ws, is); the streaming operand, in os the first and the second;
//   results that the array has left behind; partial sums that were spilled
//
// A streaming operand whose scratchpad is not double-buffered waits for the tile before. So it
// stands behind results and sums where those are double-buffered, which wait for less. Results that
// are stored are then those of the tile before the last, else of the last. Room for new results is
// no transfer: it holds back the array, not the reads behind it. So no transfer waits for one that
// stands behind it, and none for an array that waits for it; and no sum is read before it is
// written.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "sim/memory/dram_request.hpp"
#include "sim/memory/tile_program.hpp"

namespace potomac::sim {

enum class TransferKind { kLoadFirst, kLoadSecond, kStoreResults, kLoadSums };

// The transfers of one tile. In ws and is, the stationary operand's comes first.
std::vector<TransferKind> transfer_order(const Architecture& architecture);
// How many tiles later results that are left behind are stored.
std::int64_t store_lag(const Architecture& architecture);
// The cycles from the last slot of a fold to the one from which on its results are in their
// scratchpad.
std::int64_t results_latency(ArrayShape array, Dataflow dataflow);

struct Transfer {
  TransferKind kind = TransferKind::kLoadFirst;
  std::int64_t tile = 0;  // for which it is; of a store, the one that left the results
  std::int64_t bits = 0;
  TilePlace place;
  // A load: till so many tiles have been taken (of their rows, if the operand is stationary).
  // Results and sums: till the results of so many tiles are complete.
  std::int64_t waits_for = 0;
};
// The request by which DRAM is asked for it.
DramRequest request_of(const Transfer& transfer);
// "the first operand of tile 3"
std::string describe(const Transfer& transfer);

// All transfers of a pass, one after the other: of more than 0 bits, each.
class TransferProgram {
 public:
  // All that it is given must outlive it. `order`: of a tile's transfers.
  TransferProgram(const Architecture& architecture, const Schedule& schedule,
                  std::span<GemmOperands> operands, const ElementBits& bits,
                  std::vector<TransferKind> order);

  bool done() const { return ready_.empty(); }
  // Preconditions: not done().
  const Transfer& now() const { return ready_.front(); }
  void next();

 private:
  // The blocks of one scratchpad so far.
  struct Blocks {
    std::int64_t halves = 1;
    std::int64_t count = 0;
    std::vector<std::int64_t> tiles;  // behind the last one of each of the last `halves` blocks

    // Begins another one at `tile`: how many tiles must be over before there is a half for it.
    std::int64_t begin(std::int64_t tile);
  };
  struct Left {
    std::int64_t tile = 0;
    std::int64_t bits = 0;
    TilePlace place;
  };

  void set_now();
  void add_tile();
  void add_load(TransferKind kind, Blocks& blocks, const BlockDemand& demand,
                const TilePlace& place);
  void store_left(std::int64_t last_tile);

  TileProgram tiles_;
  std::vector<TransferKind> order_;
  std::int64_t lag_;
  Blocks first_, second_, results_;
  std::int64_t number_ = 0;        // of the next tile
  std::int64_t results_bits_ = 0;  // of the newest block
  TilePlace results_place_;
  bool ended_ = false;
  std::deque<Left> left_;
  std::deque<Transfer> ready_;
};

}  // namespace potomac::sim
