// Sweeps as a library: every point is a run of its own, values are looked at once an accumulator,
// rows come in order and at once.
#include "sim/studies/sweep.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "sim/machine/architecture_keys.hpp"
#include "sim/reports/cell_text.hpp"
#include "sim/reports/sweep_summary.hpp"
#include "sim/results/columns.hpp"
#include "sim/results/open_sweep.hpp"
#include "sim/results/store/result_store.hpp"
#include "sim/studies/run.hpp"
#include "sim/studies/stored_sweep.hpp"
#include "support/error.hpp"
#include "tests/sim/engines/random_passes.hpp"
#include "tests/support/temporary_folder.hpp"
#include "workloads/layers/layer_check.hpp"
#include "workloads/sources/open_workload.hpp"

namespace potomac::sim {
namespace {

// Two linear layers and a strided convolution, whose reads are counted; without values if so made.
class SmallWorkload : public workloads::Workload {
 public:
  explicit SmallWorkload(bool with_values = true) : with_values_(with_values) {
    for (const std::int64_t outputs : {6, 9, 3}) {
      workloads::Layer layer;
      layer.shape.name = outputs == 6 ? "000-fc" : "001-fc";
      layer.shape.w = {outputs, 40};
      layer.shape.a = {7, 40};
      layer.shape.g = {7, outputs};
      if (outputs == 3) {
        layer.shape.name = "002-conv";
        layer.shape.kind = workloads::LayerKind::kConv2d;
        layer.shape.conv = {{2, 2}, workloads::Padding::around({1, 1}), {1, 1}, 1};
        layer.shape.w = {outputs, 2, 3, 3};
        layer.shape.a = {1, 2, 5, 5};
        layer.shape.g = {1, outputs, 3, 3};
      }
      check(layer.shape, "small");
      layer.w = test::random_tensor(layer.shape.w, 5, test::Data::kDense, 1);
      layer.a = test::random_tensor(layer.shape.a, 5, test::Data::kSparse, 2);
      layer.g = test::random_tensor(layer.shape.g, 5, test::Data::kExtreme, 3);
      shapes_.push_back(layer.shape);
      formats_.emplace_back();
      layers_.push_back(layer);
    }
  }
  const std::filesystem::path& path() const override { return path_; }
  const workloads::WorkloadInfo& info() const override { return info_; }
  const std::vector<workloads::LayerShape>& layers() const override { return shapes_; }
  const std::vector<workloads::LayerFormats>& formats() const override { return formats_; }
  std::optional<workloads::Layer> read(std::size_t index) const override {
    ++reads;
    return with_values_ ? std::optional(layers_[index]) : std::nullopt;
  }
  const std::vector<workloads::NotIncluded>& not_included() const override { return left_out_; }

  mutable int reads = 0;

