// The operation accounting: the source paper's two percentages, sums that agree, zeros gated on
// both sides, and the rows beside MF-MAC.
#include "energy/pricing/operation_accounting.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "energy/counts/actions.hpp"
#include "energy/pricing/mac_arithmetic.hpp"
#include "tests/energy/pricing/priced_work.hpp"
#include "tests/energy/pricing/test_tables.hpp"

namespace potomac::energy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr double kRelative = 1e-12;

bool close_to(double a, double b) {
  return std::abs(a - b) <= kRelative * std::max(std::abs(a), std::abs(b));
}

void expect_close(double actual, double expected) {
  EXPECT_TRUE(close_to(actual, expected)) << actual << " is not " << expected;
}

// One pass, on the MF-MAC and the FP32 array.
struct TestGemm {
  PassName name;
  CountedPass mf_mac;
  CountedPass fp32_mac;
};

TestGemm gemm(std::string layer, std::string pass, std::uint64_t macs,
              std::uint64_t zero_operand_macs = 0) {
  TestGemm gemm;
  gemm.name = {std::move(layer), std::move(pass)};
  gemm.mf_mac.macs = gemm.fp32_mac.macs = macs;
  gemm.mf_mac.zero_operand_macs = gemm.fp32_mac.zero_operand_macs = zero_operand_macs;
  gemm.mf_mac.actions.exponent_add = macs - zero_operand_macs;
  gemm.mf_mac.actions.sign_xor = macs - zero_operand_macs;
  gemm.mf_mac.actions.accumulate = macs - zero_operand_macs;
  gemm.mf_mac.actions.gated_mac = zero_operand_macs;
  gemm.fp32_mac.actions.fp32_multiply = macs;
  gemm.fp32_mac.actions.fp32_add = macs;
  return gemm;
}

PricedWork price_operations(const UnitEnergyTable& table, const std::vector<TestGemm>& gemms) {
  CountedWork work;
  work.machines["mf_mac"];
  work.machines["fp32_mac"];
  for (const TestGemm& one : gemms) {
    work.names.push_back(one.name);
    work.machines["mf_mac"].passes.push_back(one.mf_mac);
    work.machines["fp32_mac"].passes.push_back(one.fp32_mac);
  }
  return price_work(operation_accounting(), table, work);
}

const MethodEnergy& method(const PricedWork& energy, std::string_view name) {
  return energy.method(name);
}

// --- the source paper's figures ---

TEST(OperationAccounting, paper_table_gives_96_63_percent_of_the_mac_and_95_81_of_the_multiplier) {
  const std::vector<TestGemm> gemms = {gemm("000-fc", "forward", 1'000'003)};
  const PricedWork energy = price_operations(shipped("paper-2302.14458"), gemms);
  const double mf_mac_pj = 0.015 + 0.14;  // INT4 add + INT32 add
  expect_close(energy.total("mf_mac").total_pj(), mf_mac_pj * 1'000'003);
  expect_close(energy.total("fp32_mac").total_pj(), (3.7 + 0.9) * 1'000'003);
  expect_close(energy.method(kFp32Multiplier).total_pj.value(), 3.7 * 1'000'003);
  const auto of_mac = energy.reduction("fp32_mac");
  const auto of_multiplier = energy.reduction(kFp32Multiplier);
  expect_close(of_mac.value(), 1.0 - mf_mac_pj / 4.6);
  expect_close(of_multiplier.value(), 1.0 - mf_mac_pj / 3.7);
  EXPECT_NEAR(*of_mac, 0.9663, 0.00005);
  EXPECT_NEAR(*of_multiplier, 0.9581, 0.00005);
}

TEST(OperationAccounting, aligning_the_product_by_the_papers_own_shifts_takes_most_of_it_back) {
  const std::vector<TestGemm> gemms = {gemm("000-fc", "forward", 1000)};
  const PricedWork energy = price_operations(shipped("paper-2302.14458"), gemms);
  const MethodEnergy& narrow = method(energy, "mf_mac_shift_int4_3");
  expect_close(narrow.per_mac_pj.value(), 0.155 + 0.081);
  EXPECT_NEAR(*narrow.reduction, 0.949, 0.0005);
  const MethodEnergy& wide = method(energy, "mf_mac_shift_int32_4");
  expect_close(wide.per_mac_pj.value(), 0.155 + 0.96);
  EXPECT_NEAR(*wide.reduction, 0.758, 0.0005);
  EXPECT_GT(*wide.per_mac_pj, 3 * method(energy, "int8_mac").per_mac_pj.value());
  // Horowitz lists no shift.
  const PricedWork other = price_operations(shipped("horowitz-45nm"), gemms);
  EXPECT_EQ(method(other, "mf_mac_shift_int4_3").missing_entry, "shift_int4_3");
}

