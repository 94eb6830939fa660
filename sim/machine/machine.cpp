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

std::vector<Machine> machines_of(const Architecture& architecture, std::span<const Unit> rivals) {
  std::vector<Machine> machines = {machine_of(architecture, Unit::kMfMac),
                                   machine_of(architecture, Unit::kFp32Mac)};
  for (const Unit unit : rivals) {
    machines.push_back(machine_of(architecture, unit));
  }
  return machines;
}

std::uint64_t register_bits(const Machine& machine, const Architecture& architecture) {
  const auto rows = static_cast<std::uint64_t>(machine.array.rows);
  const auto cols = static_cast<std::uint64_t>(machine.array.cols);
  const auto operand = static_cast<std::uint64_t>(machine.operand_bits);
  const auto sum = static_cast<std::uint64_t>(machine.sum_bits);
  const bool os = architecture.dataflow == Dataflow::kOutputStationary;
  const std::uint64_t operands = !os && architecture.issue == Issue::kPipelined ? 3 : 2;
  const std::uint64_t skew = rows * (rows - 1) / 2 + cols * (cols - 1) / 2;
  return rows * cols * (operands * operand + (os ? 2 : 1) * sum) + skew * operand;
}

}  // namespace potomac::sim
