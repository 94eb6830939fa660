#include "sim/results/sweep_figures.hpp"

#include <fmt/format.h>

#include <array>
#include <span>
#include <string_view>

#include "energy/pricing/comparison.hpp"

namespace potomac::sim {
namespace {

// The columns of a machine that are shown: those of the MF-MAC array, and of each other one.
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

// The comparisons with every MAC charged, DRAM at the low end.
std::vector<energy::EnergyComparison> comparisons_of(const SweepRow& row) {
  std::vector<energy::EnergyComparison> all =
      energy::compare(row.energy, row.machines[kMfMacMachine].id);
  std::erase_if(
      all, [](const energy::EnergyComparison& one) { return one.zeros_gated || one.dram_high; });
  return all;
}

}  // namespace

SweepFigures::SweepFigures(const SweepRow& first, std::optional<std::int64_t> batch)
    : batch_(batch) {
  for (std::size_t i = 0; i < first.machines.size(); ++i) {
    const std::span<const std::string_view> shown =
        i == kMfMacMachine ? std::span<const std::string_view>(kMfMacColumns) : kOtherColumns;
    for (const std::string_view name : shown) {
      columns_.push_back({i, &machine_column(name)});
      names_.push_back(
          fmt::format("{}_{}", first.machines[i].id, columns_.back().column->names.flat()));
    }
  }
  for (const energy::EnergyReport& report : first.energy) {
    for (const EnergyColumn& figure : figure_columns()) {
      names_.push_back(flat_figure(figure, report));
    }
  }
  for (const energy::EnergyComparison& one : comparisons_of(first)) {
    names_.push_back(fmt::format("reduction[{},{},{}]", one.to, one.table, one.accounting));
  }
}

std::vector<Cell> SweepFigures::cells(const SweepRow& row) const {
  std::vector<Cell> cells;
  cells.reserve(names_.size());
  for (const ShownColumn& shown : columns_) {
    cells.push_back(shown.column->get(
        {row.totals[shown.machine], row.machines[shown.machine], row.architecture}));
  }
  for (const energy::EnergyReport& report : row.energy) {
    const EnergySource source = total_source(report, row.machines, row.totals, batch_);
    for (const EnergyColumn& figure : figure_columns()) {
      cells.push_back(figure.get(source));
    }
  }
  for (const energy::EnergyComparison& one : comparisons_of(row)) {
    // Not known where there is none: a reduction of nothing is not zero.
    Cell& cell = cells.emplace_back();
    if (one.reduction) {
      cell = *one.reduction;
    }
  }
  return cells;
}

}  // namespace potomac::sim
