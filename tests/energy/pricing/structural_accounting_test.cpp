// The structural accounting: each component by hand, sums that agree, and what a table's rule makes
// of an SRAM.
#include "energy/pricing/structural_accounting.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "tests/energy/pricing/priced_work.hpp"
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

CountedPass pass_of(std::uint64_t cycles, std::uint64_t dram_read_bits) {
  CountedPass pass;
  pass.macs = 10;
  pass.exponent_bits = 8;
  pass.accumulator_bits = 16;
  pass.cycles = cycles;
  pass.actions.operand_register_write = 4;
  pass.actions.skew_register_write = 6;
  pass.actions.accumulator_write = 3;
  pass.actions.drain_hop = 2;
  pass.memory.first = {.read_words = 3, .read_bits = 1, .written_words = 2, .written_bits = 1};
  pass.memory.second.read_words = 4;
  pass.memory.results.written_words = 1;
  pass.memory.dram.read_bits = dram_read_bits;
  pass.memory.dram.written_bits = 2;
  pass.memory.forget_dram_device();
  return pass;
}

// The same in every pass, on three machines.
CountedWork work_of(const std::vector<PassName>& names) {
  CountedWork work;
  work.names = names;
  work.machines["mf_mac"].registers = {.bits = 100, .operand_bits = 5, .sum_bits = 32};
  work.machines["fp32_mac"].registers = {.bits = 400, .operand_bits = 32, .sum_bits = 32};
  work.machines["fp8_mac"].registers = {.bits = 150, .operand_bits = 8, .sum_bits = 32};
  for (auto& [unit, machine] : work.machines) {
    machine.scratchpads = {{{8, 64}, {32, 32}, {8, 128}}};
    for (std::size_t i = 0; i < names.size(); ++i) {
      machine.passes.push_back(unit == "mf_mac"     ? pass_of(7, 30)
                               : unit == "fp32_mac" ? pass_of(9, 126)
                                                    : pass_of(7, 46));
    }
  }
  return work;
}

CountedWork two_machines(const std::vector<PassName>& names) {
  CountedWork work = work_of(names);
  work.machines.erase("fp8_mac");
  return work;
}

PricedWork price_structure(const UnitEnergyTable& table, const CountedWork& work) {
  return price_work(structural_accounting(), table, work);
}

std::array<std::optional<double>, 2> of_both(const PricedWork& energy, Component component) {
  const auto at = static_cast<std::size_t>(component);
  return {energy.total("mf_mac").by_component.at(at), energy.total("fp32_mac").by_component.at(at)};
}
using Both = std::array<std::optional<double>, 2>;

TEST(StructuralAccounting, EachComponentByHand) {
  const PricedWork energy =
      price_structure(table_of(kStructuralTable), two_machines({{"a", "forward"}}));
  // Per MAC: add 8 bits 1, XOR 0.25, add 16 bits 3; FP32 50.
  EXPECT_EQ(of_both(energy, Component::kArithmetic), (Both{42.5, 500.0}));
  // Half of the bits of ten operands and five sums, 2 pJ each.
  EXPECT_EQ(of_both(energy, Component::kRegisters), (Both{10 * 5 + 5 * 32, 10 * 32 + 5 * 32}));
  EXPECT_EQ(of_both(energy, Component::kClock), (Both{7 * 100 * 0.5, 9 * 400 * 0.5}));
  // 64 pJ for 64 bits of 8 KiB, 128 of 32 KiB: five words of 64 bits, four of 32, one of 128.
  EXPECT_EQ(of_both(energy, Component::kScratchpads),
            (Both{5 * 64 + 4 * 64 + 128, 5 * 64 + 4 * 64 + 128}));
  EXPECT_EQ(of_both(energy, Component::kDram), (Both{32 * 10, 128 * 10}));
  const EnergyRow& mf_mac = energy.total("mf_mac");
  EXPECT_EQ(mf_mac.dram_high_pj, 32 * 20);
  EXPECT_EQ(energy.total("fp32_mac").dram_high_pj, 128 * 20);
  EXPECT_EQ(mf_mac.total_pj(), 42.5 + 210 + 350 + 704 + 320);
  EXPECT_EQ(mf_mac.total_dram_high_pj(), mf_mac.total_pj() + 320);
  EXPECT_EQ(energy.of("mf_mac").registers, "writes");
  std::vector<std::string> used;
  for (const UnitEnergy& unit : energy.of("mf_mac").unit_energies) {
    used.push_back(unit.entry);
  }
  EXPECT_THAT(used, testing::UnorderedElementsAre("integer_add.8", "integer_add.16", "sign_xor",
                                                  "flip_flop_clock", "flip_flop_toggle",
                                                  "sram_access_64.8", "sram_access_64.32",
                                                  "dram_access_64.low", "dram_access_64.high"));
}

