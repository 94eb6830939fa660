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

GemmActivity gemm(std::string layer, std::string pass, std::uint64_t macs,
                  std::uint64_t zero_operand_macs = 0) {
  GemmActivity activity;
  activity.layer = std::move(layer);
  activity.pass = std::move(pass);
  activity.macs = macs;
  activity.baseline_macs = macs;
  activity.zero_operand_macs = zero_operand_macs;
  activity.mf_mac.exponent_add = macs - zero_operand_macs;
  activity.mf_mac.sign_xor = macs - zero_operand_macs;
  activity.mf_mac.accumulate = macs - zero_operand_macs;
  activity.mf_mac.gated_mac = zero_operand_macs;
  activity.fp32_mac.fp32_multiply = macs;
  activity.fp32_mac.fp32_add = macs;
  return activity;
}

const MethodEnergy& method(const OperationEnergy& energy, std::string_view name) {
  const auto found = std::ranges::find(energy.methods, name, &MethodEnergy::name);
  if (found == energy.methods.end()) {
    throw std::logic_error("no such method");
  }
  return *found;
}

// --- the source paper's figures ---

TEST(OperationAccounting, paper_table_gives_96_63_percent_of_the_mac_and_95_81_of_the_multiplier) {
  const std::vector<GemmActivity> gemms = {gemm("000-fc", "forward", 1'000'003)};
  const OperationEnergy energy = price_operations(shipped("paper-2302.14458"), gemms);
  const double mf_mac_pj = 0.015 + 0.14;  // INT4 add + INT32 add
  const Comparison& total = energy.total.every_mac;
  expect_close(total.mf_mac_pj, mf_mac_pj * 1'000'003);
  expect_close(total.fp32_mac_pj, (3.7 + 0.9) * 1'000'003);
  expect_close(total.fp32_multiplier_pj, 3.7 * 1'000'003);
  expect_close(total.reduction.value(), 1.0 - mf_mac_pj / 4.6);
  expect_close(total.reduction_vs_multiplier.value(), 1.0 - mf_mac_pj / 3.7);
  EXPECT_NEAR(*total.reduction, 0.9663, 0.00005);
  EXPECT_NEAR(*total.reduction_vs_multiplier, 0.9581, 0.00005);
}

TEST(OperationAccounting, aligning_the_product_by_the_papers_own_shifts_takes_most_of_it_back) {
  const std::vector<GemmActivity> gemms = {gemm("000-fc", "forward", 1000)};
  const OperationEnergy energy = price_operations(shipped("paper-2302.14458"), gemms);
  const MethodEnergy& narrow = method(energy, "mf_mac_shift_int4_3");
  expect_close(narrow.per_mac_pj.value(), 0.155 + 0.081);
  EXPECT_NEAR(*narrow.reduction, 0.949, 0.0005);
  const MethodEnergy& wide = method(energy, "mf_mac_shift_int32_4");
  expect_close(wide.per_mac_pj.value(), 0.155 + 0.96);
  EXPECT_NEAR(*wide.reduction, 0.758, 0.0005);
  EXPECT_GT(*wide.per_mac_pj, 3 * method(energy, "int8_mac").per_mac_pj.value());
  // Horowitz lists no shift.
  const OperationEnergy other = price_operations(shipped("horowitz-45nm"), gemms);
  EXPECT_EQ(method(other, "mf_mac_shift_int4_3").missing_entry, "shift_int4_3");
}

TEST(OperationAccounting, narrow_floats_are_summed_in_binary32) {
  const std::vector<GemmActivity> gemms = {gemm("000-fc", "forward", 1000)};
  const OperationEnergy paper = price_operations(shipped("paper-2302.14458"), gemms);
  expect_close(method(paper, "fp8_mac").per_mac_pj.value(), 0.23 + 0.9);
  EXPECT_EQ(method(paper, "bf16_mac").missing_entry, "bf16_multiply");
  const OperationEnergy horowitz = price_operations(shipped("horowitz-45nm"), gemms);
  expect_close(method(horowitz, "fp16_mac").per_mac_pj.value(), 1.1 + 0.9);
  const OperationEnergy tpu = price_operations(shipped("tpuv4i-7nm"), gemms);
  expect_close(method(tpu, "bf16_mac").per_mac_pj.value(), 0.21 + 0.38);
  expect_close(method(tpu, "fp16_mac").per_mac_pj.value(), 0.34 + 0.38);
}

