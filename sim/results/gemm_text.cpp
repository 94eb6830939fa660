#include "sim/results/gemm_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <vector>

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

std::string tile_text(std::span<const Blocking> tiles) {
  std::vector<GemmShape> shapes;
  shapes.reserve(tiles.size());
  for (const Blocking& tile : tiles) {
    shapes.push_back(
        {1, tile.extents[Index::kM], tile.extents[Index::kN], tile.extents[Index::kK]});
  }
  const std::string text = gemm_text(shapes);
  return text.substr(text.find('*') + 1);
}

std::optional<LoopOrder> loop_order_of(std::string_view text) {
  const auto* const found = std::ranges::find(kLoopOrderTexts, text);
  return found == kLoopOrderTexts.end()
             ? std::nullopt
             : std::optional(
                   kLoopOrders.at(static_cast<std::size_t>(found - kLoopOrderTexts.begin())));
}

}  // namespace potomac::sim