TEST(OperationAccounting, narrow_floats_are_summed_in_binary32) {
  const std::vector<TestGemm> gemms = {gemm("000-fc", "forward", 1000)};
  const PricedWork paper = price_operations(shipped("paper-2302.14458"), gemms);
  expect_close(method(paper, "fp8_mac").per_mac_pj.value(), 0.23 + 0.9);
  EXPECT_EQ(method(paper, "bf16_mac").missing_entry, "bf16_multiply");
  const PricedWork horowitz = price_operations(shipped("horowitz-45nm"), gemms);
  expect_close(method(horowitz, "fp16_mac").per_mac_pj.value(), 1.1 + 0.9);
  const PricedWork tpu = price_operations(shipped("tpuv4i-7nm"), gemms);
  expect_close(method(tpu, "bf16_mac").per_mac_pj.value(), 0.21 + 0.38);
  expect_close(method(tpu, "fp16_mac").per_mac_pj.value(), 0.34 + 0.38);
}

TEST(OperationAccounting, mf_mac_saves_53_percent_of_int8_and_18_of_int4_in_the_paper_table) {
  const std::vector<TestGemm> gemms = {gemm("000-fc", "forward", 1000)};
  const PricedWork energy = price_operations(shipped("paper-2302.14458"), gemms);
  expect_close(method(energy, "int8_mac").per_mac_pj.value(), 0.33);
  expect_close(method(energy, "int4_mac").per_mac_pj.value(), 0.188);
  EXPECT_NEAR(method(energy, "int8_mac").mf_mac_saves.value(), 0.53, 0.005);
  EXPECT_NEAR(method(energy, "int4_mac").mf_mac_saves.value(), 0.18, 0.005);
  expect_close(method(energy, "int8_mac").mf_mac_saves.value(), 1.0 - 0.155 / 0.33);
  expect_close(method(energy, "int4_mac").reduction.value(), 1.0 - 0.188 / 4.6);
}

TEST(OperationAccounting, horowitz_by_hand) {
  const std::vector<TestGemm> gemms = {gemm("000-fc", "forward", 10)};
  const PricedWork energy = price_operations(shipped("horowitz-45nm"), gemms);
  // No INT4 adder there: half of the INT8 one, by the table's rule. The XOR is its eighth.
  expect_close(energy.total("mf_mac").total_pj(), 10 * (0.015 + 0.00375 + 0.1));
  expect_close(energy.total("fp32_mac").total_pj(), 10 * 4.6);
}

TEST(OperationAccounting, tpuv4i_by_hand) {
  const std::vector<TestGemm> gemms = {gemm("000-fc", "forward", 10)};
  const PricedWork energy = price_operations(shipped("tpuv4i-7nm"), gemms);
  expect_close(energy.total("mf_mac").total_pj(), 10 * (0.0035 + 0.000875 + 0.03));
  expect_close(energy.total("fp32_mac").total_pj(), 10 * 1.69);
}

// --- heading and unit energies ---

TEST(OperationAccounting, names_table_accounting_unit_and_node) {
  const PricedWork energy = price_operations(shipped("horowitz-45nm"), {});
  for (const char* machine : {"mf_mac", "fp32_mac"}) {
    const EnergyReport& report = energy.of(machine);
    EXPECT_EQ(report.machine, machine);
    EXPECT_EQ(report.table, "horowitz-45nm");
    EXPECT_EQ(report.accounting, "operation");
    EXPECT_EQ(report.registers, "");
    EXPECT_EQ(report.unit, "pJ");
    EXPECT_EQ(report.node, "45 nm");
  }
}

