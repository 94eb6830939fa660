#include "sim/results/store/stored_sweep.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "energy/pricing/comparison.hpp"
#include "sim/machine/architecture_keys.hpp"
#include "sim/machine/unit.hpp"
#include "sim/results/store/result_store.hpp"
#include "sim/results/store/store_file.hpp"
#include "sim/results/store/store_schema.hpp"
#include "sim/results/store/stored_point.hpp"
#include "support/error.hpp"
#include "support/plain_text.hpp"

namespace potomac::sim {
namespace {

// The columns of a machine that sweep.csv has: those of the MF-MAC array, and of each other one.
constexpr std::array<std::string_view, 13> kMfMacColumns = {"cycles_total",
                                                            "cycles_preload",
                                                            "cycles_stream",
                                                            "cycles_drain",
                                                            "cycles_stall",
                                                            "time_s",
                                                            "macs",
                                                            "utilization",
                                                            "zero_operand_macs_structural",
                                                            "zero_operand_macs_value",
                                                            "actions_overflow",
                                                            "actions_overflowed_result",
                                                            "actions_dropped_product"};
constexpr std::array<std::string_view, 2> kOtherColumns = {"cycles_total", "time_s"};

}  // namespace

class StoredSweep::Impl {
 public:
  explicit Impl(const std::filesystem::path& folder)
      : folder_(folder), file_(store_in(folder), StoreFile::Use::kRead) {
    file_.guarded([&] {
      read_sweep();
      if (first_done_) {
        read_machines();
        read_reports();
      }
    });
    add_columns();
  }

  std::string name() const { return printable(folder_.string(), kWhole); }
  const std::vector<std::string>& columns() const { return columns_; }
  const std::vector<std::string>& listed() const { return listed_; }
  bool is_parameter(const std::string& column) const {
    return std::ranges::find(parameters_, column) != parameters_.end();
  }

  void each(std::span<const std::string> columns, const Visitor& visit,
            std::optional<std::span<const std::size_t>> points) {
    // Few are looked up; of many all are read, and the others left out.
    constexpr std::size_t kFew = 2000;
    std::size_t next = 0;
    const auto visit_wanted = [&](std::size_t point, std::span<const Cell> cells) {
      if (!points) {
        visit(point, cells);
      } else if (next < points->size() && (*points)[next] == point) {
        ++next;
        visit(point, cells);
      }
    };
    file_.guarded([&] {
      SQLite::Statement statement(file_.database(), query_of(columns));
      std::vector<Cell> cells(columns.size());
      const auto read = [&](std::size_t begin, std::size_t end) {
        statement.bind(1, first_place() + static_cast<std::int64_t>(begin));
        statement.bind(2, first_place() + static_cast<std::int64_t>(end));
        while (statement.executeStep()) {
          for (std::size_t i = 0; i < cells.size(); ++i) {
            cells[i] = cell_at(statement, static_cast<int>(i) + 1);
          }
          visit_wanted(static_cast<std::size_t>(statement.getColumn(0).getInt64()), cells);
        }
        statement.reset();
      };
      if (points && points->size() <= kFew) {
        for (const std::size_t point : *points) {
          read(point, point + 1);
        }
      } else {
        read(0, static_cast<std::size_t>(kStoreStride));
      }
    });
  }

 private:
  // How SQL has a column: of which of the joined tables, by its alias there.
  struct SqlColumn {
    std::string table;
    std::string expression;
  };
  static SqlColumn sql_column(const std::string& table, std::string_view name) {
    return {table, fmt::format("{}.{}", table, sql_name(name))};
  }

  struct KnownReport {
    std::int64_t id = 0;
    std::string machine;
    std::string table;
    std::string accounting;
    bool has_areas = false;
  };

  SQLite::Statement statement(const std::string& text) { return {file_.database(), text}; }

  std::vector<std::string> texts(const std::string& text) {
    std::vector<std::string> all;
    SQLite::Statement find = statement(text);
    while (find.executeStep()) {
      all.push_back(find.getColumn(0).getString());
    }
    return all;
  }

  std::optional<std::int64_t> integer(const std::string& text) {
    SQLite::Statement find = statement(text);
    return find.executeStep() && !find.getColumn(0).isNull()
               ? std::optional<std::int64_t>(find.getColumn(0).getInt64())
               : std::nullopt;
  }

  // The id of the sweep's first place; of points without a sweep their own first id.
  std::int64_t first_place() const { return sweep_ ? *sweep_ * kStoreStride : 0; }