TEST(OperationAccounting, mf_mac_saves_53_percent_of_int8_and_18_of_int4_in_the_paper_table) {
  const std::vector<GemmActivity> gemms = {gemm("000-fc", "forward", 1000)};
  const OperationEnergy energy = price_operations(shipped("paper-2302.14458"), gemms);
  expect_close(method(energy, "int8_mac").per_mac_pj.value(), 0.33);
  expect_close(method(energy, "int4_mac").per_mac_pj.value(), 0.188);
  EXPECT_NEAR(method(energy, "int8_mac").mf_mac_saves.value(), 0.53, 0.005);
  EXPECT_NEAR(method(energy, "int4_mac").mf_mac_saves.value(), 0.18, 0.005);
  expect_close(method(energy, "int8_mac").mf_mac_saves.value(), 1.0 - 0.155 / 0.33);
  expect_close(method(energy, "int4_mac").reduction.value(), 1.0 - 0.188 / 4.6);
}

TEST(OperationAccounting, horowitz_by_hand) {
  const std::vector<GemmActivity> gemms = {gemm("000-fc", "forward", 10)};
  const OperationEnergy energy = price_operations(shipped("horowitz-45nm"), gemms);
  // No INT4 adder there: half of the INT8 one, by the table's rule. The XOR is its eighth.
  expect_close(energy.total.every_mac.mf_mac_pj, 10 * (0.015 + 0.00375 + 0.1));
  expect_close(energy.total.every_mac.fp32_mac_pj, 10 * 4.6);
}

TEST(OperationAccounting, tpuv4i_by_hand) {
  const std::vector<GemmActivity> gemms = {gemm("000-fc", "forward", 10)};
  const OperationEnergy energy = price_operations(shipped("tpuv4i-7nm"), gemms);
  expect_close(energy.total.every_mac.mf_mac_pj, 10 * (0.0035 + 0.000875 + 0.03));
  expect_close(energy.total.every_mac.fp32_mac_pj, 10 * 1.69);
}

// --- heading and unit energies ---

TEST(OperationAccounting, names_table_accounting_unit_and_node) {
  const OperationEnergy energy = price_operations(shipped("horowitz-45nm"), {});
  EXPECT_EQ(energy.table, "horowitz-45nm");
  EXPECT_EQ(energy.accounting, "operation");
  EXPECT_EQ(energy.unit, "pJ");
  EXPECT_EQ(energy.node, "45 nm");
}

TEST(OperationAccounting, shows_every_number_used_once_and_marks_the_derived_ones) {
  GemmActivity wide = gemm("001-fc", "forward", 5);
  wide.exponent_bits = 5;
  wide.accumulator_bits = 24;
  const std::vector<GemmActivity> gemms = {gemm("000-fc", "forward", 5), wide, wide};
  const OperationEnergy energy = price_operations(shipped("paper-2302.14458"), gemms);
  std::vector<std::string> names;
  std::vector<std::string> derived;
  for (const UnitEnergy& unit : energy.unit_energies) {
    names.push_back(unit.entry);
    if (unit.derived()) {
      derived.push_back(unit.entry);
    }
  }
  EXPECT_THAT(
      names, ElementsAre("sign_xor", "fp32_multiply", "fp32_add", "integer_add.4", "integer_add.32",
                         "integer_add.5", "integer_add.24", "fp8_multiply", "integer_multiply.8",
                         "integer_multiply.4", "shift_int4_3", "shift_int32_4"));
  EXPECT_THAT(derived, ElementsAre("integer_add.5", "integer_add.24"));
}

TEST(OperationAccounting, prices_each_gemm_at_its_own_widths_and_fp32_always_at_binary32) {
  GemmActivity last = gemm("001-fc", "backward-data", 100);
  last.exponent_bits = 5;
  last.accumulator_bits = 64;
  const std::vector<GemmActivity> gemms = {gemm("000-fc", "forward", 100), last};
  const OperationEnergy energy = price_operations(shipped("paper-2302.14458"), gemms);
  expect_close(energy.by_gemm[0].every_mac.mf_mac_pj, 100 * 0.155);
  expect_close(energy.by_gemm[1].every_mac.mf_mac_pj, 100 * (0.01875 + 0.28));
  expect_close(energy.by_gemm[1].every_mac.fp32_mac_pj, 460.0);
  expect_close(method(energy, "mf_mac").per_mac_pj.value(), (0.155 + 0.29875) / 2);
}

// --- rows ---

