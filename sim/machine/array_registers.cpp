#include "sim/machine/array_registers.hpp"

namespace potomac::sim {

std::uint64_t register_bits(const Machine& machine, const Architecture& architecture) {
  const auto rows = static_cast<std::uint64_t>(machine.array.rows);
  const auto cols = static_cast<std::uint64_t>(machine.array.cols);
  const auto operand = static_cast<std::uint64_t>(machine.operand_bits);
  const auto sum = static_cast<std::uint64_t>(machine.sum_bits);
  const bool os = keeps_sums(architecture.dataflow);
  const std::uint64_t operands = !os && architecture.issue == Issue::kPipelined ? 3 : 2;
  const std::uint64_t skew = rows * (rows - 1) / 2 + cols * (cols - 1) / 2;
  return rows * cols * (operands * operand + (os ? 2 : 1) * sum) + skew * operand;
}

}  // namespace potomac::sim
