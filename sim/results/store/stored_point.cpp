#include "sim/results/store/stored_point.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <iterator>

#include "energy/pricing/comparison.hpp"
#include "support/digest.hpp"

namespace potomac::sim {
namespace {

struct CellOfValue {
  Cell operator()(bool value) const { return std::string(value ? "true" : "false"); }
  Cell operator()(const auto& value) const { return value; }
};

template <typename Wanted>
std::vector<const MachineColumn*> columns_that(const Wanted& wanted) {
  std::vector<const MachineColumn*> columns;
  for (const MachineColumn& column : machine_columns()) {
    if (!column.names.path.empty() && wanted(column)) {
      columns.push_back(&column);
    }
  }
  return columns;
}

std::size_t price_of(const energy::EnergyReport& report, std::span<const StoredPrice> prices) {
  const auto found = std::ranges::find_if(prices, [&](const StoredPrice& price) {
    return price.table == report.table && price.accounting == report.accounting;
  });
  assert(found != prices.end());
  return static_cast<std::size_t>(found - prices.begin());
}

std::vector<StoredPoint::Energy> energies_of(const PointParts& parts,
                                             std::span<const StoredPrice> prices) {
  std::vector<StoredPoint::Energy> energies;
  const auto comparisons = energy::compare(parts.energy, parts.machines[kMfMacMachine].id);
  for (const energy::EnergyReport& report : parts.energy) {
    const EnergySource source = total_source(report, parts.machines, parts.totals, parts.batch);
    StoredPoint::Energy& own = energies.emplace_back();
    own.machine = report.machine;
    own.price = price_of(report, prices);
    for (const EnergyColumn& column : energy_columns()) {
      own.cells.push_back(column.get(source));
    }
    own.cells.emplace_back();
    for (const energy::EnergyComparison& one : comparisons) {
      if (one.table != report.table || one.accounting != report.accounting || one.zeros_gated ||
          one.dram_high) {
        continue;
      }
      Cell reduction;
      if (one.reduction) {
        reduction = *one.reduction;
      }
      if (one.to == report.machine) {
        energies.back().cells.back() = reduction;
      } else if (one.to == energy::kFp32Multiplier &&
                 report.machine == parts.machines[kFp32Machine].id) {
        StoredPoint::Energy multiplier{one.to, price_of(report, prices), {}};
        multiplier.cells.resize(energy_columns().size());
        multiplier.cells.push_back(reduction);
        energies.push_back(std::move(multiplier));
      }
    }
  }
  return energies;
}

}  // namespace

Cell cell_of(const KeyValue& value) {
  return std::visit(CellOfValue{}, value);
}

std::span<const MachineColumn* const> total_columns() {
  static const std::vector<const MachineColumn*> columns =
      columns_that([](const MachineColumn& column) { return column.of_totals; });
  return columns;
}

std::span<const MachineColumn* const> pass_machine_columns() {
  static const std::vector<const MachineColumn*> columns =
      columns_that([](const MachineColumn& /*column*/) { return true; });
  return columns;
}

std::vector<StoredPrice> stored_prices(const Prices& prices) {
  std::vector<StoredPrice> stored;
  for (const energy::Accounting* const accounting : prices.accountings) {
    for (const energy::UnitEnergyTable& table : prices.tables) {
      stored.push_back({table.name(), table.digest(), std::string(accounting->name()), table.unit(),
                        table.node(), table.has_pe_areas()});
    }
  }
  return stored;
}

StoredPoint stored_point(const PointKey& key, const PointParts& parts,
                         std::span<const StoredPrice> prices) {
  StoredPoint point;
  point.key = key;
  point.architecture.reserve(architecture_keys().size());
  for (const ArchitectureKey& one : architecture_keys()) {
    point.architecture.push_back(cell_of(one.get(parts.architecture)));
  }
  point.refusal = parts.refusal;
  if (!parts.refusal.empty()) {
    return point;
  }
  for (std::size_t i = 0; i < parts.machines.size(); ++i) {
    StoredPoint::OfMachine& totals = point.totals.emplace_back();
    totals.machine = parts.machines[i].id;
    totals.cells.reserve(total_columns().size());
    for (const MachineColumn* const column : total_columns()) {
      totals.cells.push_back(column->get({parts.totals[i], parts.machines[i], parts.architecture}));
    }
  }
  point.energy = energies_of(parts, prices);
  for (const PassRecord& record : parts.passes) {
    StoredPoint::Pass& pass = point.passes.emplace_back();
    for (const PassColumn& column : pass_columns()) {
      if (!column.csv.empty()) {
        pass.cells.push_back(column.get(record));
      }
    }
    for (std::size_t i = 0; i < parts.machines.size(); ++i) {
      const MachineRecord& of_machine = record.machines[i];
      StoredPoint::OfMachine& cells = pass.machines.emplace_back();
      cells.machine = parts.machines[i].id;
      for (const MachineColumn* const column : pass_machine_columns()) {
        cells.cells.push_back(column->get(
            {of_machine.quantities, parts.machines[i], parts.architecture, &of_machine}));
      }
    }
  }
  return point;
}

}  // namespace potomac::sim