TEST(OperationAccounting, sums_by_action_by_layer_and_by_pass) {
  const std::vector<GemmActivity> gemms = {
      gemm("000-conv", "forward", 10, 4), gemm("000-conv", "backward-weight", 20),
      gemm("001-fc", "forward", 30), gemm("001-fc", "backward-weight", 40)};
  const OperationEnergy energy = price_operations(table_of(kSmallTable), gemms);
  const double mf = 0.5 + 0.25 + 6.0;  // widths 4 and 32 of the small table, and its XOR

  ASSERT_EQ(energy.by_gemm.size(), 4U);
  EXPECT_EQ(energy.by_gemm[1].layer, "000-conv");
  EXPECT_EQ(energy.by_gemm[1].pass, "backward-weight");

  ASSERT_EQ(energy.by_layer.size(), 2U);
  EXPECT_EQ(energy.by_layer[0].layer, "000-conv");
  EXPECT_EQ(energy.by_layer[0].pass, "");
  EXPECT_EQ(energy.by_layer[0].every_mac.macs, 30U);
  EXPECT_DOUBLE_EQ(energy.by_layer[0].every_mac.mf_mac_pj, 30 * mf);
  EXPECT_DOUBLE_EQ(energy.by_layer[1].every_mac.fp32_mac_pj, 70 * 50.0);

  ASSERT_EQ(energy.by_pass.size(), 2U);
  EXPECT_EQ(energy.by_pass[0].pass, "forward");
  EXPECT_EQ(energy.by_pass[0].layer, "");
  EXPECT_EQ(energy.by_pass[0].every_mac.macs, 40U);
  EXPECT_EQ(energy.by_pass[0].zeros_gated->macs, 36U);
  EXPECT_DOUBLE_EQ(energy.by_pass[1].every_mac.mf_mac_pj, 60 * mf);

  ASSERT_EQ(energy.total.by_action.size(), 5U);
  EXPECT_EQ(energy.total.by_action[0], (ActionEnergy{"exponent_add", 100, 96, 100 * 0.5, 0.0}));
  EXPECT_EQ(energy.total.by_action[1], (ActionEnergy{"sign_xor", 100, 96, 100 * 0.25, 0.0}));
  EXPECT_EQ(energy.total.by_action[2], (ActionEnergy{"accumulate", 100, 96, 100 * 6.0, 0.0}));
  EXPECT_EQ(energy.total.by_action[3], (ActionEnergy{"fp32_multiply", 100, 100, 0.0, 100 * 40.0}));
  EXPECT_EQ(energy.total.by_action[4], (ActionEnergy{"fp32_add", 100, 100, 0.0, 100 * 10.0}));
}

TEST(OperationAccounting, actions_are_those_of_the_action_table) {
  const std::vector<GemmActivity> none;
  for (const ActionEnergy& row : price_operations(table_of(kSmallTable), none).total.by_action) {
    EXPECT_NE(std::ranges::find(kActions, row.action, &ActionInfo::name), kActions.end())
        << row.action;
  }
}

TEST(OperationAccounting, charges_every_mac_on_both_sides_whatever_was_gated) {
  const std::vector<GemmActivity> dense = {gemm("000-fc", "forward", 100, 0)};
  const std::vector<GemmActivity> sparse = {gemm("000-fc", "forward", 100, 90)};
  const UnitEnergyTable table = table_of(kSmallTable);
  EXPECT_EQ(price_operations(table, dense).total.every_mac,
            price_operations(table, sparse).total.every_mac);
}

TEST(OperationAccounting, zeros_gated_takes_the_same_macs_off_both_sides) {
  const std::vector<GemmActivity> gemms = {gemm("000-fc", "forward", 100, 90)};
  const OperationEnergy energy = price_operations(table_of(kSmallTable), gemms);
  const Comparison& gated = *energy.total.zeros_gated;
  EXPECT_EQ(gated.macs, 10U);
  EXPECT_DOUBLE_EQ(gated.mf_mac_pj, 10 * 6.75);
  EXPECT_DOUBLE_EQ(gated.fp32_mac_pj, 10 * 50.0);
  EXPECT_DOUBLE_EQ(gated.fp32_multiplier_pj, 10 * 40.0);
  expect_close(gated.reduction.value(), energy.total.every_mac.reduction.value());
}

// --- edges ---

TEST(OperationAccounting, without_macs_there_is_no_reduction) {
  const std::vector<GemmActivity> empty = {gemm("000-fc", "forward", 0)};
  for (const std::vector<GemmActivity>& gemms : {std::vector<GemmActivity>{}, empty}) {
    const OperationEnergy energy = price_operations(shipped("paper-2302.14458"), gemms);
    EXPECT_EQ(energy.total.every_mac.mf_mac_pj, 0.0);
    EXPECT_FALSE(energy.total.every_mac.reduction);
    EXPECT_FALSE(energy.total.every_mac.reduction_vs_multiplier);
    EXPECT_FALSE(method(energy, "mf_mac").per_mac_pj);
    EXPECT_FALSE(method(energy, "int8_mac").reduction);
    EXPECT_FALSE(method(energy, "int8_mac").mf_mac_saves);
    expect_close(method(energy, "int8_mac").per_mac_pj.value(), 0.33);
  }
}

