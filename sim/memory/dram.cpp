#include "sim/memory/dram.hpp"

#include <algorithm>

namespace potomac::sim {

Dram::Dram(const Architecture& architecture, std::span<GemmOperands> operands,
           const ElementBits& bits, DramDetail detail) {
  const DramConfig& dram = *architecture.memory->dram;
  if (!dram.device || detail == DramDetail::kBandwidth) {
    bus_.emplace(without_device(dram), architecture.clock_mhz);
  }
  if (dram.device) {
    DramPreset preset = *dram.device;
    preset.channels = channels_of(dram);
    controllers_.emplace(preset, architecture.clock_mhz, operands, bits);
  }
}

std::int64_t Dram::transfer(std::int64_t cycle, const DramRequest& request) {
  requested_ = std::max(requested_, cycle);
  if (request.bits == 0) {
    return requested_;
  }
  if (!bus_) {
    return controllers_->transfer(request.block, request.place, request.write, requested_);
  }
  const std::int64_t bits =
      controllers_ ? controllers_->burst_bits_of(request.block, request.place) : request.bits;
  return request.write ? bus_->write(requested_, bits) : bus_->read(requested_, bits);
}

DramCounts Dram::counts() const {
  return controllers_ ? controllers_->counts() : DramCounts{};
}

}  // namespace potomac::sim
