// DRAM as the DMA engines of a pass see it: a bandwidth and a latency, or a device with its
// controllers. Data pass in the order of the transfers. A bandwidth is asked for each as soon as it
// may be, whatever those before it still wait for; a device, not before those in front of it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "sim/memory/dram_bus.hpp"
#include "sim/memory/dram_controllers.hpp"
#include "sim/memory/dram_request.hpp"
#include "sim/memory/memory_observer.hpp"

namespace potomac::sim {

class Dram {
 public:
  // Precondition: the architecture has a DRAM that is not ideal. All that it is given must outlive
  // it.
  Dram(const Architecture& architecture, const Schedule& schedule, std::span<GemmOperands> operands,
       const ElementBits& bits);

  // The next of the pass's transfers (transfers.hpp), asked for in `cycle`. Returns the first cycle
  // in which all of it is there, or has been taken.
  std::int64_t transfer(std::int64_t cycle, const DramRequest& request);

  // Tells of all transfers. `observer` must outlive it.
  void observe(MemoryObserver& observer);

  // All zero if it is but a bandwidth and a latency.
  DramCounts counts() const;

  // Null if it is a device.
  DramBus* bus() { return bus_ ? &*bus_ : nullptr; }
  const DramBus* bus() const { return bus_ ? &*bus_ : nullptr; }

 private:
  std::int64_t transfer_observed(std::int64_t cycle, const DramRequest& request);

  std::optional<DramBus> bus_;
  std::optional<DramControllers> controllers_;
  MemoryObserver* observer_ = nullptr;
  std::int64_t requested_ = 0;  // of a device: when the last transfer was asked for
};

}  // namespace potomac::sim
