// The worked examples of docs/timing.md for stationary arrays and pipelined issue, recomputed cycle
// by cycle from the SystemC array; and the closed forms by hand.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sim/machine/cycles.hpp"
#include "sim/machine/fold_timing.hpp"
#include "tests/sim/engines/systemc/observed_stationary_array.hpp"
#include "tests/sim/machine/timing_page.hpp"

namespace potomac::test {
namespace {

using sim::ArrayShape;
using sim::Cycles;
using sim::Dataflow;
using sim::Issue;

// A 3 x 3 times B 3 x 2: elements of an operand are all different, so that each names itself.
const std::vector<int> kStreamed = {1, 2, 4, -8, 16, 32, -1, 64, -2};
const std::vector<int> kKept = {1, -2, 4, 8, -16, 32};

workloads::Layer stationary_example() {
  return product_of(kStreamed, kKept, 3, 2, 3);
}

// The table of the documentation: what each PE loads or multiplies, and what leaves each column.
std::string table_of(const StationaryObservation& seen, ArrayShape array) {
  std::map<rtl::PotCode, std::string> a_names;
  std::map<rtl::PotCode, std::string> b_names;
  for (std::size_t i = 0; i < kStreamed.size(); ++i) {
    a_names[code_of(kStreamed[i])] = fmt::format("A{}{}", i / 3, i % 3);
  }
  for (std::size_t i = 0; i < kKept.size(); ++i) {
    b_names[code_of(kKept[i])] = fmt::format("B{}{}", i / 2, i % 2);
  }
  const auto width = static_cast<std::size_t>(array.pes() + array.cols);
  std::vector<std::vector<std::string>> cells(seen.cycles.total(), std::vector<std::string>(width));
  for (const StationaryEvent& event : seen.events) {
    std::vector<std::string>& row = cells.at(static_cast<std::size_t>(event.cycle));
    const auto pe = static_cast<std::size_t>(event.row * array.cols + event.col);
    std::string& cell = event.kind == StationaryEvent::Kind::kLeaves
                            ? row.at(static_cast<std::size_t>(array.pes() + event.col))
                            : row.at(pe);
    cell += cell.empty() ? "" : ", ";
    switch (event.kind) {
      case StationaryEvent::Kind::kLoad:
        cell += "loads " + b_names.at(event.kept);
        break;
      case StationaryEvent::Kind::kMac:
        cell += a_names.at(event.streaming) + " " + b_names.at(event.kept);
        break;
      case StationaryEvent::Kind::kLeaves:
        cell += fmt::format("{}", event.value);
        break;
    }
  }
  std::string table;
  for (std::size_t cycle = 0; cycle < cells.size(); ++cycle) {
    table += fmt::format("| {} |", cycle);
    for (const std::string& cell : cells[cycle]) {
      table += cell.empty() ? " |" : fmt::format(" {} |", cell);
    }
    table += "\n";
  }
  return table;
}

TEST(StationaryExample, TablesOfTheDocumentationAreWhatTheArrayDoes) {
  const ArrayShape array{2, 2};
  const workloads::Layer layer = stationary_example();
  const workloads::LoweredPass pass(layer, workloads::Pass::kForward, {});
  const rtl::MfMacUnit::Config config{rtl::PotFormat(5), {32, 0, rtl::Overflow::kWrap}, true};
  for (const Issue issue : {Issue::kSerial, Issue::kPipelined}) {
    ObservedStationaryArray observed(array, Dataflow::kWeightStationary, issue);
    const StationaryObservation seen = observed.run(pass, config);
    const std::string table = table_of(seen, array);
    EXPECT_NE(timing_page().find(table), std::string::npos) << table;
    EXPECT_EQ(seen.cycles, issue == Issue::kSerial ? (Cycles{4, 10, 0, 0}) : (Cycles{2, 8, 0, 0}));
    // Column 1 is a cycle behind column 0.
    EXPECT_EQ(seen.results,
              (std::vector<std::int64_t>{1 + 8 - 64, -8 + 64 - 512, -2 + 16 + 128, -1 + 256 + 32,
                                         16 + 128 + 1024, 2 + 512 - 64}));
  }
}

TEST(StationaryExample, InputStationaryIsTheSameHardwareWithTheOperandsInEachOthersPlace) {
  // A is kept, 2 columns of 3 at a time; B streams by.
  const workloads::Layer layer = stationary_example();
  const workloads::LoweredPass pass(layer, workloads::Pass::kForward, {});
  ObservedStationaryArray observed({2, 2}, Dataflow::kInputStationary, Issue::kSerial);
  const StationaryObservation seen =
      observed.run(pass, {rtl::PotFormat(5), {32, 0, rtl::Overflow::kWrap}, true});
  // 2 * 2 folds of 2 + (2 + 2 + 2 - 2).
  EXPECT_EQ(seen.cycles, (Cycles{8, 16, 0, 0}));
  EXPECT_EQ(seen.results.size(), 6U);
}

TEST(PipelinedCycles, AreWhatAHandCalculationGives) {
  const std::vector<workloads::GemmShape> deep = {{1, 32, 16, 100}};
  // Two folds of 100, then the corner's 30 and the drain's 16.
  EXPECT_EQ(sim::cycles_of({deep, {16, 16}, Dataflow::kOutputStationary}, Issue::kPipelined),
            (Cycles{0, 100 + 100 + 30, 16, 0}));
  // A fold of depth 4 on 16 rows waits until the one before has drained.
  const std::vector<workloads::GemmShape> flat = {{3, 16, 16, 4}};
  EXPECT_EQ(sim::cycles_of({flat, {16, 16}, Dataflow::kOutputStationary}, Issue::kPipelined),
            (Cycles{0, 16 + 16 + 4 + 30, 16, 0}));
  // A deep fold in front of a flat one: its own depth, and what the flat one's drain needs more.
  const std::vector<workloads::GemmShape> mixed = {{1, 16, 16, 20}, {1, 16, 16, 4}};
  EXPECT_EQ(sim::cycles_of({mixed, {16, 16}, Dataflow::kOutputStationary}, Issue::kPipelined),
            (Cycles{0, 20 + 12 + 4 + 30, 16, 0}));
  // And a flat one in front of a deep one: no gap, where max(K, R) would leave 12 cycles.
  const std::vector<workloads::GemmShape> other = {{1, 16, 16, 4}, {1, 16, 16, 20}};
  EXPECT_EQ(sim::cycles_of({other, {16, 16}, Dataflow::kOutputStationary}, Issue::kPipelined),
            (Cycles{0, 4 + 20 + 30, 16, 0}));
  // Weight stationary: 7 tiles of depth, 100 streamed rows hide a load of 16.
  const std::vector<workloads::GemmShape> gemm = {{1, 100, 16, 112}};
  EXPECT_EQ(sim::cycles_of({gemm, {16, 16}, Dataflow::kWeightStationary}, Issue::kPipelined),
            (Cycles{16, 7 * 100 + 30, 0, 0}));
  // Input stationary: 7 tiles of m and 7 of depth; 16 streamed rows just hide a load.
  EXPECT_EQ(sim::cycles_of({gemm, {16, 16}, Dataflow::kInputStationary}, Issue::kPipelined),
            (Cycles{16, 7 * 7 * 16 + 30, 0, 0}));
}

// The walk, fold by fold, and the closed form, entry by entry, are two programs.
TEST(FoldWalk, AddsUpToTheClosedForms) {
  const std::vector<workloads::GemmShape> gemms = {{2, 5, 7, 3}, {1, 9, 2, 11}, {3, 1, 1, 1}};
  for (const Dataflow dataflow :
       {Dataflow::kOutputStationary, Dataflow::kWeightStationary, Dataflow::kInputStationary}) {
    for (const Issue issue : {Issue::kSerial, Issue::kPipelined}) {
      const sim::Schedule schedule(gemms, {4, 3}, dataflow);
      Cycles sum;
      std::uint64_t folds = 0;
      for (sim::FoldWalk walk(schedule, issue); !walk.done(); walk.next()) {
        EXPECT_EQ(walk.now().number, folds);
        sum.preload += static_cast<std::uint64_t>(walk.now().preload);
        sum.stream += static_cast<std::uint64_t>(walk.now().share);
        folds += 1;
      }
      sum.drain = keeps_sums(dataflow) ? 4 : 0;
      EXPECT_EQ(folds, schedule.folds());
      EXPECT_EQ(sum, sim::cycles_of(schedule, issue));
    }
  }
}

}  // namespace
}  // namespace potomac::test
