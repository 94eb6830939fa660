#include "sim/memory/tile_memory.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace potomac::sim {

TileMemory::TileMemory(const Architecture& architecture, const Schedule& schedule,
                       std::span<GemmOperands> operands, const ElementBits& bits)
    : dataflow_(architecture.dataflow),
      order_(transfer_order(architecture)),
      lag_(store_lag(architecture)),
      latency_(results_latency(architecture.array, architecture.dataflow)),
      dram_(architecture, schedule, operands, bits) {
  first_.double_buffered = architecture.memory->first.double_buffered;
  second_.double_buffered = architecture.memory->second.double_buffered;
  results_.double_buffered = architecture.memory->results.double_buffered;
}

std::int64_t TileMemory::Scratchpad::begin_block() {
  if (double_buffered) {
    std::swap(free[0], free[1]);
  }
  return free[0];
}

void TileMemory::ResultsPad::begin_block() {
  if (double_buffered) {
    std::swap(complete[0], complete[1]);
    std::swap(stored[0], stored[1]);
  }
}

void TileMemory::load(Scratchpad& scratchpad, const BlockDemand& demand, DramBlock block,
                      const TilePlace& place) {
  if (demand.is_new) {
    const std::int64_t free = scratchpad.begin_block();
    scratchpad.ready = dram_.transfer(free, {block, place, false, demand.bits});
  }
}

void TileMemory::make_room(const TileDemand& tile) {
  if (!tile.results.is_new) {
    return;
  }
  ++block_;
  results_.begin_block();
  results_.ready = results_.stored[0];
  if (tile.results.bits > 0) {
    // On several channels, sums may come before what they take the place of has left.
    results_.ready = std::max(
        results_.ready,
        dram_.transfer(results_.complete[0],
                       {DramBlock::kResults, tile.tile.place(), false, tile.results.bits}));
  }
}

std::int64_t TileMemory::wait(std::int64_t now, std::int64_t ready, DramBlock block) {
  if (ready <= now) {
    return now;
  }
  (block == DramBlock::kFirst    ? stalls_.first
   : block == DramBlock::kSecond ? stalls_.second
                                 : stalls_.results) += static_cast<std::uint64_t>(ready - now);
  if (observer_ != nullptr) {
    observer_->stalled(block, now, ready);
  }
  return ready;
}

void TileMemory::transfer(TransferKind kind, const TileDemand& tile) {
  switch (kind) {
    case TransferKind::kLoadFirst:
      load(first_, tile.first, DramBlock::kFirst, tile.tile.place());
      break;
    case TransferKind::kLoadSecond:
      load(second_, tile.second, DramBlock::kSecond, tile.tile.place());
      break;
    case TransferKind::kStoreResults:
      store_results(number_ - lag_);
      break;
    case TransferKind::kLoadSums:
      make_room(tile);
      break;
  }
}

std::int64_t TileMemory::rows(const TileDemand& tile, std::int64_t now) {
  transfer(order_.front(), tile);
  return wait(now, stationary().ready, block_of(stationary()));
}

std::int64_t TileMemory::slots(const TileDemand& tile, std::int64_t now) {
  if (tile.results.is_new && number_ >= 0) {
    leave_results();
  }
  ++number_;
  const bool os = keeps_sums(dataflow_);
  for (std::size_t i = os ? 0 : 1; i < order_.size(); ++i) {
    transfer(order_[i], tile);
  }
  results_bits_ = tile.results_bits;
  results_place_ = tile.tile.place();
  if (os) {
    now = wait(now, first_.ready, DramBlock::kFirst);
    now = wait(now, second_.ready, DramBlock::kSecond);
  } else {
    now = wait(now, streaming().ready, block_of(streaming()));
  }
  return wait(now, results_.ready, DramBlock::kResults);
}

void TileMemory::leave_results() {
  left_.push_back({complete_, results_bits_, number_, block_, results_place_});
}

void TileMemory::store_results(std::int64_t last_tile) {
  while (!left_.empty() && left_.front().tile <= last_tile) {
    const Left& oldest = left_.front();
    const auto half = static_cast<std::size_t>(block_ - oldest.block);  // 0 or 1
    results_.complete.at(half) = oldest.complete;
    results_.stored.at(half) =
        dram_.transfer(oldest.complete, {DramBlock::kResults, oldest.place, true, oldest.bits});
    left_.erase(left_.begin());
  }
}

TileMemory::Outlook TileMemory::outlook(std::int64_t now) const {
  // What is over counts as over at that time: for the bus, if it could be used since, for the array
  // now.
  const DramBus& bus = *dram_.bus();
  const std::int64_t asked = bus.end() - bus.latency_cycles();
  Outlook outlook{};
  std::size_t size = 0;
  const auto add = [&](std::int64_t time, std::int64_t floor) {
    outlook.at(size++) = std::max(time, floor) - now;
  };
  outlook.at(size++) = lead(now);
  outlook.at(size++) = bus.end_part();
  for (const Scratchpad* scratchpad : {&first_, &second_}) {
    add(scratchpad->free[0], asked);
    add(scratchpad->free[1], asked);
    add(scratchpad->ready, now);
  }
  for (std::size_t half = 0; half < 2; ++half) {
    add(results_.complete.at(half), asked);
    add(results_.stored.at(half), now);
  }
  add(results_.ready, now);
  add(complete_, asked);
  outlook.at(size++) = results_bits_;
  for (const Left& left : left_) {
    add(left.complete, asked);
    outlook.at(size++) = left.bits;
    outlook.at(size++) = number_ - left.tile;
  }
  return outlook;
}

void TileMemory::shift(std::int64_t cycles, const StallCycles& more) {
  const auto shift = [&](std::int64_t& time) { time += cycles; };
  dram_.bus()->shift(cycles);
  for (Scratchpad* scratchpad : {&first_, &second_}) {
    std::ranges::for_each(scratchpad->free, shift);
    shift(scratchpad->ready);
  }
  std::ranges::for_each(results_.complete, shift);
  std::ranges::for_each(results_.stored, shift);
  shift(results_.ready);
  shift(complete_);
  for (Left& left : left_) {
    shift(left.complete);
  }
  stalls_.first += more.first;
  stalls_.second += more.second;
  stalls_.results += more.results;
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
  leave_results();
  store_results(number_);
  // On several channels, the block before may be stored later than the last one.
  return wait(now, std::ranges::max(results_.stored), DramBlock::kResults);
}

}  // namespace potomac::sim
