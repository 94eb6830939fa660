#include "sim/reports/sweep_answer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "sim/results/columns.hpp"
#include "sim/results/csv_field.hpp"
#include "sim/results/si_units.hpp"
#include "sim/results/sweep_json.hpp"

namespace potomac::sim {
namespace {

bool marks_a_front(const SweepTable& sweep) {
  return sweep.columns.back().name == "pareto";
}

// A cell for people.
std::string text_of_cell(const std::string& cell, const SweepTable::Column& column) {
  if (cell.empty()) {
    return "-";
  }
  const std::optional<double> number = number_in(cell);
  if (!number || column.parameter) {
    return cell;
  }
  const std::string unit = said_of_flat(column.name).unit;
  if (unit == "pJ") {
    return si_energy(*number);
  }
  if (unit == "s") {
    return si_time(*number * 1e9);
  }
  if (unit == "share" || unit == "less") {
    return percent(number);
  }
  const bool whole = cell.find_first_not_of("0123456789") == std::string::npos;
  return whole ? cell : fmt::format("{:.4g}", *number);
}

std::string answer_table(const SweepTable& sweep, TextForm form) {
  const bool front = marks_a_front(sweep);
  const std::size_t columns = sweep.columns.size() - (front ? 1 : 0);
  std::vector<std::string> header;
  for (std::size_t i = 0; i < columns; ++i) {
    header.push_back(sweep.columns[i].name);
  }
  TextTable table(std::move(header), 0);
  std::size_t shown = 0;
  for (const std::vector<std::string>& cells : sweep.rows) {
    if (front && cells.back() != "1") {
      continue;
    }
    std::vector<std::string> row;
    for (std::size_t i = 0; i < columns; ++i) {
      row.push_back(text_of_cell(cells[i], sweep.columns[i]));
    }
    table.add(std::move(row));
    ++shown;
  }
  std::string text = table.text(form);
  text +=
      front ? fmt::format("\n{} of {} points are on the Pareto front.\n", shown, sweep.rows.size())
            : fmt::format("\n{} points\n", shown);
  return text;
}

std::string answer_csv(const SweepTable& sweep) {
  std::vector<std::string> line;
  std::ranges::transform(sweep.columns, std::back_inserter(line),
                         [](const SweepTable::Column& column) { return csv_field(column.name); });
  std::string csv = csv_line(line);
  for (const std::vector<std::string>& cells : sweep.rows) {
    line.clear();
    std::ranges::transform(cells, std::back_inserter(line), csv_field);
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
