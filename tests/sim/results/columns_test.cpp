// The lists of columns: names of their own, a meaning each, and what is set is what is got.
#include "sim/results/columns.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

namespace potomac::sim {
namespace {

const Architecture kArchitecture;

Machine mf_mac() {
  return machines_of(kArchitecture, {}).front();
}

TEST(PassColumns, HaveNamesOfTheirOwnAndAMeaning) {
  std::map<std::string, int> paths;
  std::map<std::string, int> csv;
  for (const PassColumn& column : pass_columns()) {
    EXPECT_FALSE(column.names.meaning.empty());
    EXPECT_FALSE(column.names.path.empty() && column.csv.empty());
    paths[column.names.path] += column.names.path.empty() ? 0 : 1;
    csv[column.csv] += column.csv.empty() ? 0 : 1;
  }
  for (const auto& names : {paths, csv}) {
    for (const auto& [name, times] : names) {
      EXPECT_LE(times, 1) << name;
    }
  }
}

TEST(MachineColumns, HaveNamesOfTheirOwnAndAMeaning) {
  std::map<std::string, int> paths;
  std::map<std::string, int> flats;
  for (const MachineColumn& column : machine_columns()) {
    EXPECT_FALSE(column.names.meaning.empty());
    EXPECT_FALSE(column.names.path.empty() && column.names.heading.empty());
    if (!column.names.path.empty()) {
      paths[column.names.path] += 1;
      flats[column.names.flat()] += 1;
      EXPECT_EQ(&machine_column(column.names.flat()), &column);
    }
  }
  for (const auto& names : {paths, flats}) {
    for (const auto& [name, times] : names) {
      EXPECT_EQ(times, 1) << name;
    }
  }
}

// Every column that is set gets a number of its own; each is read back, and no other has moved.
TEST(MachineColumns, WhatIsSetIsGot) {
  MachineRecord record;
  const Machine machine = mf_mac();
  Architecture with_memory = kArchitecture;
  with_memory.memory.emplace();
  std::map<const MachineColumn*, Cell> expected;
  std::uint64_t number = 100;
  for (const MachineColumn& column : machine_columns()) {
    if (!column.set) {
      continue;
    }
    Cell cell;
    switch (column.kind) {
      case CellKind::kCount:
      case CellKind::kUnknownCount:
        cell = ++number;
        break;
      case CellKind::kInteger:
        cell = static_cast<std::int64_t>(++number);
        break;
      case CellKind::kTiles:
        cell = std::vector<Blocking>{{.extents = {1, 2, 3}}};
        break;
      case CellKind::kUnknownText:
        cell = fmt::format("text {}", ++number);
        break;
      case CellKind::kText:
      case CellKind::kPass:
      case CellKind::kGemms:
        FAIL() << column.names.path;
    }
    column.set(record, cell);
    expected.emplace(&column, cell);
  }
  EXPECT_GT(expected.size(), 50U);
  for (const auto& [column, cell] : expected) {
    const Cell got = column->get({record.quantities, machine, with_memory, &record});
    EXPECT_TRUE(got == cell) << column->names.path;
  }
}

TEST(MachineColumns, WhatIsNotKnownStaysSo) {
  MachineRecord record;
  const Machine machine = mf_mac();
  for (const MachineColumn& column : machine_columns()) {
    if (column.set && column.kind == CellKind::kUnknownCount) {
      column.set(record, Cell());
      const Cell got = column.get({record.quantities, machine, kArchitecture, &record});
      EXPECT_TRUE(std::holds_alternative<std::monostate>(got)) << column.names.path;
    }
  }
}

TEST(MachineColumns, OfNoCycleHaveNoUtilization) {
  const Quantities none;
  const Cell cell = machine_column("utilization").get({none, mf_mac(), kArchitecture});
  EXPECT_TRUE(std::holds_alternative<std::monostate>(cell));
}

TEST(EnergyColumns, SayPowerAndItsKinByHand) {
  energy::EnergyReport report;
  report.machine = "mf_mac";
  report.table = "t";
  report.accounting = "operation";
  report.total.macs = 4000;
  report.total.by_component[0] = 2000.0;  // pJ
  Quantities quantities;
  quantities.cycles.stream = 50;
  Machine machine = mf_mac();
  machine.clock_mhz = 500.0;  // 100 ns
  const EnergySource source{report, report.total, &quantities, &machine, 8};
  std::map<std::string, double> figures;
  for (const EnergyColumn& column : energy_columns()) {
    const Cell cell = column.get(source);
    if (const auto* const value = std::get_if<double>(&cell)) {
      figures[flat_figure(column, report)] = *value;
    }
  }
  EXPECT_DOUBLE_EQ(figures.at("energy[mf_mac,t,operation]"), 2000.0);
  EXPECT_DOUBLE_EQ(figures.at("power_w[mf_mac,t,operation]"), 0.02);    // 2 nJ in 100 ns
  EXPECT_DOUBLE_EQ(figures.at("tops_per_w[mf_mac,t,operation]"), 4.0);  // 8000 / 2 nJ
  EXPECT_DOUBLE_EQ(figures.at("energy_delay_js[mf_mac,t,operation]"), 2e-16);
  EXPECT_DOUBLE_EQ(figures.at("energy_per_input[mf_mac,t,operation]"), 250.0);
  EXPECT_EQ(figures.count("total_dram_high[mf_mac,t,operation]"), 0U);
}

}  // namespace
}  // namespace potomac::sim