TEST(OperationAccounting, shows_every_number_used_once_and_marks_the_derived_ones) {
  TestGemm wide = gemm("001-fc", "forward", 5);
  wide.mf_mac.exponent_bits = 5;
  wide.mf_mac.accumulator_bits = 24;
  const std::vector<TestGemm> gemms = {gemm("000-fc", "forward", 5), wide, wide};
  const PricedWork energy = price_operations(shipped("paper-2302.14458"), gemms);
  std::vector<std::string> derived;
  const auto names_of = [&](const std::vector<UnitEnergy>& units) {
    std::vector<std::string> names;
    for (const UnitEnergy& unit : units) {
      names.push_back(unit.entry);
      if (unit.derived()) {
        derived.push_back(unit.entry);
      }
    }
    return names;
  };
  EXPECT_THAT(names_of(energy.of("mf_mac").unit_energies),
              ElementsAre("integer_add.4", "sign_xor", "integer_add.32", "integer_add.5",
                          "integer_add.24"));
  EXPECT_THAT(derived, ElementsAre("integer_add.5", "integer_add.24"));
  EXPECT_THAT(names_of(energy.of("fp32_mac").unit_energies),
              ElementsAre("fp32_multiply", "fp32_add"));
  EXPECT_THAT(names_of(energy.of_methods),
              ElementsAre("fp32_multiply", "fp32_add", "fp8_multiply", "integer_multiply.8",
                          "integer_add.32", "integer_multiply.4", "shift_int4_3", "shift_int32_4"));
}

TEST(OperationAccounting, prices_each_gemm_at_its_own_widths_and_fp32_always_at_binary32) {
  TestGemm last = gemm("001-fc", "backward-data", 100);
  last.mf_mac.exponent_bits = 5;
  last.mf_mac.accumulator_bits = 64;
  const std::vector<TestGemm> gemms = {gemm("000-fc", "forward", 100), last};
  const PricedWork energy = price_operations(shipped("paper-2302.14458"), gemms);
  expect_close(energy.of("mf_mac").by_gemm[0].total_pj(), 100 * 0.155);
  expect_close(energy.of("mf_mac").by_gemm[1].total_pj(), 100 * (0.01875 + 0.28));
  expect_close(energy.of("fp32_mac").by_gemm[1].total_pj(), 460.0);
  expect_close(method(energy, "mf_mac").per_mac_pj.value(), (0.155 + 0.29875) / 2);
}

// --- rows ---

TEST(OperationAccounting, sums_by_action_by_layer_and_by_pass) {
  const std::vector<TestGemm> gemms = {
      gemm("000-conv", "forward", 10, 4), gemm("000-conv", "backward-weight", 20),
      gemm("001-fc", "forward", 30), gemm("001-fc", "backward-weight", 40)};
  const PricedWork energy = price_operations(table_of(kSmallTable), gemms);
  const double mf = 0.5 + 0.25 + 6.0;  // widths 4 and 32 of the small table, and its XOR

  const EnergyReport& mf_mac = energy.of("mf_mac");
  const EnergyReport& fp32_mac = energy.of("fp32_mac");
  ASSERT_EQ(mf_mac.by_gemm.size(), 4U);
  EXPECT_EQ(mf_mac.by_gemm[1].layer, "000-conv");
  EXPECT_EQ(mf_mac.by_gemm[1].pass, "backward-weight");

  ASSERT_EQ(mf_mac.by_layer.size(), 2U);
  EXPECT_EQ(mf_mac.by_layer[0].layer, "000-conv");
  EXPECT_EQ(mf_mac.by_layer[0].pass, "");
  EXPECT_EQ(mf_mac.by_layer[0].macs, 30U);
  EXPECT_DOUBLE_EQ(mf_mac.by_layer[0].total_pj(), 30 * mf);
  EXPECT_DOUBLE_EQ(fp32_mac.by_layer[1].total_pj(), 70 * 50.0);

  ASSERT_EQ(mf_mac.by_pass.size(), 2U);
  EXPECT_EQ(mf_mac.by_pass[0].pass, "forward");
  EXPECT_EQ(mf_mac.by_pass[0].layer, "");
  EXPECT_EQ(mf_mac.by_pass[0].macs, 40U);
  EXPECT_DOUBLE_EQ(*mf_mac.by_pass[0].total_zeros_gated_pj(), 36 * mf);
  EXPECT_DOUBLE_EQ(mf_mac.by_pass[1].total_pj(), 60 * mf);

  const auto& of_mf_mac = mf_mac.total.by_action;
  EXPECT_EQ(of_mf_mac[0], (ActionEnergy{"exponent_add", 100, 96, 100 * 0.5, 96 * 0.5}));
  EXPECT_EQ(of_mf_mac[1], (ActionEnergy{"sign_xor", 100, 96, 100 * 0.25, 96 * 0.25}));
  EXPECT_EQ(of_mf_mac[2], (ActionEnergy{"accumulate", 100, 96, 100 * 6.0, 96 * 6.0}));
  const auto& of_fp32 = fp32_mac.total.by_action;
  EXPECT_EQ(of_fp32[0], (ActionEnergy{"fp32_multiply", 100, 100, 100 * 40.0, 96 * 40.0}));
  EXPECT_EQ(of_fp32[1], (ActionEnergy{"fp32_add", 100, 100, 100 * 10.0, 96 * 10.0}));
  EXPECT_EQ(of_fp32[2].action, "");
}

