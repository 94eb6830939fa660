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
  if (controllers_) {
    requested_ = std::max(requested_, cycle);
    const std::int64_t end = controllers_->transfer(requested_);
    if (observer_ != nullptr) {
      observer_->transferred(request, cycle, static_cast<double>(requested_),
                             static_cast<double>(end));
    }
    return end;
  }
  if (observer_ != nullptr) {
    return transfer_observed(cycle, request);
  }
  return request.write ? bus_->write(cycle, request.bits) : bus_->read(cycle, request.bits);
}

// By the bus. What the observer wants to know is apart, as there are many transfers without one.
std::int64_t Dram::transfer_observed(std::int64_t cycle, const DramRequest& request) {
  const std::int64_t first = cycle + (request.write ? 0 : bus_->latency_cycles());
  const double begin = std::max(static_cast<double>(first), bus_->end_cycles());
  const std::int64_t end =
      request.write ? bus_->write(cycle, request.bits) : bus_->read(cycle, request.bits);
  observer_->transferred(request, cycle, begin, bus_->end_cycles());
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