TEST(StructuralAccounting, ZerosAreTakenOffTheArithmeticAlone) {
  CountedWork work = two_machines({{"a", "forward"}});
  work.machines["mf_mac"].passes[0].zero_operand_macs = 4;
  const PricedWork energy = price_structure(table_of(kStructuralTable), work);
  EXPECT_DOUBLE_EQ(*energy.total("mf_mac").total_zeros_gated_pj(),
                   energy.total("mf_mac").total_pj() - 4 * 4.25);
  work.machines["mf_mac"].passes[0].zero_operand_macs = Count::unknown();
  EXPECT_FALSE(price_structure(table_of(kStructuralTable), work)
                   .total("mf_mac")
                   .total_zeros_gated_pj()
                   .has_value());
}

TEST(StructuralAccounting, AMultiplierIsComparedWithArithmeticAlone) {
  const PricedWork energy =
      price_structure(table_of(kStructuralTable), two_machines({{"a", "forward"}}));
  EXPECT_TRUE(energy.reduction("fp32_mac").has_value());
  EXPECT_FALSE(energy.reduction(kFp32Multiplier).has_value());
}

TEST(StructuralAccounting, ADeviceIsChargedForWholeBursts) {
  CountedWork work = two_machines({{"a", "forward"}});
  work.machines["mf_mac"].passes[0].memory.moved_bits = 512;
  const PricedWork energy = price_structure(table_of(kStructuralTable), work);
  EXPECT_EQ(of_both(energy, Component::kDram), (Both{512 * 10, 128 * 10}));
}

TEST(StructuralAccounting, AMachineOfAnotherUnitIsPricedAsItself) {
  const std::vector<PassName> names = {{"a", "forward"}, {"b", "forward"}};
  const UnitEnergyTable table =
      table_of(kStructuralTable + "  fp8_multiply: {value: 6, certainty: read, source: s}\n" +
               "  bf16_multiply: {value: 8, certainty: read, source: s}\n");
  const auto rows = [&](const CountedWork& work) {
    std::vector<std::string> methods;
    for (const MethodEnergy& method : price_structure(table, work).methods) {
      methods.emplace_back(method.name);
    }
    return methods;
  };
  // No machine of 16 bits was simulated.
  EXPECT_THAT(rows(work_of(names)), testing::ElementsAre("fp32_mac", "fp8_mac", "mf_mac"));
  const PricedWork energy = price_structure(table, work_of(names));
  const MethodEnergy& fp8 = energy.method("fp8_mac");
  // Twice: ten MACs of 6 + 10; registers, clock, scratchpads and DRAM as above.
  const double of_pass = 160 + (10 * 8 + 5 * 32) + 7 * 150 * 0.5 + 704 + 48 * 10;
  EXPECT_DOUBLE_EQ(energy.total("fp8_mac").total_pj(), 2 * of_pass);
  EXPECT_DOUBLE_EQ(fp8.total_pj.value(), 2 * of_pass);
  EXPECT_DOUBLE_EQ(fp8.per_mac_pj.value(), of_pass / 10);
  EXPECT_DOUBLE_EQ(fp8.mf_mac_saves.value(),
                   1 - energy.total("mf_mac").total_pj() / fp8.total_pj.value());
  EXPECT_DOUBLE_EQ(*energy.reduction("fp8_mac"), fp8.mf_mac_saves.value());
  EXPECT_EQ(energy.method("fp32_mac").total_pj, energy.total("fp32_mac").total_pj());
  EXPECT_EQ(energy.method("mf_mac").total_pj, energy.total("mf_mac").total_pj());
  EXPECT_THAT(rows(two_machines(names)), testing::ElementsAre("fp32_mac", "mf_mac"));
}

