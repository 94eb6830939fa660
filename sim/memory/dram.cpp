#include "sim/memory/dram.hpp"

#include <algorithm>

namespace potomac::sim {

Dram::Dram(const Architecture& architecture, const Schedule& schedule,
           std::span<GemmOperands> operands, const ElementBits& bits) {
  const DramConfig& dram = *architecture.memory->dram;
  if (dram.device) {
    controllers_.emplace(architecture, schedule, operands, bits);
  } else {
    bus_.emplace(dram, architecture.clock_mhz);
  }
}

std::int64_t Dram::transfer(std::int64_t cycle, const DramRequest& request) {
  if (request.bits == 0) {
    return cycle;
  }
  std::int64_t end = 0;
  if (controllers_) {
    requested_ = std::max(requested_, cycle);
    end = controllers_->transfer(requested_);
  } else {
    end = transfer_by_bus(cycle, request);
  }
  if (observer_ != nullptr) {
    observer_->transferred(request, cycle, end);
  }
  return end;
}

std::int64_t Dram::transfer_by_bus(std::int64_t cycle, const DramRequest& request) {
  const double free = bus_->end_cycles();
  const std::int64_t end =
      request.write ? bus_->write(cycle, request.bits) : bus_->read(cycle, request.bits);
  if (observer_ != nullptr) {
    const std::int64_t first = cycle + (request.write ? 0 : bus_->latency_cycles());
    observer_->passed(0, request.write, std::max(static_cast<double>(first), free),
                      bus_->end_cycles());
  }
  return end;
}

void Dram::observe(MemoryObserver& observer) {
  observer_ = &observer;
  if (controllers_) {
    controllers_->observe(observer);
  }
}

DramCounts Dram::counts() const {
  return controllers_ ? controllers_->counts() : DramCounts{};
}

}  // namespace potomac::sim
