// The lists of what is said of a pass, of a machine in it, and of an energy: name, unit, meaning,
// how it is got, and how it is set. report.json, its reader, layers.csv, sweep.csv, comparisons and
// the terminal's table follow from them (docs/report.md).
//
// A column's name is its path within its entry, with underscores for dots. Where it is flat, the
// machine's id stands in front of it: `mf_mac_cycles_total`. Asked for without one it is mf_mac's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "energy/pricing/energy_report.hpp"
#include "sim/machine/architecture.hpp"
#include "sim/machine/machine.hpp"
#include "sim/results/pass_record.hpp"

namespace potomac::sim {

// A share is between 0 and 1. std::monostate: not known, null in JSON and empty in CSV.
struct Share {
  double value = 0.0;

  friend bool operator==(const Share&, const Share&) = default;
};
using Cell = std::variant<std::monostate, std::int64_t, std::uint64_t, double, Share, std::string,
                          std::vector<workloads::GemmShape>, std::vector<Blocking>>;

// What may stand in a column that is set.
enum class CellKind {
  kText,
  kUnknownText,   // the same, or nothing
  kInteger,       // of a few digits: a width, an exponent
  kCount,         // std::uint64_t
  kUnknownCount,  // the same, or not known
  kPass,          // a pass's name
  kGemms,
  kTiles,
};

struct ColumnNames {
  std::string path;     // in an entry of report.json, dotted: "cycles.total"; empty: not there
  std::string heading;  // in the terminal's table; empty: not there
  std::string unit;
  std::string meaning;

  std::string flat() const;  // the path with underscores
};

// --- of a pass -----------------------------------------------------------------------------------

struct PassColumn {
  ColumnNames names;
  std::string csv;  // in layers.csv; empty: not there
  CellKind kind = CellKind::kText;
  std::function<Cell(const PassRecord&)> get;
  // Empty: the value follows from others. Precondition: the cell is of the column's kind.
  std::function<void(PassRecord&, const Cell&)> set;
};
std::span<const PassColumn> pass_columns();

// --- of a machine, in a pass or in all of them ---------------------------------------------------

struct MachineSource {
  const Quantities& quantities;
  const Machine& machine;
  const Architecture& architecture;
  const MachineRecord* record = nullptr;  // null: of a total
};

struct MachineColumn {
  ColumnNames names;
  bool of_totals = true;  // totals have it too
  CellKind kind = CellKind::kCount;
  std::function<Cell(const MachineSource&)> get;
  std::function<void(MachineRecord&, const Cell&)> set;  // as above
};
std::span<const MachineColumn> machine_columns();
// The column of that flat name (without a machine). Precondition: there is one.
const MachineColumn& machine_column(std::string_view flat);

// --- of an energy --------------------------------------------------------------------------------

struct EnergySource {
  const energy::EnergyReport& report;
  const energy::EnergyRow& row;
  const Quantities* quantities = nullptr;  // of the machine in the same work; null: not at hand
  const Machine* machine = nullptr;
  std::optional<std::int64_t> batch;  // inputs that the work is done for
};

// It stands in report.json at the path; where it is flat its name is flat_name() of the path.
struct EnergyColumn {
  ColumnNames names;
  bool of_rows = false;  // by_layer, by_pass and by_gemm have it too
  std::function<Cell(const EnergySource&)> get;
};
std::span<const EnergyColumn> energy_columns();
// The columns of a report that stand alone: all but its components.
std::span<const EnergyColumn> figure_columns();
// A report's total, beside what its machine did in the same work.
EnergySource total_source(const energy::EnergyReport& report, std::span<const Machine> machines,
                          std::span<const Quantities> totals, std::optional<std::int64_t> batch);
// The name of a figure of a report where it is flat: the total is
// "energy[MACHINE,TABLE,ACCOUNTING]", the others have their own name in front.
std::string flat_figure(const EnergyColumn& column, const energy::EnergyReport& report);

// What is known of a column of that flat name, in a sweep's rows: an architecture key, a machine's,
// an energy's, or a reduction (unit "less"). Empty names where there is none.
ColumnNames said_of_flat(const std::string& name);

}  // namespace potomac::sim
