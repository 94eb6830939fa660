#include "sim/memory/transfers.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace potomac::sim {

std::vector<TransferKind> transfer_order(const Architecture& architecture) {
  const MemoryConfig& memory = *architecture.memory;
  const bool ws = keeps_second(architecture.dataflow);
  const bool is = keeps_first(architecture.dataflow);
  struct Load {
    TransferKind kind;
    bool waits;  // for the tile before
  };
  const Load first{TransferKind::kLoadFirst, !is && !memory.first.double_buffered};
  const Load second{TransferKind::kLoadSecond, !ws && !memory.second.double_buffered};
  const auto loads = ws ? std::array{second, first} : std::array{first, second};
  std::vector<TransferKind> order;
  const auto add_loads = [&](bool waits) {
    for (const Load& load : loads) {
      if (load.waits == waits) {
        order.push_back(load.kind);
      }
    }
  };
  add_loads(false);
  if (!memory.results.double_buffered) {
    add_loads(true);
  }
  order.push_back(TransferKind::kStoreResults);
  order.push_back(TransferKind::kLoadSums);
  if (memory.results.double_buffered) {
    add_loads(true);
  }
  return order;
}

std::int64_t store_lag(const Architecture& architecture) {
  return architecture.memory->results.double_buffered ? 2 : 1;
}

std::int64_t results_latency(ArrayShape array, Dataflow dataflow) {
  const std::int64_t across = array.rows + array.cols - 1;
  return keeps_sums(dataflow) ? across + array.rows : across;
}

DramRequest request_of(const Transfer& transfer) {
  const DramBlock block = transfer.kind == TransferKind::kLoadFirst    ? DramBlock::kFirst
                          : transfer.kind == TransferKind::kLoadSecond ? DramBlock::kSecond
                                                                       : DramBlock::kResults;
  return {block, transfer.place, transfer.kind == TransferKind::kStoreResults, transfer.bits};
}

std::string describe(const Transfer& transfer) {
  switch (transfer.kind) {
    case TransferKind::kLoadFirst:
      return fmt::format("the first operand of tile {}", transfer.tile);
    case TransferKind::kLoadSecond:
      return fmt::format("the second operand of tile {}", transfer.tile);
    case TransferKind::kStoreResults:
      return fmt::format("the results of tile {}", transfer.tile);
    case TransferKind::kLoadSums:
      break;
  }
  return fmt::format("the partial sums of tile {}", transfer.tile);
}

std::int64_t TransferProgram::Blocks::begin(std::int64_t tile) {
  if (count > 0) {
    tiles.push_back(tile);
  }
  ++count;
  if (count <= halves) {
    return 0;
  }
  const std::int64_t over = tiles.front();
  tiles.erase(tiles.begin());
  return over;
}

TransferProgram::TransferProgram(const Architecture& architecture, const Schedule& schedule,
                                 std::span<GemmOperands> operands, const ElementBits& bits,
                                 std::vector<TransferKind> order)
    : tiles_(schedule, architecture.issue, operands, bits),
      order_(std::move(order)),
      lag_(store_lag(architecture)) {
  const MemoryConfig& memory = *architecture.memory;
  first_.halves = memory.first.double_buffered ? 2 : 1;
  second_.halves = memory.second.double_buffered ? 2 : 1;
  results_.halves = memory.results.double_buffered ? 2 : 1;
  set_now();
}

void TransferProgram::next() {
  ready_.pop_front();
  set_now();
}

void TransferProgram::set_now() {
  while (ready_.empty() && !ended_) {
    if (!tiles_.done()) {
      add_tile();
      continue;
    }
    if (number_ > 0) {
      left_.push_back({number_ - 1, results_bits_, results_place_});
      store_left(number_ - 1);
    }
    ended_ = true;
  }
}

void TransferProgram::add_tile() {
  const TileDemand& tile = tiles_.now();
  if (tile.results.is_new && number_ > 0) {
    left_.push_back({number_ - 1, results_bits_, results_place_});
  }
  results_bits_ = tile.results_bits;
  results_place_ = tile.tile.place();
  for (const TransferKind kind : order_) {
    switch (kind) {
      case TransferKind::kLoadFirst:
        add_load(kind, first_, tile.first, tile.tile.place());
        break;
      case TransferKind::kLoadSecond:
        add_load(kind, second_, tile.second, tile.tile.place());
        break;
      case TransferKind::kStoreResults:
        store_left(number_ - lag_);
        break;
      case TransferKind::kLoadSums:
        add_load(kind, results_, tile.results, tile.tile.place());
        break;
    }
  }
  ++number_;
  tiles_.next();
}

// A block of which nothing must be read (it lies wholly in padding; new sums) is no transfer.
void TransferProgram::add_load(TransferKind kind, Blocks& blocks, const BlockDemand& demand,
                               const TilePlace& place) {
  if (demand.is_new) {
    const std::int64_t over = blocks.begin(number_);
    if (demand.bits > 0) {
      ready_.push_back({kind, number_, demand.bits, place, over});
    }
  }
}

void TransferProgram::store_left(std::int64_t last_tile) {
  while (!left_.empty() && left_.front().tile <= last_tile) {
    const Left& oldest = left_.front();
    ready_.push_back(
        {TransferKind::kStoreResults, oldest.tile, oldest.bits, oldest.place, oldest.tile + 1});
    left_.pop_front();
  }
}

}  // namespace potomac::sim