 private:
  bool with_values_;
  std::filesystem::path path_ = "small";
  workloads::WorkloadInfo info_;
  std::vector<workloads::LayerShape> shapes_;
  std::vector<workloads::LayerFormats> formats_;
  std::vector<workloads::Layer> layers_;
  std::vector<workloads::NotIncluded> left_out_;
};

SweepSpec spec_of(const std::map<std::string, std::string>& parameters) {
  SweepSpec spec;
  spec.file = "sweep.yaml";
  for (const auto& [key, values] : parameters) {
    const YamlValue list = read_yaml_text(values, key);
    SweepParameter parameter{&architecture_key(key, list), {}};
    for (const YamlValue& value : list.items()) {
      parameter.values.push_back(read_value(*parameter.key, value));
    }
    spec.parameters.push_back(parameter);
  }
  return spec;
}

std::vector<SweepRow> rows_of(const workloads::Workload& workload, const SweepSpec& spec,
                              unsigned threads) {
  std::vector<SweepRow> rows;
  WorkerPool pool(threads);
  run_sweep(workload, spec, {pool}, [&](const SweepRow& row) {
    EXPECT_EQ(row.point, rows.size());
    rows.push_back(row);
  });
  return rows;
}

// A figure of the MF-MAC array's total, as sweep.csv has it.
std::string cell_of(const SweepRow& row, std::string_view column) {
  return csv_cell(machine_column(column).get(
      {row.totals[kMfMacMachine], row.machines[kMfMacMachine], row.architecture}));
}

TEST(Sweep, EveryPointIsARunOfItsOwnInAnyEngineOnAnyThreads) {
  const SmallWorkload workload;
  SweepSpec spec = spec_of({{"array.rows", "[3, 8]"},
                            {"pe.accumulator.bits", "[29, 30, 32]"},  // 29 hold no product
                            {"pe.zero_gating", "[true, false]"},
                            {"lowering.strided_backward_data", "[phases, zero_insert]"}});
  spec.prices = {
      {energy::load_unit_energy_table(POTOMAC_SOURCE_DIR "/energy/tables/horowitz-45nm.yaml")},
      accountings_for("structural", "")};
  const auto rows = rows_of(workload, spec, 2);
  ASSERT_EQ(rows.size(), 24U);
  spec.engine = "systemc";
  const auto by_systemc = rows_of(workload, spec, 1);
  spec.engine = "fast";
  const auto on_one_thread = rows_of(workload, spec, 1);
  WorkerPool pool(1);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].architecture, spec.architecture_at(i));
    EXPECT_EQ(rows[i].refusal.empty(), rows[i].architecture.pe.accumulator.bits != 29);
    if (!rows[i].refusal.empty()) {
      EXPECT_THAT(rows[i].refusal, testing::HasSubstr("pe.accumulator"));
      continue;
    }
    RunOptions options;
    options.architecture = rows[i].architecture;
    options.engine = "fast";
    options.prices = spec.prices;
    const RunResult alone = run(workload, options, {pool});
    EXPECT_EQ(rows[i].totals, alone.totals);
    EXPECT_EQ(rows[i].totals, by_systemc[i].totals);
    EXPECT_EQ(rows[i].totals, on_one_thread[i].totals);
    ASSERT_EQ(rows[i].energy.size(), alone.energy.size());
    for (std::size_t j = 0; j < alone.energy.size(); ++j) {
      EXPECT_EQ(rows[i].energy[j].total, alone.energy[j].total);  // to the bit
      EXPECT_EQ(rows[i].energy[j].accounting, alone.energy[j].accounting);
      EXPECT_EQ(rows[i].energy[j].machine, alone.energy[j].machine);
    }
  }
}

TEST(Sweep, ValuesAreLookedAtOncePerAccumulator) {
  const SmallWorkload workload;
  const auto rows = rows_of(
      workload,
      spec_of({{"array.rows", "[1, 2, 3, 4, 5, 6, 7, 8]"}, {"pe.accumulator.bits", "[30, 32]"}}),
      2);
  EXPECT_EQ(rows.size(), 16U);
  EXPECT_EQ(workload.reads, 6);  // three layers, two accumulators
}

TEST(Sweep, ARowIsGivenBeforeTheNextAccumulatorIsLookedAt) {
  const SmallWorkload workload;
  std::vector<int> reads;
  WorkerPool pool(2);
  run_sweep(workload, spec_of({{"pe.accumulator.bits", "[30, 31, 32]"}}), {pool},
            [&](const SweepRow& /*row*/) { reads.push_back(workload.reads); });
  EXPECT_EQ(reads, (std::vector<int>{3, 6, 9}));
}

TEST(Sweep, WithoutValuesCyclesAreKnownAndZerosAreNot) {
  const SmallWorkload workload(false);
  const auto rows = rows_of(workload, spec_of({{"array.rows", "[3]"}}), 1);
  EXPECT_GT(rows.at(0).totals[kMfMacMachine].cycles.total(), 0U);
  EXPECT_FALSE(rows[0].totals[kMfMacMachine].value_zero_macs.known());
  EXPECT_EQ(cell_of(rows[0], "zero_operand_macs_value"), "");
  EXPECT_EQ(cell_of(rows[0], "actions_overflow"), "");
  EXPECT_NE(cell_of(rows[0], "cycles_total"), "");
}

TEST(Sweep, PassesThatAreAlikeCountAsOftenAsTheyAre) {
  const auto workload = workloads::open_workload(
      POTOMAC_SOURCE_DIR "/workloads/models/resnet18.yaml", {{"batch", 1}});
  SweepSpec spec = spec_of({{"array.dataflow", "[os, ws, is]"}, {"array.rows", "[8, 24]"}});
  spec.engine = "count";
  spec.prices.tables = {
      energy::load_unit_energy_table(POTOMAC_SOURCE_DIR "/energy/tables/tpuv4i-7nm.yaml")};
  WorkerPool pool(2);
  for (const SweepRow& row : rows_of(*workload, spec, 2)) {
    RunOptions options;
    options.architecture = row.architecture;
    options.engine = "count";
    options.prices = spec.prices;
    const RunResult alone = run(*workload, options, {pool});
    EXPECT_EQ(row.totals, alone.totals);
    ASSERT_EQ(row.energy.size(), alone.energy.size());
    for (std::size_t j = 0; j < alone.energy.size(); ++j) {
      EXPECT_EQ(row.energy[j].total, alone.energy[j].total);
    }
  }
}

