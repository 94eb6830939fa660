#include "energy/pricing/comparison.hpp"

#include <algorithm>

namespace potomac::energy {
namespace {

constexpr std::string_view kFp32Multiply = "fp32_multiply";

void compare_two(const EnergyReport& of, const EnergyReport& to,
                 std::vector<EnergyComparison>& comparisons) {
  const auto add = [&](std::string name, bool zeros_gated, bool dram_high,
                       const std::optional<double>& part, const std::optional<double>& whole) {
    if (part && whole) {
      comparisons.push_back({of.machine, std::move(name), of.table, of.accounting, zeros_gated,
                             dram_high, reduction_of(*part, *whole)});
    }
  };
  const EnergyRow& mine = of.total;
  const EnergyRow& other = to.total;
  add(to.machine, false, false, mine.total_pj(), other.total_pj());
  add(to.machine, true, false, mine.total_zeros_gated_pj(), other.total_zeros_gated_pj());
  add(to.machine, false, true, mine.total_dram_high_pj(), other.total_dram_high_pj());
  const auto* const multiply =
      std::ranges::find(other.by_action, kFp32Multiply, &ActionEnergy::action);
  // A multiplier is compared where there is nothing but arithmetic.
  if (multiply != other.by_action.end() && !other.has(Component::kRegisters)) {
    const std::string name(kFp32Multiplier);
    add(name, false, false, mine.total_pj(), multiply->pj);
    add(name, true, false, mine.total_zeros_gated_pj(),
        other.zeros_known ? std::optional(multiply->zeros_gated_pj) : std::nullopt);
  }
}

}  // namespace

std::vector<EnergyComparison> compare(std::span<const EnergyReport> reports, std::string_view of) {
  std::vector<EnergyComparison> comparisons;
  for (const EnergyReport& to : reports) {
    const EnergyReport* const mine = find_energy(reports, of, to.table, to.accounting);
    if (mine != nullptr && mine != &to) {
      compare_two(*mine, to, comparisons);
    }
  }
  return comparisons;
}

std::optional<double> reduction_in(std::span<const EnergyComparison> comparisons,
                                   std::string_view to, std::string_view table,
                                   std::string_view accounting, bool zeros_gated, bool dram_high) {
  const auto found = std::ranges::find_if(comparisons, [&](const EnergyComparison& one) {
    return one.to == to && one.table == table && one.accounting == accounting &&
           one.zeros_gated == zeros_gated && one.dram_high == dram_high;
  });
  return found == comparisons.end() ? std::nullopt : found->reduction;
}

}  // namespace potomac::energy
