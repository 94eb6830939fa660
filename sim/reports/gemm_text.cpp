#include "sim/reports/gemm_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace potomac::sim {
namespace {

using workloads::GemmShape;

std::string range_text(std::span<const GemmShape> gemms, std::int64_t GemmShape::*extent) {
  const auto [low, high] = std::ranges::minmax(gemms, {}, extent);
  return low.*extent == high.*extent ? fmt::format("{}", low.*extent)
                                     : fmt::format("{}..{}", low.*extent, high.*extent);
}

}  // namespace

std::string gemm_text(std::span<const GemmShape> gemms) {
  if (gemms.empty()) {
    return "none";
  }
  const std::int64_t count = workloads::count_of(gemms);
  const std::string text =
      fmt::format("{}x{}x{}", range_text(gemms, &GemmShape::m), range_text(gemms, &GemmShape::n),
                  range_text(gemms, &GemmShape::k));
  return count == 1 ? text : fmt::format("{}*{}", count, text);
}

}  // namespace potomac::sim