  void read_sweep() {
    sweep_ = integer("SELECT value FROM store WHERE name = 'last sweep'");
    if (sweep_) {
      points_ =
          integer(fmt::format("SELECT points FROM sweeps WHERE id = {}", *sweep_)).value_or(1);
      parameters_ = texts(fmt::format(
          "SELECT name FROM sweep_parameters WHERE sweep = {} ORDER BY number", *sweep_));
      if (integer(fmt::format("SELECT count(*) FROM sweep_workloads WHERE sweep = {}", *sweep_)) >
          1) {
        parameters_.insert(parameters_.begin(), std::string(kWorkloadColumn));
      }
    } else {
      for (const ArchitectureKey& key : architecture_keys()) {
        if (integer(fmt::format("SELECT count(DISTINCT ifnull({}, '')) FROM points",
                                sql_name(key.name)))
                .value_or(0) > 1) {
          parameters_.emplace_back(key.name);
        }
      }
    }
    // The first point that ran: all others have what it has. A part of a sweep may have none.
    first_done_ = integer(
        sweep_ ? fmt::format("SELECT s.point FROM sweep_points s LEFT JOIN refusals r ON r.point = "
                             "s.point WHERE s.id >= {} AND s.id < {} AND r.message IS NULL "
                             "ORDER BY s.id LIMIT 1",
                             first_place(), first_place() + kStoreStride)
               : "SELECT p.id FROM points p LEFT JOIN refusals r ON r.point = p.id WHERE "
                 "r.message IS NULL ORDER BY p.id LIMIT 1");
    const bool has_any =
        first_done_ ||
        integer(sweep_
                    ? fmt::format("SELECT id FROM sweep_points WHERE id >= {} AND id < {} LIMIT 1",
                                  first_place(), first_place() + kStoreStride)
                    : "SELECT id FROM points LIMIT 1");
    if (!has_any) {
      throw InputError(
          {file_.path().string(), "", "has no point", "sweep, or run with --store, first"});
    }
  }

  // In the order of a machine list: MF-MAC, the FP32 array, rivals.
  void read_machines() {
    for (const UnitInfo& unit : kUnits) {
      if (const auto id =
              integer(fmt::format("SELECT id FROM machines WHERE name = '{}'", unit.name));
          id && integer(fmt::format("SELECT id FROM totals WHERE id = {}",
                                    *id * kStoreStride + *first_done_))) {
        machines_.emplace_back(std::string(unit.name), *id);
      }
    }
  }

  // By accounting, table and machine, as reports stand.
  void read_reports() {
    const std::string prices =
        sweep_ ? fmt::format("SELECT digest, accounting, number FROM sweep_prices WHERE sweep = {}",
                             *sweep_)
               : "SELECT digest, accounting, min(id) AS number FROM reports GROUP BY 1, 2";
    SQLite::Statement find = statement(fmt::format(
        "SELECT r.id, r.machine, r.\"table\", r.accounting, r.has_areas FROM ({}) p JOIN reports r "
        "ON r.digest "
        "= p.digest AND r.accounting = p.accounting JOIN energy e ON e.id = r.id * {} + {} ORDER "
        "BY p.number",
        prices, kStoreStride, *first_done_));
    while (find.executeStep()) {
      reports_.push_back({find.getColumn(0).getInt64(), find.getColumn(1).getString(),
                          find.getColumn(2).getString(), find.getColumn(3).getString(),
                          find.getColumn(4).getInt() != 0});
    }
    const auto rank = [](const std::string& machine) {
      // The multiplier alone stands behind the array that it is of.
      const bool multiplier = machine == energy::kFp32Multiplier;
      const auto unit = multiplier ? Unit::kFp32Mac : unit_named(machine).value_or(Unit::kInt4Mac);
      return 2 * static_cast<int>(unit) + (multiplier ? 1 : 0);
    };
    for (auto begin = reports_.begin(); begin != reports_.end();) {
      const auto end = std::find_if(begin, reports_.end(), [&](const KnownReport& report) {
        return report.table != begin->table || report.accounting != begin->accounting;
      });
      std::sort(begin, end, [&](const KnownReport& a, const KnownReport& b) {
        return rank(a.machine) < rank(b.machine);
      });
      begin = end;
    }
  }

  // A name, and the SQL that gives it.
  void add_column(const std::string& name, const SqlColumn& sql, bool is_listed) {
    columns_.push_back(name);
    sql_.emplace(name, sql);
    if (is_listed) {
      listed_.push_back(name);
    }
  }

  void add_columns() {
    add_column("point", {}, true);
    for (const std::string& name : parameters_) {
      add_column(name, name == kWorkloadColumn ? sql_column("w", "name") : sql_column("p", name),
                 true);
    }
    add_column("status", {"f", "CASE WHEN f.message IS NULL THEN 'done' ELSE 'refused' END"}, true);
    for (const auto& [machine, id] : machines_) {
      const bool is_mf_mac = machine == info_of(Unit::kMfMac).name;
      const std::span<const std::string_view> shown =
          is_mf_mac ? std::span<const std::string_view>(kMfMacColumns) : kOtherColumns;
      for (const std::string_view column : shown) {
        add_column(fmt::format("{}_{}", machine, column),
                   sql_column(fmt::format("t{}", id), column), true);
      }
    }
    add_energies();
    listed_.emplace_back("message");
    for (const ArchitectureKey& key : architecture_keys()) {
      add_if_new(std::string(key.name), sql_column("p", key.name));
    }
    for (const auto& [machine, id] : machines_) {
      for (const MachineColumn* const column : total_columns()) {
        const std::string flat = column->names.flat();
        add_if_new(fmt::format("{}_{}", machine, flat), sql_column(fmt::format("t{}", id), flat));
        if (machine == info_of(Unit::kMfMac).name) {
          add_if_new(flat, sql_column(fmt::format("t{}", id), flat));
        }
      }
    }
    add_column("message", sql_column("f", "message"), false);
  }