TEST(OperationAccounting, actions_are_those_of_the_action_table) {
  for (const MacArithmetic& mac : mac_arithmetics()) {
    for (const MacOperation& operation : mac.operations) {
      const auto* const found = std::ranges::find(kActions, operation.action, &ActionInfo::name);
      EXPECT_EQ(found == kActions.end(), operation.action.empty()) << operation.action;
      if (found != kActions.end()) {
        EXPECT_EQ(found->member, operation.fired) << operation.action;
      }
    }
  }
}

TEST(OperationAccounting, charges_every_mac_on_both_sides_whatever_was_gated) {
  const std::vector<TestGemm> dense = {gemm("000-fc", "forward", 100, 0)};
  const std::vector<TestGemm> sparse = {gemm("000-fc", "forward", 100, 90)};
  const UnitEnergyTable table = table_of(kSmallTable);
  for (const char* machine : {"mf_mac", "fp32_mac"}) {
    EXPECT_EQ(price_operations(table, dense).total(machine).total_pj(),
              price_operations(table, sparse).total(machine).total_pj());
  }
}

TEST(OperationAccounting, zeros_gated_takes_the_same_macs_off_both_sides) {
  const std::vector<TestGemm> gemms = {gemm("000-fc", "forward", 100, 90)};
  const PricedWork energy = price_operations(table_of(kSmallTable), gemms);
  EXPECT_DOUBLE_EQ(*energy.total("mf_mac").total_zeros_gated_pj(), 10 * 6.75);
  EXPECT_DOUBLE_EQ(*energy.total("fp32_mac").total_zeros_gated_pj(), 10 * 50.0);
  EXPECT_DOUBLE_EQ(energy.total("fp32_mac").by_action[0].zeros_gated_pj, 10 * 40.0);
  expect_close(energy.reduction("fp32_mac", true).value(), energy.reduction("fp32_mac").value());
  expect_close(energy.reduction(kFp32Multiplier, true).value(),
               energy.reduction(kFp32Multiplier).value());
}

// --- edges ---

TEST(OperationAccounting, without_macs_there_is_no_reduction) {
  const std::vector<TestGemm> empty = {gemm("000-fc", "forward", 0)};
  for (const std::vector<TestGemm>& gemms : {std::vector<TestGemm>{}, empty}) {
    const PricedWork energy = price_operations(shipped("paper-2302.14458"), gemms);
    EXPECT_EQ(energy.total("mf_mac").total_pj(), 0.0);
    EXPECT_FALSE(energy.reduction("fp32_mac"));
    EXPECT_FALSE(energy.reduction(kFp32Multiplier));
    EXPECT_FALSE(method(energy, "mf_mac").per_mac_pj);
    EXPECT_FALSE(method(energy, "int8_mac").reduction);
    EXPECT_FALSE(method(energy, "int8_mac").mf_mac_saves);
    expect_close(method(energy, "int8_mac").per_mac_pj.value(), 0.33);
  }
}

TEST(OperationAccounting, a_trace_of_zeros_alone_has_no_reduction_once_gated) {
  const std::vector<TestGemm> gemms = {gemm("000-fc", "forward", 8, 8)};
  const PricedWork energy = price_operations(shipped("paper-2302.14458"), gemms);
  EXPECT_TRUE(energy.reduction("fp32_mac"));
  EXPECT_FALSE(energy.reduction("fp32_mac", true));
}

TEST(OperationAccounting, more_zero_macs_than_macs_is_a_fault_of_the_caller) {
  TestGemm wrong = gemm("000-fc", "forward", 8, 8);
  wrong.mf_mac.zero_operand_macs = 9;
  EXPECT_THROW(price_operations(table_of(kSmallTable), {wrong}), std::invalid_argument);
}