TEST(OperationAccounting, a_trace_of_zeros_alone_has_no_reduction_once_gated) {
  const std::vector<GemmActivity> gemms = {gemm("000-fc", "forward", 8, 8)};
  const OperationEnergy energy = price_operations(shipped("paper-2302.14458"), gemms);
  EXPECT_TRUE(energy.total.every_mac.reduction);
  EXPECT_FALSE(energy.total.zeros_gated->reduction);
}

TEST(OperationAccounting, more_zero_macs_than_macs_is_a_fault_of_the_caller) {
  GemmActivity wrong = gemm("000-fc", "forward", 8, 8);
  wrong.zero_operand_macs = 9;
  EXPECT_THROW(price_operations(table_of(kSmallTable), {&wrong, 1}), std::invalid_argument);
}

TEST(OperationAccounting, a_table_without_a_needed_entry_is_refused) {
  const std::vector<GemmActivity> gemms = {gemm("000-fc", "forward", 8)};
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
  const std::vector<GemmActivity> gemms = {gemm("000-fc", "forward", 8)};
  const OperationEnergy tpu = price_operations(shipped("tpuv4i-7nm"), gemms);
  EXPECT_EQ(method(tpu, "int8_mac").missing_entry, "");
  EXPECT_EQ(method(tpu, "int4_mac").missing_entry, "integer_multiply.4");
  EXPECT_FALSE(method(tpu, "int4_mac").per_mac_pj);
  EXPECT_FALSE(method(tpu, "int4_mac").total_pj);
  EXPECT_FALSE(method(tpu, "int4_mac").reduction);
  EXPECT_FALSE(method(tpu, "int4_mac").mf_mac_saves);

  // An adder of 32 bits that is neither listed nor derivable.
  GemmActivity narrow = gemm("000-fc", "forward", 8);
  narrow.exponent_bits = 8;
  narrow.accumulator_bits = 16;
  const std::string text = small_table_with(", outside: proportional", "") +
                           "  integer_multiply: {8: {value: 1, certainty: read, source: s}}\n";
  const OperationEnergy energy = price_operations(table_of(text), {&narrow, 1});
  EXPECT_EQ(method(energy, "int8_mac").missing_entry, "integer_add.32");
}

TEST(OperationAccounting, method_rows_stand_in_a_fixed_order) {
  std::vector<std::string_view> names;
  for (const MethodEnergy& row : price_operations(table_of(kSmallTable), {}).methods) {
    names.push_back(row.name);
  }
  EXPECT_THAT(names, ElementsAre("fp32_mac", "fp32_multiplier", "fp16_mac", "bf16_mac", "fp8_mac",
                                 "int8_mac", "int4_mac", "mf_mac", "mf_mac_shift_int4_3",
                                 "mf_mac_shift_int32_4"));
}

TEST(OperationAccounting, mf_mac_that_takes_more_than_a_row_saves_a_negative_share) {
  GemmActivity wide = gemm("000-fc", "forward", 8);
  wide.accumulator_bits = 64;
  const OperationEnergy energy = price_operations(shipped("paper-2302.14458"), {&wide, 1});
  EXPECT_LT(method(energy, "int4_mac").mf_mac_saves.value(), 0.0);
}

// --- properties over random activity ---

std::vector<GemmActivity> random_gemms() {
  std::vector<GemmActivity> gemms;
  const int count = *rc::gen::inRange(0, 30);
  for (int i = 0; i < count; ++i) {
    const auto macs = *rc::gen::inRange<std::uint64_t>(0, std::uint64_t{1} << 40U);
    const auto zeros = *rc::gen::inRange<std::uint64_t>(0, macs + 1);
    GemmActivity activity = gemm(
        "layer-" + std::to_string(*rc::gen::inRange(0, 6)),
        *rc::gen::element<std::string>("forward", "backward-data", "backward-weight"), macs, zeros);
    activity.exponent_bits = *rc::gen::inRange(2, 8);
    activity.accumulator_bits = *rc::gen::inRange(16, 65);
    gemms.push_back(activity);
  }
  return gemms;
}

UnitEnergyTable random_table() {
  return shipped(*rc::gen::element<std::string>("paper-2302.14458", "horowitz-45nm", "tpuv4i-7nm"));
}