TEST(StructuralAccounting, CountsTogglesWhereTheyAreKnown) {
  CountedWork work = two_machines({{"a", "forward"}});
  work.machines["mf_mac"].passes[0].toggles = {
      .operand = 1, .skew = 2, .stationary = 3, .partial_sum = 4, .accumulator = 5, .drain = 6};
  work.machines["fp32_mac"].passes[0].toggles = {
      .operand = 100, .skew = 0, .stationary = 0, .partial_sum = 0, .accumulator = 0, .drain = 0};
  const PricedWork energy = price_structure(table_of(kStructuralTable), work);
  EXPECT_EQ(of_both(energy, Component::kRegisters), (Both{42.0, 200.0}));
  EXPECT_EQ(energy.of("mf_mac").registers, "toggles");
}

TEST(StructuralAccounting, WithoutAMemoryItsPartIsNotKnownNotZero) {
  CountedWork bare = two_machines({{"a", "forward"}});
  for (auto& [unit, machine] : bare.machines) {
    machine.scratchpads.reset();
    machine.passes[0].memory = MemoryAccesses::unknown();
  }
  // A table without memory rows is enough.
  const PricedWork energy = price_structure(
      table_of(kSmallTable + "  flip_flop_clock: {value: 1, certainty: read, source: s}\n" +
               "  flip_flop_toggle: {value: 1, certainty: read, source: s}\n"),
      bare);
  EXPECT_FALSE(energy.total("mf_mac").has(Component::kScratchpads));
  EXPECT_FALSE(energy.total("mf_mac").has(Component::kDram));
  EXPECT_FALSE(energy.total("mf_mac").total_dram_high_pj().has_value());
  EXPECT_EQ(energy.total("mf_mac").total_pj(), 42.5 + 105 + 700);
}

TEST(StructuralAccounting, WritesThatOnlyValuesTellAreTakenToBeAll) {
  CountedWork work = two_machines({{"a", "forward"}});
  work.machines["mf_mac"].passes[0].actions.accumulator_write = Count::unknown();
  const PricedWork energy = price_structure(table_of(kStructuralTable), work);
  EXPECT_EQ(energy.total("mf_mac").pj(Component::kRegisters), 10 * 5 + (10 + 2) * 32);
}

TEST(StructuralAccounting, RowsAddUp) {
  const PricedWork energy = price_structure(
      with_rule(), two_machines({{"a", "forward"}, {"a", "backward-data"}, {"b", "forward"}}));
  for (const EnergyReport& report : energy.reports) {
    ASSERT_EQ(report.by_gemm.size(), 3U);
    ASSERT_EQ(report.by_layer.size(), 2U);
    ASSERT_EQ(report.by_pass.size(), 2U);
    EXPECT_EQ(report.by_layer[0].layer, "a");
    EXPECT_EQ(report.by_pass[1].pass, "backward-data");
    for (const auto* rows : {&report.by_gemm, &report.by_layer, &report.by_pass}) {
      double sum = 0.0;
      for (const EnergyRow& row : *rows) {
        sum += row.total_pj();
      }
      EXPECT_DOUBLE_EQ(sum, report.total.total_pj());
    }
  }
}

TEST(StructuralAccounting, AMissingEntryIsAnErrorNotAZero) {
  const CountedWork work = two_machines({{"a", "forward"}});
  EXPECT_THAT(input_error_of([&] { price_structure(shipped("paper-2302.14458"), work); }),
              testing::HasSubstr("flip_flop_toggle"));
  CountedWork other = work;
  other.machines["mf_mac"].scratchpads->at(0).kib = 16;
  EXPECT_THAT(
      input_error_of([&] { price_structure(table_of(kStructuralTable), other); }),
      testing::AllOf(testing::HasSubstr("sram_access_64.16"), testing::HasSubstr("capacities:")));
}

TEST(Accountings, AreFoundByName) {
  EXPECT_THAT(accounting_names(), testing::ElementsAre("operation", "structural"));
  EXPECT_EQ(find_accounting("structural"), &structural_accounting());
  EXPECT_EQ(find_accounting("gate"), nullptr);
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
