#include "sim/machine/machine.hpp"

namespace potomac::sim {
namespace {

Machine machine_of(const Architecture& architecture, Unit unit) {
  const UnitInfo& info = info_of(unit);
  const bool own = info.operand_bits == 0;
  return {.id = std::string(info.name),
          .unit = unit,
          .array = architecture.array,
          .clock_mhz = architecture.clock_mhz,
          .operand_bits = own ? architecture.pe.operand_bits : info.operand_bits,
          .sum_bits = own ? architecture.pe.accumulator.bits : info.sum_bits};
}

}  // namespace

std::vector<Machine> machines_of(const Architecture& architecture, std::span<const Unit> rivals,
                                 bool originals) {
  std::vector<Machine> machines = {machine_of(architecture, Unit::kMfMac),
                                   machine_of(architecture, Unit::kFp32Mac)};
  for (const Unit unit : rivals) {
    machines.push_back(machine_of(architecture, unit));
  }
  for (Machine& machine : machines) {
    machine.has_originals = originals && machine.unit != Unit::kMfMac;
  }
  return machines;
}

}  // namespace potomac::sim
