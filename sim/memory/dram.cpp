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
    return controllers_->transfer(requested_);
  }
  return request.write ? bus_->write(cycle, request.bits) : bus_->read(cycle, request.bits);
}

DramCounts Dram::counts() const {
  return controllers_ ? controllers_->counts() : DramCounts{};
}

}  // namespace potomac::sim
