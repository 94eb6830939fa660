#include "sim/reports/sweep_answer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>
#include <vector>

#include "sim/reports/cell_text.hpp"
#include "sim/results/columns.hpp"
#include "sim/results/csv_field.hpp"
#include "sim/results/si_units.hpp"
#include "sim/results/sweep_json.hpp"

namespace potomac::sim {
namespace {

// A cell for people. `unit`: of its column; empty of a parameter.
std::string text_of_cell(const Cell& cell, const std::string& unit) {
  const auto* const number = std::get_if<double>(&cell);
  if (number == nullptr) {
    const std::string text = plain_text(cell);
    return text.empty() ? "-" : text;
  }
  if (unit == "pJ") {
    return si_energy(*number);
  }
  if (unit == "s") {
    return si_time(*number * 1e9);
  }
  if (unit == "share" || unit == "less") {
    return percent(*number);
  }
  return unit.empty() ? fmt::format("{}", *number) : fmt::format("{:.4g}", *number);
}

std::string answer_table(const SweepTable& sweep, TextForm form) {
  const std::size_t columns = sweep.columns.size() - (sweep.on_front ? 1 : 0);
  std::vector<std::string> header;
  std::vector<std::string> units;
  for (std::size_t i = 0; i < columns; ++i) {
    const SweepTable::Column& column = sweep.columns[i];
    header.push_back(column.name);
    units.push_back(column.parameter ? "" : said_of_flat(column.name).unit);
  }
  TextTable table(std::move(header), 0);
  for (const std::vector<Cell>& cells : sweep.rows) {
    std::vector<std::string> row;
    for (std::size_t i = 0; i < columns; ++i) {
      row.push_back(text_of_cell(cells[i], units[i]));
    }
    table.add(std::move(row));
  }
  std::string text = table.text(form);
  const std::size_t all = sweep.rows.size() + sweep.rows_left_out;
  text += sweep.on_front
              ? fmt::format("\n{} of {} points are on the Pareto front.\n", *sweep.on_front, all)
          : sweep.rows_left_out > 0 ? fmt::format("\n{} of {} points\n", sweep.rows.size(), all)
                                    : fmt::format("\n{} points\n", all);
  return text;
}

std::string answer_csv(const SweepTable& sweep) {
  std::vector<std::string> line;
  std::ranges::transform(sweep.columns, std::back_inserter(line),
                         [](const SweepTable::Column& column) { return csv_field(column.name); });
  std::string csv = csv_line(line);
  for (const std::vector<Cell>& cells : sweep.rows) {
    line.clear();
    std::ranges::transform(cells, std::back_inserter(line), csv_cell);
    csv += csv_line(line);
  }
  return csv;
}

}  // namespace

std::string sweep_answer(const SweepTable& sweep, ReportFormat format, TextForm form) {
  switch (format) {
    case ReportFormat::kCsv:
      return answer_csv(sweep);
    case ReportFormat::kJson:
      return sweep_json(sweep);
    case ReportFormat::kMarkdown:
      return answer_table(sweep, TextForm::kMarkdown);
    case ReportFormat::kLatex:
      return as_latex(answer_table(sweep, TextForm::kLatex));
    default:
      return answer_table(sweep, form);
  }
}

}  // namespace potomac::sim
