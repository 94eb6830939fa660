// The structural accounting: each component by hand, sums that agree, and what a table's rule makes
// of an SRAM.
#include "energy/pricing/structural_accounting.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "tests/energy/pricing/test_tables.hpp"

namespace potomac::energy {
namespace {

const std::string kStructuralTable =
    kSmallTable +
    "  flip_flop_clock: {value: 0.5, certainty: read, source: s}\n"
    "  flip_flop_toggle: {value: 2, certainty: read, source: s}\n"
    "  sram_access_64:\n"
    "    8: {value: 64, certainty: read, source: s}\n"
    "    32: {value: 128, certainty: recalled, source: t}\n"
    "  dram_access_64: {low: {value: 640, certainty: read, source: s}, "
    "high: {value: 1280, certainty: read, source: s}}\n";

const std::string kRule =
    "\ncapacities: {sram_access_64: {between: power, outside: square_root}}\nentries:";

UnitEnergyTable with_rule() {
  std::string text = kStructuralTable;
  return table_of(text.replace(text.find("\nentries:"), 9, kRule));
}

StructuralMachines machines() {
  StructuralMachines made;
  made.mf_mac = {.bits = 100, .operand_bits = 5, .sum_bits = 32};
  made.fp32_mac = {.bits = 400, .operand_bits = 32, .sum_bits = 32};
  made.others = {{8, {.bits = 150, .operand_bits = 8, .sum_bits = 32}}};
  made.scratchpads = {{{8, 64}, {32, 32}, {8, 128}}};
  return made;
}

StructuralPass pass(std::string layer, std::string name) {
  StructuralPass made;
  made.arithmetic.layer = std::move(layer);
  made.arithmetic.pass = std::move(name);
  made.arithmetic.macs = made.arithmetic.baseline_macs = 10;
  made.arithmetic.exponent_bits = 8;
  made.arithmetic.accumulator_bits = 16;
  made.mf_mac.cycles = 7;
  made.mf_mac.actions.operand_register_write = 4;
  made.mf_mac.actions.skew_register_write = 6;
  made.mf_mac.actions.accumulator_write = 3;
  made.mf_mac.actions.drain_hop = 2;
  made.mf_mac.toggles = RegisterToggles::unknown();
  made.mf_mac.memory.first = {
      .read_words = 3, .read_bits = 1, .written_words = 2, .written_bits = 1};
  made.mf_mac.memory.second.read_words = 4;
  made.mf_mac.memory.results.written_words = 1;
  made.mf_mac.memory.dram.read_bits = 30;
  made.mf_mac.memory.dram.written_bits = 2;
  made.mf_mac.memory.forget_dram_device();
  made.fp32_mac = made.mf_mac;
  made.fp32_mac.cycles = 9;
  made.fp32_mac.memory.dram.read_bits = 126;
  made.others[8] = made.mf_mac;
  made.others[8].memory.dram.read_bits = 46;
  return made;
}

TEST(StructuralAccounting, EachComponentByHand) {
  const std::vector<StructuralPass> passes = {pass("a", "forward")};
  const StructuralEnergy energy = price_structure(table_of(kStructuralTable), passes, machines());
  const StructuralRow& row = energy.total;
  // Per MAC: add 8 bits 1, XOR 0.25, add 16 bits 3; FP32 50.
  EXPECT_EQ(row.arithmetic, (MachinePair{42.5, 500.0}));
  // Half of the bits of ten operands and five sums, 2 pJ each.
  EXPECT_EQ(row.registers, (MachinePair{10 * 5 + 5 * 32, 10 * 32 + 5 * 32}));
  EXPECT_EQ(row.clock, (MachinePair{7 * 100 * 0.5, 9 * 400 * 0.5}));
  // 64 pJ for 64 bits of 8 KiB, 128 of 32 KiB: five words of 64 bits, four of 32, one of 128.
  EXPECT_EQ(row.scratchpads, (MachinePair{5 * 64 + 4 * 64 + 128, 5 * 64 + 4 * 64 + 128}));
  EXPECT_EQ(row.dram, (MachinePair{32 * 10, 128 * 10}));
  EXPECT_EQ(row.dram_high, (MachinePair{32 * 20, 128 * 20}));
  EXPECT_EQ(row.total().mf_mac_pj, 42.5 + 210 + 350 + 704 + 320);
  EXPECT_EQ(row.total_high().mf_mac_pj, row.total().mf_mac_pj + 320);
  EXPECT_FALSE(energy.toggles_counted);
  std::vector<std::string> used;
  for (const UnitEnergy& unit : energy.unit_energies) {
    used.push_back(unit.entry);
  }
  EXPECT_THAT(used, testing::UnorderedElementsAre(
                        "integer_add.8", "integer_add.16", "sign_xor", "fp32_multiply", "fp32_add",
                        "flip_flop_clock", "flip_flop_toggle", "sram_access_64.8",
                        "sram_access_64.32", "dram_access_64.low", "dram_access_64.high"));
}

TEST(StructuralAccounting, ADeviceIsChargedForWholeBursts) {
  std::vector<StructuralPass> passes = {pass("a", "forward")};
  passes[0].mf_mac.memory.moved_bits = 512;
  const StructuralEnergy energy = price_structure(table_of(kStructuralTable), passes, machines());
  EXPECT_EQ(energy.total.dram, (MachinePair{512 * 10, 128 * 10}));
}

TEST(StructuralAccounting, OtherMethodsHaveWhatStandsAroundArraysOfTheirWidth) {
  std::vector<StructuralPass> passes = {pass("a", "forward"), pass("b", "forward")};
  const UnitEnergyTable table =
      table_of(kStructuralTable + "  fp8_multiply: {value: 6, certainty: read, source: s}\n" +
               "  bf16_multiply: {value: 8, certainty: read, source: s}\n");
  const auto rows = [&] {
    std::vector<std::string> names;
    for (const MethodEnergy& method : price_structure(table, passes, machines()).methods) {
      names.emplace_back(method.name);
    }
    return names;
  };
  // No array of 16 bits was simulated.
  EXPECT_THAT(rows(), testing::ElementsAre("fp32_mac", "fp8_mac", "mf_mac"));
  const StructuralEnergy energy = price_structure(table, passes, machines());
  const MethodEnergy& fp8 = energy.methods[1];
  // Twice: ten MACs of 6 + 10; registers, clock, scratchpads and DRAM as above.
  const double of_pass = 160 + (10 * 8 + 5 * 32) + 7 * 150 * 0.5 + 704 + 48 * 10;
  EXPECT_DOUBLE_EQ(fp8.total_pj.value(), 2 * of_pass);
  EXPECT_DOUBLE_EQ(fp8.per_mac_pj.value(), of_pass / 10);
  EXPECT_DOUBLE_EQ(fp8.mf_mac_saves.value(),
                   1 - energy.total.total().mf_mac_pj / fp8.total_pj.value());
  EXPECT_EQ(energy.methods[0].total_pj, energy.total.total().fp32_mac_pj);
  EXPECT_EQ(energy.methods[2].total_pj, energy.total.total().mf_mac_pj);
  passes[1].others.clear();
  EXPECT_THAT(rows(), testing::ElementsAre("fp32_mac", "mf_mac"));
}

TEST(StructuralAccounting, CountsTogglesWhereTheyAreKnown) {
  std::vector<StructuralPass> passes = {pass("a", "forward")};
  passes[0].mf_mac.toggles = {
      .operand = 1, .skew = 2, .stationary = 3, .partial_sum = 4, .accumulator = 5, .drain = 6};
  passes[0].fp32_mac.toggles = {
      .operand = 100, .skew = 0, .stationary = 0, .partial_sum = 0, .accumulator = 0, .drain = 0};
  const StructuralEnergy energy = price_structure(table_of(kStructuralTable), passes, machines());
  EXPECT_EQ(energy.total.registers, (MachinePair{42.0, 200.0}));
  EXPECT_TRUE(energy.toggles_counted);
}

TEST(StructuralAccounting, WithoutAMemoryItsPartIsNotKnownNotZero) {
  StructuralMachines bare = machines();
  bare.scratchpads.reset();
  std::vector<StructuralPass> passes = {pass("a", "forward")};
  passes[0].mf_mac.memory = passes[0].fp32_mac.memory = MemoryAccesses::unknown();
  // A table without memory rows is enough.
  const StructuralEnergy energy = price_structure(
      table_of(kSmallTable + "  flip_flop_clock: {value: 1, certainty: read, source: s}\n" +
               "  flip_flop_toggle: {value: 1, certainty: read, source: s}\n"),
      passes, bare);
  EXPECT_FALSE(energy.total.scratchpads.has_value());
  EXPECT_FALSE(energy.total.dram.has_value());
  EXPECT_EQ(energy.total.total().mf_mac_pj, 42.5 + 105 + 700);
}

TEST(StructuralAccounting, WritesThatOnlyValuesTellAreTakenToBeAll) {
  std::vector<StructuralPass> passes = {pass("a", "forward")};
  passes[0].mf_mac.actions.accumulator_write = Count::unknown();
  const StructuralEnergy energy = price_structure(table_of(kStructuralTable), passes, machines());
  EXPECT_EQ(energy.total.registers.mf_mac_pj, 10 * 5 + (10 + 2) * 32);
}

TEST(StructuralAccounting, RowsAddUp) {
  const std::vector<StructuralPass> passes = {pass("a", "forward"), pass("a", "backward-data"),
                                              pass("b", "forward")};
  const StructuralEnergy energy = price_structure(with_rule(), passes, machines());
  ASSERT_EQ(energy.by_gemm.size(), 3U);
  ASSERT_EQ(energy.by_layer.size(), 2U);
  ASSERT_EQ(energy.by_pass.size(), 2U);
  EXPECT_EQ(energy.by_layer[0].layer, "a");
  EXPECT_EQ(energy.by_pass[1].pass, "backward-data");
  for (const auto* rows : {&energy.by_gemm, &energy.by_layer, &energy.by_pass}) {
    MachinePair sum;
    for (const StructuralRow& row : *rows) {
      sum += row.total();
    }
    EXPECT_DOUBLE_EQ(sum.mf_mac_pj, energy.total.total().mf_mac_pj);
    EXPECT_DOUBLE_EQ(sum.fp32_mac_pj, energy.total.total().fp32_mac_pj);
  }
}

TEST(StructuralAccounting, AMissingEntryIsAnErrorNotAZero) {
  const std::vector<StructuralPass> passes = {pass("a", "forward")};
  EXPECT_THAT(
      input_error_of([&] { price_structure(shipped("paper-2302.14458"), passes, machines()); }),
      testing::HasSubstr("flip_flop_toggle"));
  StructuralMachines other = machines();
  other.scratchpads->at(0).kib = 16;
  EXPECT_THAT(
      input_error_of([&] { price_structure(table_of(kStructuralTable), passes, other); }),
      testing::AllOf(testing::HasSubstr("sram_access_64.16"), testing::HasSubstr("capacities:")));
}

TEST(UnitEnergyTable, DerivesAnSramBetweenAndOutsideOfThoseListed) {
  const UnitEnergyTable table = with_rule();
  EXPECT_EQ(table.require_sram_access(8).energy_pj, 64.0);
  EXPECT_FALSE(table.require_sram_access(8).derived());
  // Four times the capacity is twice the energy: the square root, which goes on outside.
  EXPECT_DOUBLE_EQ(table.require_sram_access(16).energy_pj, 64.0 * std::sqrt(2.0));
  EXPECT_EQ(table.require_sram_access(16).certainty, Certainty::kRecalled);
  EXPECT_DOUBLE_EQ(table.require_sram_access(2).energy_pj, 32.0);
  EXPECT_DOUBLE_EQ(table.require_sram_access(128).energy_pj, 256.0);
  EXPECT_THAT(table.require_sram_access(128).derivation, testing::HasSubstr("square root"));
  // 32 to 1024 KiB in Horowitz's table are a factor of 5: between, not quite the square root.
  const UnitEnergyTable horowitz = shipped("horowitz-45nm");
  EXPECT_NEAR(horowitz.require_sram_access(181).energy_pj, 20.0 * std::sqrt(5.0), 0.05);
  EXPECT_DOUBLE_EQ(horowitz.require_sram_access(4096).energy_pj, 200.0);
}

}  // namespace
}  // namespace potomac::energy
