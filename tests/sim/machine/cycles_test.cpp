// Cycles: the closed forms by hand, against the SystemC array, and the documentation's worked
// example.
#include "sim/machine/cycles.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sim/engines/engines.hpp"
#include "tests/sim/engines/random_passes.hpp"
#include "tests/sim/engines/reference_pass.hpp"
#include "tests/sim/engines/systemc/observed_array.hpp"
#include "tests/sim/machine/timing_page.hpp"

namespace potomac::test {
namespace {

using sim::ArrayShape;
using sim::Cycles;

sim::Schedule output_stationary(ArrayShape array, std::int64_t m, std::int64_t n, std::int64_t k) {
  return {{{1, m, n, k}}, array, sim::Dataflow::kOutputStationary};
}

Cycles output_stationary_cycles(ArrayShape array, std::int64_t m, std::int64_t n, std::int64_t k) {
  return sim::cycles_of(output_stationary(array, m, n, k), sim::Issue::kSerial);
}

std::uint64_t output_stationary_folds(ArrayShape array, std::int64_t m, std::int64_t n) {
  return output_stationary(array, m, n, 1).folds();
}

TEST(OutputStationaryCycles, AreWhatAHandCalculationGives) {
  // 2 x 2 array, 3 x 2 x 2 GEMM: 2 folds of 2 + 2 + 2 - 2 = 4 cycles, then 2.
  EXPECT_EQ(output_stationary_folds({2, 2}, 3, 2), 2U);
  EXPECT_EQ(output_stationary_cycles({2, 2}, 3, 2, 2), (Cycles{0, 8, 2, 0}));
  EXPECT_EQ(output_stationary_cycles({2, 2}, 3, 2, 2).total(), 10U);
  // 32 x 32 array, 512^3: 256 folds of 512 + 62 cycles.
  EXPECT_EQ(output_stationary_cycles({32, 32}, 512, 512, 512),
            (Cycles{0, std::uint64_t{256} * 574, 32, 0}));
  // 16 x 8 array, 17 x 8 x 1: 2 folds of 1 + 22.
  EXPECT_EQ(output_stationary_cycles({16, 8}, 17, 8, 1), (Cycles{0, 46, 16, 0}));
}

TEST(OutputStationaryCycles, OfASinglePeAreItsMacsAndOneMore) {
  EXPECT_EQ(output_stationary_cycles({1, 1}, 3, 4, 5), (Cycles{0, 60, 1, 0}));
  EXPECT_EQ(output_stationary_cycles({1, 1}, 1, 1, 1), (Cycles{0, 1, 1, 0}));
}

TEST(OutputStationaryFolds, StepAtMultiplesOfTheArray) {
  EXPECT_EQ(output_stationary_folds({4, 3}, 4, 3), 1U);
  EXPECT_EQ(output_stationary_folds({4, 3}, 5, 3), 2U);
  EXPECT_EQ(output_stationary_folds({4, 3}, 4, 4), 2U);
  EXPECT_EQ(output_stationary_folds({4, 3}, 5, 4), 4U);
  EXPECT_EQ(output_stationary_folds({4, 3}, 1, 1), 1U);
}

TEST(OutputStationaryCycles, OfHugeGemmsDoNotOverflow) {
  const std::int64_t large = std::int64_t{1} << 20;
  const Cycles cycles = output_stationary_cycles({1, 1}, large, large, large);
  EXPECT_EQ(cycles.stream, std::uint64_t{1} << 60);
}

TEST(SerialCycles, OfAPassShowOnlyItsLastDrain) {
  // Twelve heads of 8 x 8 x 4 on 16 x 16: 12 folds of 4 + 30 cycles, one drain.
  const sim::Schedule heads({{12, 8, 8, 4}}, {16, 16}, sim::Dataflow::kOutputStationary);
  EXPECT_EQ(sim::cycles_of(heads, sim::Issue::kSerial), (Cycles{0, std::uint64_t{12} * 34, 16, 0}));
  EXPECT_EQ(sim::cycles_of(heads, sim::Issue::kSerial).total(), 424U);
  const sim::Schedule none({}, {16, 16}, sim::Dataflow::kOutputStationary);
  EXPECT_EQ(sim::cycles_of(none, sim::Issue::kSerial).total(), 0U);
}

// SCALE-Sim's forms: WS and IS take F * (2R + C + T - 2).
TEST(SerialCycles, OfStationaryTilesPreloadEachOfThem) {
  const std::vector<workloads::GemmShape> gemm = {{1, 100, 70, 50}};
  const Cycles ws =
      sim::cycles_of({gemm, {16, 8}, sim::Dataflow::kWeightStationary}, sim::Issue::kSerial);
  EXPECT_EQ(ws.preload + ws.stream, std::uint64_t{4} * 9 * (2 * 16 + 8 + 100 - 2));
  EXPECT_EQ(ws.preload, std::uint64_t{4} * 9 * 16);
  const Cycles is =
      sim::cycles_of({gemm, {16, 8}, sim::Dataflow::kInputStationary}, sim::Issue::kSerial);
  EXPECT_EQ(is.preload + is.stream, std::uint64_t{4} * 13 * (2 * 16 + 8 + 70 - 2));
  EXPECT_EQ(ws.drain + is.drain, 0U);
}

TEST(Cycles, AddUpByKind) {
  Cycles sum{1, 2, 3, 4};
  EXPECT_EQ(sum.total(), 10U);
  sum += {10, 20, 30, 40};
  EXPECT_EQ(sum, (Cycles{11, 22, 33, 44}));
}

workloads::Layer matmul_layer(std::int64_t m, std::int64_t n, std::int64_t k) {
  workloads::Layer layer;
  layer.shape.name = "000-matmul";
  layer.shape.kind = workloads::LayerKind::kMatmul;
  layer.shape.w = {1, k, n};
  layer.shape.a = {1, m, k};
  layer.shape.g = {1, m, n};
  layer.w = random_tensor(layer.shape.w, 5, Data::kDense, 1);
  layer.a = random_tensor(layer.shape.a, 5, Data::kSparse, 2);
  return layer;
}

TEST(OutputStationaryCycles, AreThoseOfTheSystemCArrayOnAGridOfShapes) {
  for (const std::int64_t rows : {1, 2, 4}) {
    for (const std::int64_t cols : {1, 3}) {
      sim::Architecture architecture;
      architecture.array = {rows, cols};
      sim::WorkerPool pool(1);
      const auto engine = sim::make_engine("systemc", pool);
      for (const std::int64_t m : {1, 2, 4, 5, 9}) {
        for (const std::int64_t n : {1, 3, 4}) {
          for (const std::int64_t k : {1, 2, 7}) {
            const workloads::Layer layer = matmul_layer(m, n, k);
            const TestedPass machine(architecture, layer, workloads::Pass::kForward);
            const sim::PassCounts result = engine->run(machine.job(sim::Unit::kMfMac), {});
            EXPECT_EQ(result.cycles, output_stationary_cycles({rows, cols}, m, n, k))
                << fmt::format("{} x {} array, {} x {} x {}", rows, cols, m, n, k);
            EXPECT_EQ(result.folds, output_stationary_folds({rows, cols}, m, n));
          }
        }
      }
    }
  }
}

// --- the worked example of docs/timing.md --------------------------------------------------------

// A 3 x 2, B 2 x 2, all elements of an operand different, so that each names itself.
const std::vector<int> kA = {1, 2, 4, -8, 16, 32};
const std::vector<int> kB = {1, -2, 4, 8};

workloads::Layer worked_example() {
  return product_of(kA, kB, 3, 2, 2);
}

// The cells "PE (r, c)" and "column c" of each cycle as a table in Markdown.
std::string as_table(const Observation& seen, ArrayShape array) {
  std::map<rtl::PotCode, std::string> a_names;
  std::map<rtl::PotCode, std::string> b_names;
  for (std::size_t i = 0; i < kA.size(); ++i) {
    a_names[code_of(kA[i])] = fmt::format("A{}{}", i / 2, i % 2);
  }
  for (std::size_t i = 0; i < kB.size(); ++i) {
    b_names[code_of(kB[i])] = fmt::format("B{}{}", i / 2, i % 2);
  }
  const auto width = static_cast<std::size_t>(array.pes() + array.cols);
  std::vector<std::vector<std::string>> cells(seen.cycles.total(), std::vector<std::string>(width));
  for (const Slot& slot : seen.slots) {
    cells.at(static_cast<std::size_t>(slot.cycle))
        .at(static_cast<std::size_t>(slot.row * array.cols + slot.col)) =
        a_names.at(slot.first) + " " + b_names.at(slot.second);
  }
  for (const Departure& result : seen.departures) {
    cells.at(static_cast<std::size_t>(result.cycle))
        .at(static_cast<std::size_t>(array.pes() + result.n % array.cols)) =
        fmt::format("Y{}{} = {}", result.m, result.n, result.value);
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

TEST(WorkedExample, TableOfTheDocumentationIsWhatTheArrayDoes) {
  const ArrayShape array{2, 2};
  const workloads::Layer layer = worked_example();
  const workloads::LoweredPass pass(layer, workloads::Pass::kForward, {});
  ObservedArray observed(array);
  const Observation seen =
      observed.run(pass, {rtl::PotFormat(5), {32, 0, rtl::Overflow::kWrap}, true});
  const std::string table = as_table(seen, array);
  EXPECT_NE(timing_page().find(table), std::string::npos) << table;
}

TEST(WorkedExample, TableOfThePipelinedFoldsIsWhatTheArrayDoes) {
  const ArrayShape array{2, 2};
  const workloads::Layer layer = worked_example();
  const workloads::LoweredPass pass(layer, workloads::Pass::kForward, {});
  ObservedArray observed(array, sim::Issue::kPipelined);
  const Observation seen =
      observed.run(pass, {rtl::PotFormat(5), {32, 0, rtl::Overflow::kWrap}, true});
  EXPECT_EQ(seen.cycles, (Cycles{0, 6, 2, 0}));
  const std::string table = as_table(seen, array);
  EXPECT_NE(timing_page().find(table), std::string::npos) << table;
}

TEST(WorkedExample, CountsOfTheDocumentationAreWhatTheArrayCounts) {
  sim::Architecture architecture;
  architecture.array = {2, 2};
  architecture.pe.accumulator.lsb = 0;
  const workloads::Layer layer = worked_example();
  const TestedPass machine(architecture, layer, workloads::Pass::kForward);
  sim::WorkerPool pool(1);
  for (const std::string_view kind : {"systemc", "fast"}) {
    const sim::PassCounts result =
        sim::make_engine(kind, pool)->run(machine.job(sim::Unit::kMfMac), {});
    EXPECT_EQ(result.cycles, (Cycles{0, 8, 2, 0}));
    const energy::ActionCounts& actions = result.actions;
    EXPECT_EQ(actions.operand_register_write, 28U);
    EXPECT_EQ(actions.skew_register_write, 6U);
    EXPECT_EQ(actions.accumulator_write, 12U);
    EXPECT_EQ(actions.drain_hop, 10U);
    EXPECT_EQ(actions.idle_edge_pe_cycle, 8U);
    EXPECT_EQ(actions.idle_fill_pe_cycle, 12U);
    EXPECT_EQ(actions.idle_drain_pe_cycle, 8U);
    EXPECT_EQ(idle_of(actions), 28U);
  }
}

}  // namespace
}  // namespace potomac::test
