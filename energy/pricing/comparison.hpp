// How much less one machine takes than another: a function of two energy reports.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "energy/pricing/energy_report.hpp"

namespace potomac::energy {

// 1 - part / whole. Empty where there is no whole to compare with.
inline std::optional<double> reduction_of(double part, double whole) {
  return whole > 0.0 ? std::optional(1.0 - part / whole) : std::nullopt;
}

// The FP32 machine's multiplications alone, as what MF-MAC is compared with: 96.6% and 95.8% of the
// source paper's table are the same 0.155 pJ, against two bases.
inline constexpr std::string_view kFp32Multiplier = "fp32_multiplier";

struct EnergyComparison {
  std::string of;
  std::string to;  // a machine, or kFp32Multiplier
  std::string table;
  std::string accounting;
  bool zeros_gated = false;  // MACs with a zero operand taken off both sides
  bool dram_high = false;    // DRAM at the high end of its table's range, on both sides
  std::optional<double> reduction;

  friend bool operator==(const EnergyComparison&, const EnergyComparison&) = default;
};

// The machine `of` with each other one, table by table and accounting by accounting, in the order
// of `reports`; figures that either side does not know are left out.
std::vector<EnergyComparison> compare(std::span<const EnergyReport> reports, std::string_view of);

// One of them. Empty where it is not there, or compares nothing.
std::optional<double> reduction_in(std::span<const EnergyComparison> comparisons,
                                   std::string_view to, std::string_view table,
                                   std::string_view accounting, bool zeros_gated = false,
                                   bool dram_high = false);

}  // namespace potomac::energy
