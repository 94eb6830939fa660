// The one list of what a report says of a pass: name, unit, meaning and where it comes from.
// report.json, layers.csv, sweep.csv and the terminal's table follow from it (docs/report.md).
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sim/machine/architecture.hpp"
#include "sim/results/pass_record.hpp"

namespace potomac::sim {

// A share is between 0 and 1. std::monostate: not known, null in JSON and empty in CSV.
struct Share {
  double value = 0.0;
};
using Cell = std::variant<std::monostate, std::int64_t, std::uint64_t, double, Share, std::string,
                          std::vector<workloads::GemmShape>, std::vector<Blocking>>;

// What a column is looked up in. `record` is null where it is of a total.
struct ColumnSource {
  const PassRecord* record = nullptr;
  const Quantities& quantities;
  const Architecture& architecture;
};

struct Column {
  std::string path;     // in a report.json entry, dotted: "cycles.total"; empty: not there
  std::string flat;     // in layers.csv: "cycles_total"; empty: not there
  std::string heading;  // in the terminal's table; empty: not there
  std::string unit;
  std::string meaning;
  bool of_totals = false;  // totals have it too
  std::function<Cell(const ColumnSource&)> get;
};

// In the order of the files.
std::span<const Column> columns();

// The column of that CSV name. Precondition: there is one.
const Column& column_named(std::string_view flat);

nlohmann::ordered_json json_cell(const Cell& cell);
std::string csv_cell(const Cell& cell);
std::string text_cell(const Cell& cell);  // for people: "23.1%", "-" if not known

// The entry of report.json for one pass, or with `totals` the object of the totals.
nlohmann::ordered_json json_of(const ColumnSource& source, bool totals);

}  // namespace potomac::sim
