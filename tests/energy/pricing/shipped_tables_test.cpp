// The shipped tables: every number that they state, and what they leave unstated.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>

#include "energy/pricing/unit_energy_table.hpp"
#include "support/shipped_files.hpp"
#include "tests/energy/pricing/test_tables.hpp"

namespace potomac::energy {
namespace {

std::map<std::string, double> numbers_of(const UnitEnergyTable& table, Certainty certainty) {
  std::map<std::string, double> numbers;
  for (const UnitEnergy& energy : table.listed()) {
    if (energy.certainty == certainty) {
      numbers[energy.entry] = energy.energy_pj;
    }
  }
  return numbers;
}

using Numbers = std::map<std::string, double>;

TEST(ShippedTables, all_load_and_are_named_as_their_files) {
  const ShippedFiles tables{"energy table", {POTOMAC_SOURCE_DIR "/energy/tables"}};
  EXPECT_EQ(tables.names(),
            (std::vector<std::string>{"horowitz-45nm", "paper-2302.14458", "tpuv4i-7nm"}));
  for (const std::string& name : tables.names()) {
    const UnitEnergyTable table = load_unit_energy_table(tables.find(name));
    EXPECT_EQ(table.name(), name);
    EXPECT_EQ(table.unit(), "pJ");
    EXPECT_TRUE(table.integer_add_rule().linear_between);
    EXPECT_TRUE(table.integer_add_rule().proportional_outside);
    for (const UnitEnergy& energy : table.listed()) {
      EXPECT_FALSE(energy.source.empty()) << name << ' ' << energy.entry;
    }
  }
}

// Written out a second time on purpose: a slip of the pen in a table must not pass.
TEST(ShippedTables, paper_numbers) {
  const UnitEnergyTable table = shipped("paper-2302.14458");
  EXPECT_EQ(numbers_of(table, Certainty::kRead), (Numbers{{"integer_add.4", 0.015},
                                                          {"integer_add.8", 0.03},
                                                          {"integer_add.16", 0.05},
                                                          {"integer_add.32", 0.14},
                                                          {"integer_multiply.4", 0.048},
                                                          {"integer_multiply.8", 0.19},
                                                          {"integer_multiply.32", 3.1},
                                                          {"fp8_multiply", 0.23},
                                                          {"fp32_multiply", 3.7},
                                                          {"fp32_add", 0.9},
                                                          {"shift_int32_4", 0.96},
                                                          {"shift_int32_3", 0.72},
                                                          {"shift_int4_3", 0.081}}));
  EXPECT_EQ(numbers_of(table, Certainty::kAssumed), (Numbers{{"sign_xor", 0.0}}));
}

TEST(ShippedTables, horowitz_numbers) {
  const UnitEnergyTable table = shipped("horowitz-45nm");
  EXPECT_EQ(table.node(), "45 nm");
  EXPECT_EQ(numbers_of(table, Certainty::kRead), (Numbers{{"integer_add.8", 0.03},
                                                          {"integer_add.16", 0.05},
                                                          {"integer_add.32", 0.1},
                                                          {"integer_multiply.8", 0.2},
                                                          {"integer_multiply.32", 3.1},
                                                          {"fp16_multiply", 1.1},
                                                          {"fp16_add", 0.4},
                                                          {"fp32_multiply", 3.7},
                                                          {"fp32_add", 0.9},
                                                          {"sram_access_64.8", 10.0},
                                                          {"sram_access_64.32", 20.0},
                                                          {"sram_access_64.1024", 100.0}}));
  EXPECT_EQ(numbers_of(table, Certainty::kRecalled),
            (Numbers{{"dram_access_64.low", 1300.0}, {"dram_access_64.high", 2600.0}}));
}

TEST(ShippedTables, tpuv4i_numbers) {
  const UnitEnergyTable table = shipped("tpuv4i-7nm");
  EXPECT_EQ(table.node(), "7 nm");
  EXPECT_EQ(numbers_of(table, Certainty::kRead), (Numbers{{"integer_add.32", 0.03},
                                                          {"integer_multiply.8", 0.07},
                                                          {"bf16_multiply", 0.21},
                                                          {"fp32_multiply", 1.31},
                                                          {"fp32_add", 0.38},
                                                          {"sram_access_64.8", 7.5},
                                                          {"sram_access_64.32", 8.5},
                                                          {"sram_access_64.1024", 14.0},
                                                          {"dram_access_64.low", 250.0},
                                                          {"dram_access_64.high", 450.0}}));
  EXPECT_EQ(numbers_of(table, Certainty::kRecalled), (Numbers{{"integer_add.8", 0.007},
                                                              {"integer_multiply.32", 1.48},
                                                              {"bf16_add", 0.11},
                                                              {"fp16_multiply", 0.34},
                                                              {"fp16_add", 0.16}}));
}

TEST(ShippedTables, xor_without_a_source_is_one_bit_of_the_same_tables_int8_adder) {
  for (const std::string name : {"horowitz-45nm", "tpuv4i-7nm"}) {
    const UnitEnergyTable table = shipped(name);
    const UnitEnergy sign_xor = table.require("sign_xor");
    EXPECT_DOUBLE_EQ(sign_xor.energy_pj, table.require("integer_add.8").energy_pj / 8) << name;
    EXPECT_EQ(sign_xor.certainty, Certainty::kAssumed);
    EXPECT_THAT(sign_xor.note, testing::HasSubstr("upper bound"));
  }
}

TEST(ShippedTables, registers_without_a_source_are_assumed_and_say_how) {
  const UnitEnergyTable horowitz = shipped("horowitz-45nm");
  const UnitEnergyTable tpu = shipped("tpuv4i-7nm");
  EXPECT_EQ(horowitz.require("flip_flop_clock").energy_pj, 0.008);
  EXPECT_EQ(horowitz.require("flip_flop_toggle").energy_pj, 0.012);
  // The other table has them by the ratio to a bit of the 32-bit adder.
  for (const std::string entry : {"flip_flop_clock", "flip_flop_toggle"}) {
    EXPECT_EQ(horowitz.require(entry).certainty, Certainty::kAssumed);
    EXPECT_EQ(tpu.require(entry).certainty, Certainty::kAssumed);
    const double ratio =
        horowitz.require(entry).energy_pj / horowitz.require("integer_add.32").energy_pj;
    EXPECT_DOUBLE_EQ(tpu.require(entry).energy_pj, ratio * tpu.require("integer_add.32").energy_pj);
  }
}

TEST(ShippedTables, the_widths_that_potomac_needs_can_be_had_from_each) {
  for (const std::string name : {"paper-2302.14458", "horowitz-45nm", "tpuv4i-7nm"}) {
    const UnitEnergyTable table = shipped(name);
    for (int bits = 2; bits <= 64; ++bits) {
      EXPECT_GT(table.require_integer_add(bits).energy_pj, 0.0) << name << ' ' << bits;
    }
  }
  const UnitEnergyTable paper = shipped("paper-2302.14458");
  EXPECT_DOUBLE_EQ(paper.require_integer_add(5).energy_pj, 0.01875);
  EXPECT_DOUBLE_EQ(paper.require_integer_add(24).energy_pj, 0.095);
  EXPECT_DOUBLE_EQ(paper.require_integer_add(64).energy_pj, 0.28);
}

TEST(ShippedTables, what_rests_on_a_recalled_number_says_so) {
  const UnitEnergyTable table = shipped("tpuv4i-7nm");
  EXPECT_EQ(table.require_integer_add(4).certainty, Certainty::kRecalled);
  // Between a recalled and a read neighbour.
  EXPECT_EQ(table.require_integer_add(16).certainty, Certainty::kRecalled);
  EXPECT_EQ(table.require_integer_add(64).certainty, Certainty::kRead);
}

}  // namespace
}  // namespace potomac::energy