TEST(OperationAccounting, a_table_without_a_needed_entry_is_refused) {
  const std::vector<TestGemm> gemms = {gemm("000-fc", "forward", 8)};
  for (const std::string entry : {"sign_xor", "fp32_multiply", "fp32_add"}) {
    // One entry of the small table stands on one line.
    std::string text = kSmallTable;
    const std::size_t start = text.find("  " + entry);
    text.erase(start, text.find('\n', start) + 1 - start);
    EXPECT_THAT(input_error_of([&] { price_operations(table_of(text), gemms); }),
                HasSubstr("table 'small', key 'entries." + entry + "': is missing"));
  }
  const std::string no_rule = small_table_with(", outside: proportional", "");
  EXPECT_THAT(input_error_of([&] { price_operations(table_of(no_rule), gemms); }),
              HasSubstr("'entries.integer_add.4': is missing"));
}

TEST(OperationAccounting, a_side_row_without_its_entry_is_absent_by_name) {
  const std::vector<TestGemm> gemms = {gemm("000-fc", "forward", 8)};
  const PricedWork tpu = price_operations(shipped("tpuv4i-7nm"), gemms);
  EXPECT_EQ(method(tpu, "int8_mac").missing_entry, "");
  EXPECT_EQ(method(tpu, "int4_mac").missing_entry, "integer_multiply.4");
  EXPECT_FALSE(method(tpu, "int4_mac").per_mac_pj);
  EXPECT_FALSE(method(tpu, "int4_mac").total_pj);
  EXPECT_FALSE(method(tpu, "int4_mac").reduction);
  EXPECT_FALSE(method(tpu, "int4_mac").mf_mac_saves);

  // An adder of 32 bits that is neither listed nor derivable.
  TestGemm narrow = gemm("000-fc", "forward", 8);
  narrow.mf_mac.exponent_bits = 8;
  narrow.mf_mac.accumulator_bits = 16;
  const std::string text = small_table_with(", outside: proportional", "") +
                           "  integer_multiply: {8: {value: 1, certainty: read, source: s}}\n";
  const PricedWork energy = price_operations(table_of(text), {narrow});
  EXPECT_EQ(method(energy, "int8_mac").missing_entry, "integer_add.32");
}

TEST(OperationAccounting, method_rows_stand_in_a_fixed_order) {
  std::vector<std::string_view> names;
  const PricedWork energy = price_operations(table_of(kSmallTable), {});
  for (const MethodEnergy& row : energy.methods) {
    names.push_back(row.name);
  }
  EXPECT_THAT(names, ElementsAre("fp32_mac", "fp32_multiplier", "fp16_mac", "bf16_mac", "fp8_mac",
                                 "int8_mac", "int4_mac", "mf_mac", "mf_mac_shift_int4_3",
                                 "mf_mac_shift_int32_4"));
}

TEST(OperationAccounting, mf_mac_that_takes_more_than_a_row_saves_a_negative_share) {
  TestGemm wide = gemm("000-fc", "forward", 8);
  wide.mf_mac.accumulator_bits = 64;
  const PricedWork energy = price_operations(shipped("paper-2302.14458"), {wide});
  EXPECT_LT(method(energy, "int4_mac").mf_mac_saves.value(), 0.0);
}

// --- properties over random activity ---

std::vector<TestGemm> random_gemms() {
  std::vector<TestGemm> gemms;
  const int count = *rc::gen::inRange(0, 30);
  for (int i = 0; i < count; ++i) {
    const auto macs = *rc::gen::inRange<std::uint64_t>(0, std::uint64_t{1} << 40U);
    const auto zeros = *rc::gen::inRange<std::uint64_t>(0, macs + 1);
    TestGemm activity = gemm(
        "layer-" + std::to_string(*rc::gen::inRange(0, 6)),
        *rc::gen::element<std::string>("forward", "backward-data", "backward-weight"), macs, zeros);
    activity.mf_mac.exponent_bits = *rc::gen::inRange(2, 8);
    activity.mf_mac.accumulator_bits = *rc::gen::inRange(16, 65);
    gemms.push_back(activity);
  }
  return gemms;
}

UnitEnergyTable random_table() {
  return shipped(*rc::gen::element<std::string>("paper-2302.14458", "horowitz-45nm", "tpuv4i-7nm"));
}

