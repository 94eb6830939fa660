#include "sim/memory/tile_memory.hpp"

#include <algorithm>

namespace potomac::sim {

TileMemory::TileMemory(const Architecture& architecture, std::span<GemmOperands> operands,
                       const ElementBits& bits, DramDetail detail)
    : dataflow_(architecture.dataflow),
      order_(transfer_order(architecture)),
      lag_(store_lag(architecture)),
      latency_(results_latency(architecture.array, architecture.dataflow)),
      dram_(architecture, operands, bits, detail) {
  first_.double_buffered = architecture.memory->first.double_buffered;
  second_.double_buffered = architecture.memory->second.double_buffered;
  results_.double_buffered = architecture.memory->results.double_buffered;
}

void TileMemory::load(Scratchpad& scratchpad, const BlockDemand& demand, DramBlock block,
                      const TilePlace& place) {
  if (demand.is_new) {
    const std::int64_t free = scratchpad.next_half();
    scratchpad.ready = dram_.transfer(free, {block, place, false, demand.bits});
  }
}

std::int64_t TileMemory::wait(std::int64_t now, const Scratchpad& scratchpad,
                              std::uint64_t& stall) {
  if (scratchpad.ready > now) {
    stall += static_cast<std::uint64_t>(scratchpad.ready - now);
    return scratchpad.ready;
  }
  return now;
}

void TileMemory::transfer(TransferKind kind, const TileDemand& tile) {
  const TilePlace place = tile.tile.place();
  switch (kind) {
    case TransferKind::kLoadFirst:
      load(first_, tile.first, DramBlock::kFirst, place);
      break;
    case TransferKind::kLoadSecond:
      load(second_, tile.second, DramBlock::kSecond, place);
      break;
    case TransferKind::kStoreResults:
      store_results(number_ - lag_);
      break;
    case TransferKind::kMakeRoom:
      load(results_, tile.results, DramBlock::kResults, place);
      break;
  }
}

std::int64_t TileMemory::rows(const TileDemand& tile, std::int64_t now) {
  transfer(order_.front(), tile);
  return wait(now, stationary(), stall_of(stationary()));
}

std::int64_t TileMemory::slots(const TileDemand& tile, std::int64_t now) {
  if (tile.results.is_new && number_ >= 0) {
    leave_results(number_);
  }
  ++number_;
  const bool os = keeps_sums(dataflow_);
  for (std::size_t i = os ? 0 : 1; i < order_.size(); ++i) {
    transfer(order_[i], tile);
  }
  results_bits_ = tile.results_bits;
  results_place_ = tile.tile.place();
  if (os) {
    now = wait(now, first_, stalls_.first);
    now = wait(now, second_, stalls_.second);
  } else {
    now = wait(now, streaming(), stall_of(streaming()));
  }
  return wait(now, results_, stalls_.results);
}

void TileMemory::leave_results(std::int64_t tile) {
  left_.push_back({results_.half, complete_, results_bits_, tile, results_place_});
}

void TileMemory::store_results(std::int64_t last_tile) {
  while (!left_.empty() && left_.front().tile <= last_tile) {
    const Left& oldest = left_.front();
    results_.free[oldest.half] =
        dram_.transfer(oldest.complete, {DramBlock::kResults, oldest.place, true, oldest.bits});
    left_.erase(left_.begin());
  }
}

void TileMemory::slots_taken(std::int64_t cycle) {
  if (keeps_sums(dataflow_)) {
    first_.release(cycle);
    second_.release(cycle);
  } else {
    streaming().release(cycle);
  }
  complete_ = cycle + latency_;
}

std::int64_t TileMemory::finish(std::int64_t now) {
  leave_results(number_);
  store_results(number_);
  const std::int64_t end = std::max(now, results_.free[results_.half]);
  stalls_.results += static_cast<std::uint64_t>(end - now);
  return end;
}

}  // namespace potomac::sim
