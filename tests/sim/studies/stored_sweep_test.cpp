// Sweeps into a store: each point is what a run says, computed once in a folder whatever asks for
// it, and a sweep that was cut off goes on.
#include "sim/studies/stored_sweep.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "sim/reports/cell_text.hpp"
#include "sim/reports/sweep_export.hpp"
#include "sim/results/open_sweep.hpp"
#include "sim/results/store/point_bytes.hpp"
#include "sim/results/store/point_key.hpp"
#include "sim/studies/sweep.hpp"
#include "support/error.hpp"
#include "tests/sim/engines/random_passes.hpp"
#include "tests/support/input_error.hpp"
#include "tests/support/temporary_folder.hpp"
#include "workloads/sources/made_workload.hpp"

namespace potomac::sim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

workloads::MadeWorkload small_workload(std::int64_t outputs = 6) {
  workloads::Layer layer;
  layer.shape.name = "fc";
  layer.shape.w = {outputs, 40};
  layer.shape.a = {7, 40};
  layer.shape.g = {7, outputs};
  layer.w = test::random_tensor(layer.shape.w, 5, test::Data::kDense, 1);
  layer.a = test::random_tensor(layer.shape.a, 5, test::Data::kSparse, 2);
  layer.g = test::random_tensor(layer.shape.g, 5, test::Data::kExtreme, 3);
  return {"small", {}, {layer}};
}

SweepSpec stored_spec_of(const std::map<std::string, std::string>& parameters,
                         const std::string& table = "horowitz-45nm") {
  SweepSpec spec;
  spec.file = "sweep.yaml";
  for (const auto& [key, values] : parameters) {
    spec.add(key, values);
  }
  spec.prices = {{energy::load_unit_energy_table(
                     fmt::format("{}/energy/tables/{}.yaml", POTOMAC_SOURCE_DIR, table))},
                 accountings_for("operation", "")};
  return spec;
}

// 28 bits hold not even one product of the workload: such points are refused.
const std::map<std::string, std::string> kParameters = {
    {"array.cols", "[2, 3, 5]"}, {"array.rows", "[4, 6]"}, {"pe.accumulator.bits", "[28, 32]"}};

class StoredSweeps : public TemporaryFolder {
 protected:
  StoredSweepCounts sweep(const workloads::Workload& workload, const SweepSpec& spec,
                          const StoredSweepOptions& options = {}, unsigned threads = 2) {
    ResultStore store(folder_);
    WorkerPool pool(threads);
    return run_sweep_into(store, std::array{&workload}, spec, {pool}, options);
  }

  std::string csv() {
    write_sweep_csv(*open_sweep(folder_), path("sweep.csv"));
    return content_of("sweep.csv");
  }