void assert_adds_up(const std::vector<EnergyRow>& rows, const EnergyRow& total) {
  std::uint64_t macs = 0;
  double pj = 0.0;
  double gated_pj = 0.0;
  for (const EnergyRow& row : rows) {
    macs += row.macs;
    pj += row.total_pj();
    gated_pj += *row.total_zeros_gated_pj();
  }
  RC_ASSERT(macs == total.macs);
  RC_ASSERT(close_to(pj, total.total_pj()));
  RC_ASSERT(close_to(gated_pj, *total.total_zeros_gated_pj()));
}

void assert_actions_add_up(const EnergyRow& row) {
  double pj = 0.0;
  for (const ActionEnergy& action : row.by_action) {
    RC_ASSERT(action.charged == (action.action.empty() ? 0 : row.macs));
    pj += action.pj;
  }
  RC_ASSERT(close_to(pj, row.total_pj()));
}

RC_GTEST_PROP(OperationAccountingProperty, actions_gemms_layers_and_passes_sum_to_the_total, ()) {
  const std::vector<TestGemm> gemms = random_gemms();
  const PricedWork energy = price_operations(random_table(), gemms);
  for (const EnergyReport& report : energy.reports) {
    RC_ASSERT(report.by_gemm.size() == gemms.size());
    assert_actions_add_up(report.total);
    for (const auto* rows : {&report.by_gemm, &report.by_layer, &report.by_pass}) {
      assert_adds_up(*rows, report.total);
      for (const EnergyRow& row : *rows) {
        assert_actions_add_up(row);
      }
    }
  }
}

RC_GTEST_PROP(OperationAccountingProperty, gating_never_adds_energy_and_reductions_stay_below_one,
              ()) {
  const PricedWork energy = price_operations(random_table(), random_gemms());
  for (const EnergyReport& report : energy.reports) {
    for (const EnergyRow& row : report.by_gemm) {
      RC_ASSERT(*row.total_zeros_gated_pj() <= row.total_pj());
    }
  }
  const auto reduction = energy.reduction("fp32_mac");
  RC_ASSERT(reduction.has_value() == (energy.total("mf_mac").macs > 0));
  if (reduction) {
    RC_ASSERT(*reduction > *energy.reduction(kFp32Multiplier));
    RC_ASSERT(*reduction < 1.0);
  }
}

RC_GTEST_PROP(OperationAccountingProperty, equal_input_gives_equal_bits, ()) {
  const std::vector<TestGemm> gemms = random_gemms();
  const UnitEnergyTable table = random_table();
  const PricedWork once = price_operations(table, gemms);
  const PricedWork again = price_operations(table, gemms);
  for (std::size_t i = 0; i < once.reports.size(); ++i) {
    RC_ASSERT(once.reports[i].total == again.reports[i].total);
    RC_ASSERT(once.reports[i].by_gemm == again.reports[i].by_gemm);
    RC_ASSERT(once.reports[i].by_layer == again.reports[i].by_layer);
    RC_ASSERT(once.reports[i].by_pass == again.reports[i].by_pass);
    RC_ASSERT(once.reports[i].unit_energies == again.reports[i].unit_energies);
  }
  RC_ASSERT(once.methods == again.methods);
}

// Passes that are alike may stand in the work once: the total is the same, bit for bit.
RC_GTEST_PROP(OperationAccountingProperty, the_order_alone_decides_the_total, ()) {
  const std::vector<TestGemm> gemms = random_gemms();
  RC_PRE(!gemms.empty());
  const UnitEnergyTable table = random_table();
  std::vector<std::size_t> order(*rc::gen::inRange<std::size_t>(0, 60));
  std::vector<TestGemm> written_out;
  MachineWork work{"mf_mac", "mf_mac", {}, {}, {}};
  for (const TestGemm& one : gemms) {
    const CountedPass& pass = one.mf_mac;
    work.passes.push_back({pass.macs, pass.zero_operand_macs, pass.exponent_bits,
                           pass.accumulator_bits, pass.cycles, &pass.actions, &pass.toggles,
                           &pass.memory});
  }
  for (std::size_t& pass : order) {
    pass = *rc::gen::inRange<std::size_t>(0, gemms.size());
    written_out.push_back(gemms[pass]);
  }
  const EnergyReport once = price(operation_accounting(), table, work, {order, {}});
  RC_ASSERT(once.total == price_operations(table, written_out).total("mf_mac"));
  RC_ASSERT(once.by_gemm.empty());
}

}  // namespace
}  // namespace potomac::energy
