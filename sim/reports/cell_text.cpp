#include "sim/reports/cell_text.hpp"

#include <fmt/format.h>

#include <variant>
#include <vector>

#include "sim/results/csv_field.hpp"
#include "sim/results/gemm_text.hpp"
#include "sim/results/si_units.hpp"

namespace potomac::sim {
namespace {

struct CsvCell {
  std::string operator()(std::monostate /*unknown*/) const { return {}; }
  std::string operator()(Share share) const { return fmt::format("{}", share.value); }
  std::string operator()(const std::string& text) const { return csv_field(text); }
  std::string operator()(const std::vector<workloads::GemmShape>& gemms) const {
    return csv_field(gemm_text(gemms));
  }
  std::string operator()(const std::vector<Blocking>& tiles) const {
    return csv_field(tile_text(tiles));
  }
  std::string operator()(const auto& number) const { return fmt::format("{}", number); }
};

struct TextCell {
  std::string operator()(std::monostate /*unknown*/) const { return "-"; }
  std::string operator()(Share share) const { return fmt::format("{:.1f}%", 100.0 * share.value); }
  std::string operator()(std::uint64_t count) const { return si_count(count); }
  std::string operator()(const std::vector<workloads::GemmShape>& gemms) const {
    return gemm_text(gemms);
  }
  std::string operator()(const std::vector<Blocking>& tiles) const { return tile_text(tiles); }
  std::string operator()(const auto& value) const { return fmt::format("{}", value); }
};

}  // namespace

std::string csv_cell(const Cell& cell) {
  return std::visit(CsvCell{}, cell);
}

std::string text_cell(const Cell& cell) {
  return std::visit(TextCell{}, cell);
}

}  // namespace potomac::sim
