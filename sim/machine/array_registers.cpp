#include "sim/machine/array_registers.hpp"

#include <algorithm>
#include <vector>

#include "rtl_models/arithmetic/pot_code.hpp"

namespace potomac::sim {
namespace {

std::vector<rtl::Lsb> rules_of(const PeConfig& pe) {
  std::vector<rtl::Lsb> rules = {pe.accumulator.lsb};
  for (const AccumulatorOverride& one : pe.overrides) {
    rules.push_back(one.lsb.value_or(pe.accumulator.lsb));
  }
  return rules;
}

}  // namespace

int aligned_bits(const PeConfig& pe) {
  const std::vector<rtl::Lsb> rules = rules_of(pe);
  const bool one_serves = std::ranges::all_of(
      rules, [&rules](const rtl::Lsb& rule) { return rule == rules.front() && !rule.is_auto(); });
  if (one_serves) {
    return 0;
  }
  const rtl::PotFormat format(pe.operand_bits);
  const int e_max = format.e_max();
  int lowest = 2 * e_max;
  int highest = -2 * e_max;
  for (const rtl::Lsb& rule : rules) {
    const bool fixed = !rule.is_auto() && !rule.is_exact();
    // Exact is -2 at the narrowest tensors; auto is no more than the largest product.
    lowest = std::min(lowest, fixed ? rule.fixed() : -2 * e_max);
    highest = std::max(highest, fixed ? rule.fixed() : rule.is_auto() ? 2 * e_max : -2);
  }
  int bits = format.exponent_bits();
  // The lowest number of two's complement is the pattern of zero.
  while (-e_max - highest <= -(1 << (bits - 1)) || e_max - lowest >= 1 << (bits - 1)) {
    ++bits;
  }
  return bits - format.exponent_bits();
}

int aligned_bits(const Machine& machine, const Architecture& architecture) {
  return machine.unit == Unit::kMfMac ? aligned_bits(architecture.pe) : 0;
}

std::uint64_t register_bits(const Machine& machine, const Architecture& architecture) {
  const auto rows = static_cast<std::uint64_t>(machine.array.rows);
  const auto cols = static_cast<std::uint64_t>(machine.array.cols);
  const auto operand = static_cast<std::uint64_t>(machine.operand_bits);
  const auto aligned = static_cast<std::uint64_t>(aligned_bits(machine, architecture));
  const auto sum = static_cast<std::uint64_t>(machine.sum_bits);
  const bool os = keeps_sums(architecture.dataflow);
  const std::uint64_t of_tile = !os && architecture.issue == Issue::kPipelined ? 2 : 1;
  const std::uint64_t row_skew = rows * (rows - 1) / 2;
  const std::uint64_t column_skew = cols * (cols - 1) / 2;
  const bool moves_down = keeps_first(architecture.dataflow);  // the first operand
  const std::uint64_t of_first =
      moves_down ? rows * cols * of_tile + column_skew : rows * cols + row_skew;
  return rows * cols * ((1 + of_tile) * operand + (os ? 2 : 1) * sum) +
         (row_skew + column_skew) * operand + of_first * aligned;
}

}  // namespace potomac::sim