  // What an undisturbed sweep writes.
  static std::string fresh_csv(const workloads::Workload& workload, const SweepSpec& spec) {
    const ScratchFolder folder;
    {
      ResultStore store(folder.path());
      WorkerPool pool(1);
      run_sweep_into(store, std::array{&workload}, spec, {pool});
    }
    write_sweep_csv(*open_sweep(folder.path()), folder.path() / "sweep.csv");
    std::ifstream file(folder.path() / "sweep.csv");
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
};

TEST_F(StoredSweeps, HoldEveryColumnOfEveryMachineAsTheRowsSay) {
  const auto workload = small_workload();
  const SweepSpec spec = stored_spec_of(kParameters);
  const StoredSweepCounts counts = sweep(workload, spec);
  EXPECT_EQ(counts.points, 12U);
  EXPECT_EQ(counts.computed, 12U);
  std::vector<SweepRow> rows;
  WorkerPool pool(1);
  run_sweep(workload, spec, {pool}, [&](const SweepRow& row) { rows.push_back(row); });
  const auto stored = open_sweep(folder_);
  std::size_t seen = 0;
  for (const MachineColumn* const column : total_columns()) {
    for (std::size_t machine = 0; machine < 2; ++machine) {
      const std::vector<std::string> names = {
          fmt::format("{}_{}", machine == 0 ? "mf_mac" : "fp32_mac", column->names.flat())};
      stored->each(names, [&](std::size_t point, std::span<const Cell> cells) {
        const SweepRow& row = rows.at(point);
        const std::string expected =
            row.refusal.empty() ? plain_text(column->get({row.totals[machine],
                                                          row.machines[machine], row.architecture}))
                                : "";
        EXPECT_EQ(plain_text(cells.front()), expected) << names.front() << " of " << point;
        ++seen;
      });
    }
  }
  EXPECT_EQ(seen, 24 * total_columns().size());
}

TEST_F(StoredSweeps, GoOnWhereTheyWereStoppedAndComputeNoPointAgain) {
  const auto workload = small_workload();
  SweepSpec spec = stored_spec_of(kParameters);
  spec.engine = "systemc";  // point by point
  std::atomic<bool> stop = false;
  // Hears of points as they are kept.
  class Stopper : public Listener {
   public:
    explicit Stopper(std::atomic<bool>& stop) : stop_(&stop) {}
    void begin(Work /*work*/, std::uint64_t /*amount*/) override {}
    void advance(Work work, std::uint64_t amount, std::string_view /*what*/) override {
      points_ += work == Work::kPoints ? amount : 0;
      *stop_ = points_ >= 5;
    }

   private:
    std::atomic<bool>* stop_;
    std::uint64_t points_ = 0;
  } stopper(stop);
  {
    ResultStore store(folder_);
    WorkerPool pool(1);
    EXPECT_THROW(run_sweep_into(store, std::array<const workloads::Workload*, 1>{&workload}, spec,
                                {pool, &stopper, &stop}),
                 StoppedError);
  }
  EXPECT_EQ(std::ranges::count(csv(), '\n'), 6);
  std::size_t there = 0;
  const StoredSweepCounts counts = sweep(
      workload, spec,
      {.keeps_passes = false, .shard = {}, .begun = [&](const auto& changes, std::size_t done) {
         EXPECT_THAT(changes, IsEmpty());
         there = done;
       }});
  EXPECT_EQ(there, 5U);
  EXPECT_EQ(counts.done, 5U);
  EXPECT_EQ(counts.computed, 7U);
  EXPECT_EQ(csv(), fresh_csv(workload, spec));
  EXPECT_EQ(sweep(workload, spec).computed, 0U);
}

TEST_F(StoredSweeps, ShareTheirPointsInWhateverOrderTheyAskForThem) {
  const auto workload = small_workload();
  EXPECT_EQ(sweep(workload, stored_spec_of(kParameters)).computed, 12U);
  // The same machines, others among them, one of them twice.
  auto others = kParameters;
  others["array.cols"] = "[9, 5, 2, 9]";
  const SweepSpec spec = stored_spec_of(others);
  const StoredSweepCounts counts = sweep(workload, spec);
  EXPECT_EQ(counts.computed, 4U);
  EXPECT_EQ(counts.reused, 12U);
  EXPECT_EQ(csv(), fresh_csv(workload, spec));
  // The first one is as it was.
  EXPECT_EQ(sweep(workload, stored_spec_of(kParameters)).done, 12U);
  EXPECT_EQ(csv(), fresh_csv(workload, stored_spec_of(kParameters)));
}

TEST_F(StoredSweeps, SayWhatHasChangedAndReuseTheRest) {
  std::vector<std::string> changes;
  const StoredSweepOptions options{
      .keeps_passes = false,
      .shard = {},
      .begun = [&](const std::vector<std::string>& all, std::size_t /*done*/) { changes = all; }};
  const auto workload = small_workload();
  sweep(workload, stored_spec_of(kParameters), options);
  EXPECT_THAT(changes, IsEmpty());
  // Another table: counts are what they were.
  const SweepSpec dearer = stored_spec_of(kParameters, "tpuv4i-7nm");
  const StoredSweepCounts counts = sweep(workload, dearer, options);
  EXPECT_THAT(changes, ElementsAre(HasSubstr("table tpuv4i-7nm (operation) is new")));
  EXPECT_EQ(counts.reused, 6U);  // those that no table prices: they are refused
  EXPECT_EQ(csv(), fresh_csv(workload, dearer));
  // Another workload: nothing is reused.
  const auto larger = small_workload(9);
  EXPECT_EQ(sweep(larger, dearer, options).computed, 12U);
  EXPECT_THAT(changes, ElementsAre(HasSubstr("the workload is another")));
  EXPECT_EQ(csv(), fresh_csv(larger, dearer));
  EXPECT_EQ(sweep(workload, dearer, options).done, 12U);
}

TEST_F(StoredSweeps, ArePutTogetherFromShards) {
  const auto workload = small_workload();
  const SweepSpec spec = stored_spec_of(kParameters);
  std::size_t points = 0;
  for (std::size_t number = 1; number <= 5; ++number) {
    const StoredSweepCounts counts =
        sweep(workload, spec, {.keeps_passes = false, .shard = {number, 5}, .begun = {}});
    EXPECT_EQ(counts.computed, counts.points);
    points += counts.points;
  }
  EXPECT_EQ(points, 12U);
  EXPECT_EQ(csv(), fresh_csv(workload, spec));
}

TEST_F(StoredSweeps, LeaveNothingWhereNoPointCanRun) {
  const auto workload = small_workload();
  EXPECT_THAT(test::input_error_of([&] {
                sweep(workload, stored_spec_of({{"pe.accumulator.bits", "[16, 20]"}}));
              }),
              HasSubstr("no point of the sweep can run"));
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(StoredSweeps, ADamagedStoreOrAnotherFileIsRefusedByName) {
  const auto fault = [&] { return test::input_error_of([&] { open_sweep(folder_); }); };
  put("results.sqlite", "no database at all, but long enough to be taken for one by its length");
  EXPECT_THAT(fault(), HasSubstr("results.sqlite: is damaged, or no store"));
  put("results.sqlite", "");
  EXPECT_THAT(fault(), HasSubstr("is no store of results"));
}

// A table with the areas of two PEs, and a sweep over their widths.
TEST_F(StoredSweeps, SayTheAreaOfThePesThatATableHas) {
  put("small.yaml", R"(format: potomac-unit-energy
version: 1
name: small
title: A small table
unit: pJ
node: 1 nm
source: the tests
pe_areas:
  - {unit: mf_mac, operand_bits: 5, sum_bits: 32, um2: 800, certainty: read, source: one}
  - {unit: fp32_mac, operand_bits: 32, sum_bits: 32, um2: 8000, certainty: read, source: two}
entries:
  integer_add: {4: {value: 1, certainty: read, source: four}, 5: {value: 1, certainty: read, source: five},
                32: {value: 2, certainty: read, source: many}, 36: {value: 2, certainty: read, source: many}}
  sign_xor: {value: 0.25, certainty: read, source: xor}
  fp32_multiply: {value: 40, certainty: read, source: multiplier}
  fp32_add: {value: 10, certainty: read, source: adder}
)");
  const auto workload = small_workload();
  SweepSpec spec = stored_spec_of({{"pe.accumulator.bits", "[32, 36]"}, {"array.rows", "[4, 8]"}});
  spec.prices.tables = {energy::load_unit_energy_table(path("small.yaml"))};
  sweep(workload, spec);
  std::vector<std::string> areas;
  const std::vector<std::string> names = {"pe_area_um2[mf_mac,small,operation]",
                                          "array_area_mm2[mf_mac,small,operation]",
                                          "array_area_mm2[fp32_mac,small,operation]"};
  open_sweep(folder_)->each(names, [&](std::size_t /*point*/, std::span<const Cell> cells) {
    areas.push_back(
        fmt::format("{} {} {}", plain_text(cells[0]), plain_text(cells[1]), plain_text(cells[2])));
  });
  // Of 36 bits the table has none. Rows vary first: parameters are in the order of their names.
  EXPECT_THAT(areas, ElementsAre("800 0.0512 0.512", "  0.512", "800 0.1024 1.024", "  1.024"));
  EXPECT_THAT(csv(), HasSubstr("\"array_area_mm2[mf_mac,small,operation]\""));
}

TEST_F(StoredSweeps, TravelAsBytesAsTheyAre) {
  const auto workload = small_workload();
  const SweepSpec spec = stored_spec_of(kParameters);
  const std::vector<StoredPrice> prices = stored_prices(spec.prices);
  std::vector<PlacedPoint> points;
  WorkerPool pool(1);
  run_sweep(workload, spec, {pool}, [&](const SweepRow& row) {
    const std::span<const PassRecord> no_passes;
    points.push_back({row.point, stored_point(PointKeys({}).of(row.architecture),
                                              {.architecture = row.architecture,
                                               .refusal = row.refusal,
                                               .machines = row.machines,
                                               .totals = row.totals,
                                               .energy = row.energy,
                                               .passes = no_passes,
                                               .batch = {}},
                                              prices)});
  });
  const std::vector<PlacedPoint> again = points_of(bytes_of(points));
  ASSERT_EQ(again.size(), points.size());
  for (std::size_t i = 0; i < points.size(); ++i) {
    EXPECT_EQ(again[i].place, points[i].place);
    EXPECT_EQ(again[i].point.key, points[i].point.key);
    EXPECT_EQ(again[i].point.refusal, points[i].point.refusal);
    ASSERT_EQ(again[i].point.totals.size(), points[i].point.totals.size());
    for (std::size_t machine = 0; machine < points[i].point.totals.size(); ++machine) {
      const std::vector<Cell>& cells = points[i].point.totals[machine].cells;
      ASSERT_EQ(again[i].point.totals[machine].cells.size(), cells.size());
      for (std::size_t cell = 0; cell < cells.size(); ++cell) {
        EXPECT_EQ(plain_text(again[i].point.totals[machine].cells[cell]), plain_text(cells[cell]));
      }
    }
  }
  EXPECT_EQ(bytes_of(again), bytes_of(points));
}

// --- keys ----------------------------------------------------------------------------------------

TEST(PointKeys, TellMachinesApartByEveryKeyAndByWhatAPresetHolds) {
  const PointKeys keys({});
  std::set<PointKey> seen = {keys.of({})};
  const auto is_new = [&](const Architecture& machine) {
    return seen.insert(keys.of(machine)).second;
  };
  for (const ArchitectureKey& key : architecture_keys()) {
    Architecture machine;
    memory_of(machine);
    dram_of(machine);
    seen.insert(keys.of(machine));
    const auto* const integers = std::get_if<IntegerKey>(&key.type);
    if (integers == nullptr || key.name == "memory.dram.channels") {
      continue;
    }
    key.set(machine, KeyValue(integers->low + 1));
    EXPECT_TRUE(is_new(machine)) << key.name;
  }
  Architecture device;
  dram_of(device).device = load_dram_preset("hbm2");
  EXPECT_TRUE(is_new(device));
  device.memory->dram->device->cycles.t_faw += 1;
  EXPECT_TRUE(is_new(device));
}

TEST(PointKeys, TellContextsApart) {
  std::set<PointKey> seen = {PointKeys({}).of({})};
  const auto is_new = [&](auto StudyContext::*member, auto value) {
    StudyContext context;
    context.*member = value;
    return seen.insert(PointKeys(context).of({})).second;
  };
  for (auto StudyContext::*const member :
       {&StudyContext::content, &StudyContext::dimensions, &StudyContext::density,
        &StudyContext::engine, &StudyContext::selection, &StudyContext::against,
        &StudyContext::step, &StudyContext::build}) {
    EXPECT_TRUE(is_new(member, "x"));
  }
  EXPECT_TRUE(is_new(&StudyContext::toggles, true));
  EXPECT_FALSE(is_new(&StudyContext::workload, "x"));  // its name decides nothing
}

}  // namespace
}  // namespace potomac::sim
