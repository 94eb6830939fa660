// DRAM as the DMA engines of a pass see it: a bandwidth and a latency, or a device with its
// controllers. Transfers come one after the other; none is asked for before the one in front of it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "sim/memory/dram_bus.hpp"
#include "sim/memory/dram_controllers.hpp"

namespace potomac::sim {

struct DramRequest {
  DramBlock block = DramBlock::kFirst;
  TilePlace place;
  bool write = false;
  std::int64_t bits = 0;  // 0: no transfer, done at once
};

// What a device is taken for: itself, or, to compare tiles, the bandwidth and latency that it has
// at best, on which whole bursts pass.
enum class DramDetail { kDevice, kBandwidth };

class Dram {
 public:
  // Precondition: the architecture has a DRAM that is not ideal. `operands` must outlive it.
  Dram(const Architecture& architecture, std::span<GemmOperands> operands, const ElementBits& bits,
       DramDetail detail = DramDetail::kDevice);

  // Asked for in `cycle` or, if that is later, with the one before. Returns the first cycle in
  // which all of it is there, or has been taken.
  std::int64_t transfer(std::int64_t cycle, const DramRequest& request);

  // All zero if it is but a bandwidth and a latency.
  DramCounts counts() const;

 private:
  std::int64_t requested_ = 0;                  // when the last transfer was asked for
  std::optional<DramBus> bus_;                  // of what is no device, or is not taken for one
  std::optional<DramControllers> controllers_;  // of a device
};

}  // namespace potomac::sim
