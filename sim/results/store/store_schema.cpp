#include "sim/results/store/store_schema.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <span>
#include <string_view>

#include "sim/machine/architecture_keys.hpp"
#include "sim/results/columns.hpp"
#include "sim/results/store/stored_point.hpp"
#include "support/digest.hpp"

namespace potomac::sim {
namespace {

std::string sql_text(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    quoted += c == '\'' ? "''" : std::string(1, c);
  }
  return quoted + "'";
}

// What is said of one column, in the table `columns`.
std::string said(std::string_view of, std::string_view name, std::string_view unit,
                 std::string_view meaning) {
  return fmt::format("INSERT INTO columns VALUES({}, {}, {}, {})", sql_text(of), sql_text(name),
                     sql_text(unit), sql_text(meaning));
}

std::string table(std::string_view name, std::string_view keys,
                  const std::vector<std::string>& columns, std::string_view options = "") {
  return fmt::format("CREATE TABLE {}({}, {}){}", name, keys, fmt::join(columns, ", "), options);
}

std::vector<std::string> names_of(std::span<const MachineColumn* const> columns,
                                  std::string_view prefix) {
  std::vector<std::string> names;
  for (const MachineColumn* const column : columns) {
    names.push_back(fmt::format("{}{}", prefix, sql_name(column->names.flat())));
  }
  return names;
}

// For people who look into the file: numbers made names again.
std::vector<std::string> views() {
  std::vector<std::string> components;
  for (const EnergyColumn& column : energy_columns()) {
    components.push_back(fmt::format(
        "SELECT e.id % {0} AS point, r.machine, r.\"table\", r.accounting, {1} AS component, "
        "e.{2} AS value FROM energy e JOIN reports r ON r.id = e.id / {0}",
        kStoreStride, sql_text(column.names.flat()), sql_name(column.names.flat())));
  }
  return {
      fmt::format("CREATE VIEW totals_by_machine AS SELECT t.id % {0} AS point, m.name AS machine, "
                  "{1} FROM totals t JOIN machines m ON m.id = t.id / {0}",
                  kStoreStride, fmt::join(columns_of_totals(), ", ")),
      fmt::format("CREATE VIEW energy_by_component AS {}", fmt::join(components, " UNION ALL ")),
      fmt::format("CREATE VIEW points_of_sweep AS SELECT s.file AS sweep, p.id % {0} AS place, "
                  "p.point FROM sweep_points p JOIN sweeps s ON s.id = p.id / {0}",
                  kStoreStride)};
}

std::vector<std::string> tables() {
  std::vector<std::string> passes = columns_of_passes();
  passes.emplace_back("PRIMARY KEY(point, number, machine)");
  return {
      "CREATE TABLE store(name TEXT PRIMARY KEY, value)",
      "CREATE TABLE columns(\"of\" TEXT, name TEXT, unit TEXT, meaning TEXT)",
      ("CREATE TABLE contexts(id INTEGER PRIMARY KEY, digest TEXT UNIQUE, workload, content, "
       "dimensions, density, engine, selection, against, step, toggles, build)"),
      table("points", "id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, context INTEGER NOT NULL",
            columns_of_points()),
      "CREATE TABLE refusals(point INTEGER PRIMARY KEY, message TEXT NOT NULL)",
      "CREATE TABLE machines(id INTEGER PRIMARY KEY, name TEXT UNIQUE)",
      table("totals", "id INTEGER PRIMARY KEY", columns_of_totals()),
      ("CREATE TABLE reports(id INTEGER PRIMARY KEY, machine TEXT, \"table\" TEXT, digest TEXT, "
       "accounting TEXT, unit TEXT, node TEXT, has_areas INTEGER, UNIQUE(machine, digest, "
       "accounting))"),
      table("energy", "id INTEGER PRIMARY KEY", columns_of_energy()),
      table("passes", "point INTEGER, number INTEGER, machine INTEGER", passes, " WITHOUT ROWID"),
      ("CREATE TABLE sweeps(id INTEGER PRIMARY KEY, digest TEXT UNIQUE, file TEXT, "
       "points INTEGER)"),
      ("CREATE TABLE sweep_workloads(sweep INTEGER, number INTEGER, name TEXT, context INTEGER, "
       "PRIMARY KEY(sweep, number)) WITHOUT ROWID"),
      "CREATE TABLE sweep_parameters(sweep INTEGER, number INTEGER, name TEXT)",
      ("CREATE TABLE sweep_prices(sweep INTEGER, number INTEGER, \"table\" TEXT, digest TEXT, "
       "accounting TEXT)"),
      "CREATE TABLE sweep_points(id INTEGER PRIMARY KEY, point INTEGER NOT NULL)",
  };
}

// Units and meanings.
std::vector<std::string> rows_of_columns() {
  std::vector<std::string> rows;
  for (const ArchitectureKey& key : architecture_keys()) {
    rows.push_back(said("points", key.name, key.unit, key.meaning));
  }
  const auto add = [&rows](std::string_view of, const std::string& name, const ColumnNames& names) {
    rows.push_back(said(of, name, names.unit, names.meaning));
  };
  for (const MachineColumn* const column : total_columns()) {
    add("totals", column->names.flat(), column->names);
  }
  for (const EnergyColumn& column : energy_columns()) {
    add("energy", column.names.flat(), column.names);
  }
  rows.push_back(said("energy", "reduction", "",
                      "how much less energy MF-MAC takes than this machine: 1 - part / whole"));
  for (const PassColumn& column : pass_columns()) {
    if (!column.csv.empty()) {
      add("passes", column.csv, column.names);
    }
  }
  for (const MachineColumn* const column : pass_machine_columns()) {
    add("passes", column->names.flat(), column->names);
  }
  return rows;
}

std::vector<std::string> what_it_is_made_of() {
  std::vector<std::string> statements = tables();
  std::ranges::move(views(), std::back_inserter(statements));
  return statements;
}

}  // namespace

std::vector<std::string> columns_of_points(std::string_view prefix) {
  std::vector<std::string> names;
  for (const ArchitectureKey& key : architecture_keys()) {
    names.push_back(fmt::format("{}{}", prefix, sql_name(key.name)));
  }
  return names;
}

std::vector<std::string> columns_of_totals(std::string_view prefix) {
  return names_of(total_columns(), prefix);
}

std::vector<std::string> columns_of_energy(std::string_view prefix) {
  std::vector<std::string> names;
  for (const EnergyColumn& column : energy_columns()) {
    names.push_back(fmt::format("{}{}", prefix, sql_name(column.names.flat())));
  }
  names.push_back(fmt::format("{}reduction", prefix));
  return names;
}

std::vector<std::string> columns_of_passes(std::string_view prefix) {
  std::vector<std::string> names;
  for (const PassColumn& column : pass_columns()) {
    if (!column.csv.empty()) {
      names.push_back(fmt::format("{}{}", prefix, sql_name(column.csv)));
    }
  }
  std::ranges::move(names_of(pass_machine_columns(), prefix), std::back_inserter(names));
  return names;
}

std::string sql_name(std::string_view name) {
  return fmt::format("\"{}\"", name);
}

std::vector<std::string> schema_statements() {
  std::vector<std::string> statements = what_it_is_made_of();
  statements.push_back(
      fmt::format("INSERT INTO store VALUES('schema', {})", sql_text(schema_digest())));
  std::ranges::move(rows_of_columns(), std::back_inserter(statements));
  return statements;
}

std::string schema_digest() {
  return sha256_of(fmt::format("{}", fmt::join(what_it_is_made_of(), ";\n"))).substr(0, 16);
}

}  // namespace potomac::sim
