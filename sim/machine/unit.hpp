// The arithmetic units that a PE can hold.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace potomac::sim {

// MF-MAC, the FP32 MAC of the baseline, and its rivals: MACs of narrower operands.
enum class Unit { kMfMac, kFp32Mac, kFp16Mac, kBf16Mac, kFp8Mac, kInt8Mac, kInt4Mac };

struct UnitInfo {
  Unit unit;
  std::string_view name;  // of the unit, and of a machine whose PEs hold it
  std::string_view label;
  int operand_bits;  // 0: as the architecture's pe says, like its sums
  int sum_bits;
  bool sums_floats;  // in binary32; else integers
};
inline constexpr auto kUnits = std::to_array<UnitInfo>({
    {Unit::kMfMac, "mf_mac", "MF-MAC", 0, 0, false},
    {Unit::kFp32Mac, "fp32_mac", "FP32", 32, 32, true},
    {Unit::kFp16Mac, "fp16_mac", "FP16", 16, 32, true},
    {Unit::kBf16Mac, "bf16_mac", "BF16", 16, 32, true},
    {Unit::kFp8Mac, "fp8_mac", "FP8", 8, 32, true},
    {Unit::kInt8Mac, "int8_mac", "INT8", 8, 32, false},
    {Unit::kInt4Mac, "int4_mac", "INT4", 4, 32, false},
});
inline constexpr std::size_t kFirstRival = 2;  // in kUnits

inline const UnitInfo& info_of(Unit unit) {
  return kUnits.at(static_cast<std::size_t>(unit));
}

inline std::optional<Unit> unit_named(std::string_view name) {
  for (const UnitInfo& info : kUnits) {
    if (info.name == name) {
      return info.unit;
    }
  }
  return std::nullopt;
}

}  // namespace potomac::sim