  void add_if_new(const std::string& name, const SqlColumn& sql) {
    if (!sql_.contains(name)) {
      add_column(name, sql, false);
    }
  }

  void add_energies() {
    const auto figure = [](const EnergyColumn& column, const KnownReport& report) {
      energy::EnergyReport named;
      named.machine = report.machine;
      named.table = report.table;
      named.accounting = report.accounting;
      return flat_figure(column, named);
    };
    for (const EnergyColumn& column : energy_columns()) {
      const bool is_figure = &column < figure_columns().data() + figure_columns().size();
      for (const KnownReport& report : reports_) {
        sql_.emplace(figure(column, report),
                     sql_column(fmt::format("e{}", report.id), column.names.flat()));
        if (!is_figure && report.machine != energy::kFp32Multiplier) {
          columns_.push_back(figure(column, report));
        }
      }
    }
    for (const KnownReport& report : reports_) {
      for (const EnergyColumn& column : figure_columns()) {
        if (report.machine != energy::kFp32Multiplier) {
          columns_.push_back(figure(column, report));
          if (!is_area(column) || report.has_areas) {
            listed_.push_back(columns_.back());
          }
        }
      }
    }
    for (const KnownReport& report : reports_) {
      if (report.machine != info_of(Unit::kMfMac).name) {
        add_column(
            fmt::format("reduction[{},{},{}]", report.machine, report.table, report.accounting),
            sql_column(fmt::format("e{}", report.id), "reduction"), true);
      }
    }
  }

  // Most tables have none: sweep.csv then has no columns for them.
  static bool is_area(const EnergyColumn& column) {
    return column.names.path.find("_area_") != std::string::npos;
  }

  // Place, then the columns, of places from ?1 to ?2.
  std::string query_of(std::span<const std::string> columns) const {
    const std::string place =
        sweep_ ? fmt::format("s.id - {}", first_place()) : std::string("p.id");
    std::vector<std::string> wanted;
    std::set<std::string> tables;  // that have to be joined
    for (const std::string& column : columns) {
      const SqlColumn& sql = sql_.at(column);
      wanted.push_back(column == "point" ? place : sql.expression);
      tables.insert(sql.table);
    }
    const std::string point = sweep_ ? "s.point" : "p.id";
    std::string joins;
    if (sweep_ && tables.contains("p")) {
      joins += " JOIN points p ON p.id = s.point";
    }
    if (tables.contains("w")) {
      joins += fmt::format(" JOIN sweep_workloads w ON w.sweep = {} AND w.number = ({}) / {}",
                           *sweep_, place, std::max<std::int64_t>(points_, 1));
    }
    if (tables.contains("f")) {
      joins += fmt::format(" LEFT JOIN refusals f ON f.point = {}", point);
    }
    const auto join = [&](const char* table, char letter, std::int64_t id) {
      const std::string alias = fmt::format("{}{}", letter, id);
      if (tables.contains(alias)) {
        joins += fmt::format(" LEFT JOIN {0} {1} ON {1}.id = {2} + {3}", table, alias,
                             id * kStoreStride, point);
      }
    };
    for (const auto& [machine, id] : machines_) {
      join("totals", 't', id);
    }
    for (const KnownReport& report : reports_) {
      join("energy", 'e', report.id);
    }
    return fmt::format("SELECT {0}{1} FROM {2}{3} WHERE {4} >= ? AND {4} < ? ORDER BY {4}", place,
                       wanted.empty() ? "" : fmt::format(", {}", fmt::join(wanted, ", ")),
                       sweep_ ? "sweep_points s" : "points p", joins, sweep_ ? "s.id" : "p.id");
  }

  std::filesystem::path folder_;
  StoreFile file_;
  std::optional<std::int64_t> sweep_;
  std::int64_t points_ = 1;  // of each workload
  std::optional<std::int64_t> first_done_;
  std::vector<std::string> parameters_;
  std::vector<std::pair<std::string, std::int64_t>> machines_;
  std::vector<KnownReport> reports_;
  std::vector<std::string> columns_;
  std::vector<std::string> listed_;
  std::map<std::string, SqlColumn, std::less<>> sql_;  // by column
};

StoredSweep::StoredSweep(const std::filesystem::path& folder)
    : impl_(std::make_unique<Impl>(folder)) {}
StoredSweep::~StoredSweep() = default;

std::string StoredSweep::name() const {
  return impl_->name();
}
const std::vector<std::string>& StoredSweep::columns() const {
  return impl_->columns();
}
const std::vector<std::string>& StoredSweep::listed() const {
  return impl_->listed();
}
bool StoredSweep::is_parameter(const std::string& column) const {
  return impl_->is_parameter(column);
}
void StoredSweep::each(std::span<const std::string> columns, const Visitor& visit,
                       std::optional<std::span<const std::size_t>> points) const {
  impl_->each(columns, visit, points);
}

}  // namespace potomac::sim
