// Sweeps as a library: every point is a run of its own, values are looked at once an accumulator,
// rows come in order and at once.
#include "sim/studies/sweep.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "sim/results/columns.hpp"
#include "sim/studies/simulation.hpp"
#include "support/error.hpp"
#include "tests/sim/engines/random_passes.hpp"

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
  run_sweep(workload, spec, threads, [&](const SweepRow& row) {
    EXPECT_EQ(row.point, rows.size());
    rows.push_back(row);
  });
  return rows;
}

nlohmann::ordered_json totals_of(const SweepRow& row) {
  return json_of({nullptr, row.totals, row.architecture}, true);
}

TEST(Sweep, EveryPointIsARunOfItsOwnInAnyEngineOnAnyThreads) {
  const SmallWorkload workload;
  SweepSpec spec = spec_of({{"array.rows", "[3, 8]"},
                            {"pe.accumulator.bits", "[29, 30, 32]"},  // 29 hold no product
                            {"pe.zero_gating", "[true, false]"},
                            {"lowering.strided_backward_data", "[phases, zero_insert]"}});
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
    const auto engine = make_engine("fast", pool);
    const auto records = simulate(workload, rows[i].architecture, *engine, pool, {});
    const Quantities alone = total_of(records);
    EXPECT_EQ(totals_of(rows[i]), json_of({nullptr, alone, rows[i].architecture}, true));
    EXPECT_EQ(totals_of(rows[i]), totals_of(by_systemc[i]));
    EXPECT_EQ(totals_of(rows[i]), totals_of(on_one_thread[i]));
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
  run_sweep(workload, spec_of({{"pe.accumulator.bits", "[30, 31, 32]"}}), 2,
            [&](const SweepRow& /*row*/) { reads.push_back(workload.reads); });
  EXPECT_EQ(reads, (std::vector<int>{3, 6, 9}));
}

TEST(Sweep, WithoutValuesCyclesAreKnownAndZerosAreNot) {
  const SmallWorkload workload(false);
  const auto rows = rows_of(workload, spec_of({{"array.rows", "[3]"}}), 1);
  const auto totals = totals_of(rows.at(0));
  EXPECT_GT(totals["cycles"]["total"], 0);
  EXPECT_TRUE(totals["zero_operand_macs"]["value"].is_null());
  EXPECT_TRUE(totals["actions"]["overflow"].is_null());
  const ColumnSource source{nullptr, rows[0].totals, rows[0].architecture};
  EXPECT_EQ(csv_cell(column_named("zero_operand_macs_value").get(source)), "");
  EXPECT_NE(csv_cell(column_named("cycles_total").get(source)), "");
}

TEST(Sweep, WhatTheSinkThrowsEndsIt) {
  const SmallWorkload workload;
  int rows = 0;
  EXPECT_THROW(run_sweep(workload, spec_of({{"array.rows", "[1, 2, 3]"}}), 2,
                         [&](const SweepRow& /*row*/) {
                           if (++rows == 2) {
                             throw std::runtime_error("full");
                           }
                         }),
               std::runtime_error);
  EXPECT_EQ(rows, 2);
}

TEST(Sweep, OfNoPointThatCanRunGivesNoRow) {
  const SmallWorkload workload;
  EXPECT_THROW(rows_of(workload, spec_of({{"pe.accumulator.bits", "[16, 17]"}}), 1), InputError);
  SweepSpec nothing = spec_of({{"array.rows", "[1]"}});
  nothing.selection.layers = {"absent*"};
  EXPECT_THROW(rows_of(workload, nothing, 1), InputError);
}

// --- the columns ---------------------------------------------------------------------------------

TEST(Columns, HaveNamesOfTheirOwnAndAMeaning) {
  std::map<std::string, int> paths;
  std::map<std::string, int> flats;
  // A list in JSON, numbers in CSV.
  const std::set<std::string> shapes = {"gemms", "count", "m", "n", "k"};
  for (const Column& column : columns()) {
    EXPECT_FALSE(column.meaning.empty());
    EXPECT_FALSE(column.path.empty() && column.flat.empty() && column.heading.empty());
    EXPECT_EQ(column.path.empty() != column.flat.empty(),
              shapes.contains(column.path + column.flat));
    paths[column.path] += column.path.empty() ? 0 : 1;
    flats[column.flat] += column.flat.empty() ? 0 : 1;
  }
  paths.erase("");
  flats.erase("");
  for (const auto& [name, times] : paths) {
    EXPECT_EQ(times, 1) << name;
  }
  for (const auto& [name, times] : flats) {
    EXPECT_EQ(times, 1) << name;
  }
}

TEST(Columns, OfNoCycleHaveNoUtilization) {
  const Quantities none;
  EXPECT_TRUE(json_of({nullptr, none, {}}, true)["utilization"].is_null());
}

}  // namespace
}  // namespace potomac::sim