// The wrong answer that parallel fields once gave: the structurally worst point was named the best.
TEST(Sweep, IsRankedByTheAccountingThatWasAskedFor) {
  const SmallWorkload workload;
  // Arithmetic takes the same on every array; registers and their clock do not.
  SweepSpec spec = spec_of({{"array.rows", "[64, 8, 32]"}, {"array.cols", "[64, 8]"}});
  spec.prices = {
      {energy::load_unit_energy_table(POTOMAC_SOURCE_DIR "/energy/tables/horowitz-45nm.yaml")},
      accountings_for("structural", "")};
  const ScratchFolder folder;
  {
    ResultStore store(folder.path());
    WorkerPool pool(1);
    run_sweep_into(store, std::array<const workloads::Workload*, 1>{&workload}, spec, {pool});
  }
  const auto stored = open_sweep(folder.path());
  SweepSummary summary(*stored);
  stored->each(stored->listed(),
               [&](std::size_t point, std::span<const Cell> cells) { summary.add(point, cells); });
  std::size_t best = 0;
  double least = std::numeric_limits<double>::max();
  for (const SweepRow& row : rows_of(workload, spec, 1)) {
    const auto* const structural =
        energy::find_energy(row.energy, "mf_mac", "horowitz-45nm", "structural");
    ASSERT_NE(structural, nullptr);
    if (structural->total.total_pj() < least) {
      least = structural->total.total_pj();
      best = row.point;
    }
  }
  EXPECT_EQ(best, 4U);  // 8 x 8, of the arrays that are 8 or 64 columns wide
  const std::string text = summary.text(TextForm::kMarkdown);
  const std::size_t by_energy = text.find("| by energy |");
  ASSERT_NE(by_energy, std::string::npos);
  EXPECT_THAT(text.substr(by_energy, 24), testing::HasSubstr(fmt::format("| {} |", best)));
  EXPECT_THAT(text, testing::HasSubstr("accounting structural"));
}

TEST(Sweep, WhatTheSinkThrowsEndsIt) {
  const SmallWorkload workload;
  int rows = 0;
  WorkerPool pool(2);
  EXPECT_THROW(run_sweep(workload, spec_of({{"array.rows", "[1, 2, 3]"}}), {pool},
                         [&](const SweepRow& /*row*/) {
                           if (++rows == 2) {
                             throw std::runtime_error("full");
                           }
                         }),
               std::runtime_error);
  EXPECT_EQ(rows, 2);
}

// With a memory a point may take a second: rows are given while others are still to be planned.
TEST(Sweep, WithAMemoryRowsAreGivenAFewAtATime) {
  const SmallWorkload workload;
  std::string sizes = "[1";
  for (int kib = 2; kib <= 100; ++kib) {
    sizes += fmt::format(", {}", kib);
  }
  const SweepSpec spec =
      spec_of({{"memory.first.kib", sizes + "]"}, {"memory.dram.bandwidth_gb_s", "[6.4]"}});
  ASSERT_EQ(spec.points(), 100U);
  WorkerPool pool(2);
  std::atomic<bool> stop = false;
  int rows = 0;
  EXPECT_THROW(run_sweep(workload, spec, {pool, nullptr, &stop},
                         [&](const SweepRow& /*row*/) {
                           ++rows;
                           stop = true;
                         }),
               StoppedError);
  EXPECT_LE(rows, 16);
}

TEST(Sweep, OfNoPointThatCanRunGivesNoRow) {
  const SmallWorkload workload;
  EXPECT_THROW(rows_of(workload, spec_of({{"pe.accumulator.bits", "[16, 17]"}}), 1), InputError);
  SweepSpec nothing = spec_of({{"array.rows", "[1]"}});
  nothing.selection.layers = {"absent*"};
  EXPECT_THROW(rows_of(workload, nothing, 1), InputError);
}

}  // namespace
}  // namespace potomac::sim
