#include "sim/memory/dram.hpp"

#include <algorithm>

namespace potomac::sim {
namespace {

std::variant<DramBus, DramControllers> parts_of(const Architecture& architecture,
                                                std::span<GemmOperands> operands,
                                                const ElementBits& bits) {
  const DramConfig& dram = *architecture.memory->dram;
  if (!dram.device) {
    return DramBus(dram, architecture.clock_mhz);
  }
  DramPreset preset = *dram.device;
  preset.channels = channels_of(dram);
  return DramControllers(preset, architecture.clock_mhz, operands, bits);
}

}  // namespace

Dram::Dram(const Architecture& architecture, std::span<GemmOperands> operands,
           const ElementBits& bits)
    : parts_(parts_of(architecture, operands, bits)) {}

std::int64_t Dram::transfer(std::int64_t cycle, const DramRequest& request) {
  requested_ = std::max(requested_, cycle);
  if (request.bits == 0) {
    return requested_;
  }
  if (auto* const bus = std::get_if<DramBus>(&parts_)) {
    return request.write ? bus->write(requested_, request.bits)
                         : bus->read(requested_, request.bits);
  }
  return std::get<DramControllers>(parts_).transfer(request.block, request.place, request.write,
                                                    requested_);
}

DramCounts Dram::counts() const {
  const auto* const controllers = std::get_if<DramControllers>(&parts_);
  return controllers == nullptr ? DramCounts{} : controllers->counts();
}

}  // namespace potomac::sim
