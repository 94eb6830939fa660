#include "sim/reports/cell_text.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <iterator>
#include <variant>
#include <vector>

#include "sim/results/csv_field.hpp"
#include "sim/results/gemm_text.hpp"
#include "sim/results/si_units.hpp"

namespace potomac::sim {
namespace {

// As it is, without the quotes of a CSV, behind a text.
struct PlainCell {
  std::string& text;

  void operator()(std::monostate /*unknown*/) const {}
  void operator()(Share share) const { (*this)(share.value); }
  void operator()(const std::vector<workloads::GemmShape>& gemms) const {
    text += gemm_text(gemms);
  }
  void operator()(const std::vector<Blocking>& tiles) const { text += tile_text(tiles); }
  void operator()(const std::string& own) const { text += own; }
  void operator()(const auto& number) const {
    fmt::format_to(std::back_inserter(text), "{}", number);
  }
};

bool is_number(const Cell& cell) {
  return std::holds_alternative<std::int64_t>(cell) ||
         std::holds_alternative<std::uint64_t>(cell) || std::holds_alternative<double>(cell) ||
         std::holds_alternative<Share>(cell);
}

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

std::string plain_text(const Cell& cell) {
  std::string text;
  std::visit(PlainCell{text}, cell);
  return text;
}

void append_csv(std::string& line, const Cell& cell) {
  if (is_number(cell)) {
    std::visit(PlainCell{line}, cell);
  } else {
    line += csv_field(plain_text(cell));
  }
}

std::string csv_cell(const Cell& cell) {
  std::string text;
  append_csv(text, cell);
  return text;
}

std::string text_cell(const Cell& cell) {
  return std::visit(TextCell{}, cell);
}

}  // namespace potomac::sim