void assert_adds_up(const std::vector<EnergyRow>& rows, const EnergyRow& total) {
  EnergyRow sum;
  for (const EnergyRow& row : rows) {
    sum.every_mac.macs += row.every_mac.macs;
    sum.every_mac.mf_mac_pj += row.every_mac.mf_mac_pj;
    sum.every_mac.fp32_mac_pj += row.every_mac.fp32_mac_pj;
    sum.every_mac.fp32_multiplier_pj += row.every_mac.fp32_multiplier_pj;
    sum.zeros_gated->macs += row.zeros_gated->macs;
    sum.zeros_gated->mf_mac_pj += row.zeros_gated->mf_mac_pj;
    sum.zeros_gated->fp32_mac_pj += row.zeros_gated->fp32_mac_pj;
  }
  RC_ASSERT(sum.every_mac.macs == total.every_mac.macs);
  RC_ASSERT(sum.zeros_gated->macs == total.zeros_gated->macs);
  RC_ASSERT(close_to(sum.every_mac.mf_mac_pj, total.every_mac.mf_mac_pj));
  RC_ASSERT(close_to(sum.every_mac.fp32_mac_pj, total.every_mac.fp32_mac_pj));
  RC_ASSERT(close_to(sum.every_mac.fp32_multiplier_pj, total.every_mac.fp32_multiplier_pj));
  RC_ASSERT(close_to(sum.zeros_gated->mf_mac_pj, total.zeros_gated->mf_mac_pj));
  RC_ASSERT(close_to(sum.zeros_gated->fp32_mac_pj, total.zeros_gated->fp32_mac_pj));
}

void assert_actions_add_up(const EnergyRow& row) {
  double mf_mac_pj = 0.0;
  double fp32_mac_pj = 0.0;
  for (const ActionEnergy& action : row.by_action) {
    RC_ASSERT(action.charged == row.every_mac.macs);
    mf_mac_pj += action.mf_mac_pj;
    fp32_mac_pj += action.fp32_mac_pj;
  }
  RC_ASSERT(close_to(mf_mac_pj, row.every_mac.mf_mac_pj));
  RC_ASSERT(close_to(fp32_mac_pj, row.every_mac.fp32_mac_pj));
}

RC_GTEST_PROP(OperationAccountingProperty, actions_gemms_layers_and_passes_sum_to_the_total, ()) {
  const std::vector<GemmActivity> gemms = random_gemms();
  const OperationEnergy energy = price_operations(random_table(), gemms);
  RC_ASSERT(energy.by_gemm.size() == gemms.size());
  assert_adds_up(energy.by_gemm, energy.total);
  assert_adds_up(energy.by_layer, energy.total);
  assert_adds_up(energy.by_pass, energy.total);
  assert_actions_add_up(energy.total);
  for (const auto* rows : {&energy.by_gemm, &energy.by_layer, &energy.by_pass}) {
    for (const EnergyRow& row : *rows) {
      assert_actions_add_up(row);
    }
  }
}

RC_GTEST_PROP(OperationAccountingProperty, gating_never_adds_energy_and_reductions_stay_below_one,
              ()) {
  const OperationEnergy energy = price_operations(random_table(), random_gemms());
  for (const EnergyRow& row : energy.by_gemm) {
    RC_ASSERT(row.zeros_gated->mf_mac_pj <= row.every_mac.mf_mac_pj);
    RC_ASSERT(row.zeros_gated->fp32_mac_pj <= row.every_mac.fp32_mac_pj);
    RC_ASSERT(row.every_mac.reduction.has_value() == (row.every_mac.macs > 0));
    if (row.every_mac.reduction) {
      RC_ASSERT(*row.every_mac.reduction > *row.every_mac.reduction_vs_multiplier);
      RC_ASSERT(*row.every_mac.reduction < 1.0);
    }
    if (row.zeros_gated->reduction) {
      RC_ASSERT(close_to(*row.zeros_gated->reduction, *row.every_mac.reduction));
    }
  }
}

RC_GTEST_PROP(OperationAccountingProperty, equal_input_gives_equal_bits, ()) {
  const std::vector<GemmActivity> gemms = random_gemms();
  const UnitEnergyTable table = random_table();
  const OperationEnergy once = price_operations(table, gemms);
  const OperationEnergy again = price_operations(table, gemms);
  RC_ASSERT(once.total == again.total);
  RC_ASSERT(once.by_gemm == again.by_gemm);
  RC_ASSERT(once.by_layer == again.by_layer);
  RC_ASSERT(once.by_pass == again.by_pass);
  RC_ASSERT(once.methods == again.methods);
  RC_ASSERT(once.unit_energies == again.unit_energies);
}

}  // namespace
}  // namespace potomac::energy
