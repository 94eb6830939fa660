#include "sim/memory/tile_memory.hpp"

#include <algorithm>

namespace potomac::sim {

std::int64_t results_latency(ArrayShape array, Dataflow dataflow) {
  const std::int64_t across = array.rows + array.cols - 1;
  return dataflow == Dataflow::kOutputStationary ? across + array.rows : across;
}

TileMemory::TileMemory(const Architecture& architecture)
    : dataflow_(architecture.dataflow),
      latency_(results_latency(architecture.array, architecture.dataflow)),
      bus_(*architecture.memory->dram, architecture.clock_mhz) {
  first_.double_buffered = architecture.memory->first.double_buffered;
  second_.double_buffered = architecture.memory->second.double_buffered;
  results_.double_buffered = architecture.memory->results.double_buffered;
}

void TileMemory::load(Scratchpad& scratchpad, const BlockDemand& block) {
  if (block.is_new) {
    const std::int64_t free = scratchpad.next_half();
    scratchpad.ready = bus_.read(free, block.bits);
  }
}

std::int64_t TileMemory::wait(std::int64_t now, const Scratchpad& scratchpad,
                              std::uint64_t& stall) const {
  if (scratchpad.ready > now) {
    stall += static_cast<std::uint64_t>(scratchpad.ready - now);
    return scratchpad.ready;
  }
  return now;
}

std::int64_t TileMemory::rows(const TileDemand& tile, std::int64_t now) {
  Scratchpad& scratchpad = stationary();
  load(scratchpad, &scratchpad == &first_ ? tile.first : tile.second);
  return wait(now, scratchpad, stall_of(scratchpad));
}

std::int64_t TileMemory::slots(const TileDemand& tile, std::int64_t now) {
  if (tile.results.is_new && number_ >= 0) {
    leave_results(number_);
  }
  ++number_;
  load_for_slots(tile);
  if (tile.results.is_new) {
    load(results_, tile.results);
  }
  results_bits_ = tile.results_bits;
  if (dataflow_ == Dataflow::kOutputStationary) {
    now = wait(now, first_, stalls_.first);
    now = wait(now, second_, stalls_.second);
  } else {
    now = wait(now, streaming(), stall_of(streaming()));
  }
  return wait(now, results_, stalls_.results);
}

void TileMemory::load_for_slots(const TileDemand& tile) {
  const std::int64_t stored = number_ - (results_.double_buffered ? 2 : 1);
  bool to_store = true;
  const auto load_operand = [&](Scratchpad& scratchpad, const BlockDemand& block) {
    if (to_store && !scratchpad.double_buffered) {
      store_results(stored);
      to_store = false;
    }
    load(scratchpad, block);
  };
  if (dataflow_ != Dataflow::kWeightStationary && dataflow_ != Dataflow::kInputStationary) {
    load_operand(first_, tile.first);
    load_operand(second_, tile.second);
  } else {
    Scratchpad& scratchpad = streaming();
    load_operand(scratchpad, &scratchpad == &first_ ? tile.first : tile.second);
  }
  store_results(stored);
}

void TileMemory::leave_results(std::int64_t tile) {
  left_.push_back({results_.half, complete_, results_bits_, tile});
}

void TileMemory::store_results(std::int64_t last_tile) {
  while (!left_.empty() && left_.front().tile <= last_tile) {
    const Left& oldest = left_.front();
    results_.free[oldest.half] = bus_.write(oldest.complete, oldest.bits);
    left_.erase(left_.begin());
  }
}

void TileMemory::slots_taken(std::int64_t cycle) {
  if (dataflow_ == Dataflow::kOutputStationary) {
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
