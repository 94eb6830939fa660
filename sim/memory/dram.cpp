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
  double begin = 0.0;
  double end = 0.0;
  std::int64_t over = 0;
  if (controllers_) {
    requested_ = std::max(requested_, cycle);
    over = controllers_->transfer(requested_);
    begin = static_cast<double>(requested_);
    end = static_cast<double>(over);
  } else {
    const std::int64_t first = cycle + (request.write ? 0 : bus_->latency_cycles());
    begin = std::max(static_cast<double>(first), bus_->end_cycles());
    over = request.write ? bus_->write(cycle, request.bits) : bus_->read(cycle, request.bits);
    end = bus_->end_cycles();
  }
  if (observer_ != nullptr) {
    observer_->transferred(request, cycle, begin, end);
  }
  return over;
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
