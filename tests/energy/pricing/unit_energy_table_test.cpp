// Unit-energy tables: what is read, what is refused and how, and the rule for widths on both edges.
#include "energy/pricing/unit_energy_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "support/error.hpp"
#include "tests/energy/pricing/test_tables.hpp"

namespace potomac::energy {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

std::string refusal_of(const std::string& text) {
  return input_error_of([&] { table_of(text); });
}

TEST(UnitEnergyTable, reads_its_heading) {
  const UnitEnergyTable table = table_of(kSmallTable);
  EXPECT_EQ(table.file(), "small.yaml");
  EXPECT_EQ(table.name(), "small");
  EXPECT_EQ(table.title(), "A small table");
  EXPECT_EQ(table.unit(), "pJ");
  EXPECT_EQ(table.node(), "1 nm");
  EXPECT_EQ(table.source(), "the tests");
}

TEST(UnitEnergyTable, lists_numbers_in_the_order_of_the_catalogue) {
  const UnitEnergyTable table = table_of(kSmallTable);
  std::vector<std::string> names;
  for (const UnitEnergy& energy : table.listed()) {
    names.push_back(energy.entry);
  }
  EXPECT_THAT(names, ElementsAre("integer_add.8", "integer_add.16", "sign_xor", "fp32_multiply",
                                 "fp32_add"));
}

TEST(UnitEnergyTable, a_number_carries_source_certainty_and_note) {
  const UnitEnergy energy = table_of(kSmallTable).require("sign_xor");
  EXPECT_EQ(energy.energy_pj, 0.25);
  EXPECT_EQ(name_of(energy.certainty), "assumed");
  EXPECT_EQ(energy.source, "nobody");
  EXPECT_EQ(energy.note, "a guess");
  EXPECT_FALSE(energy.derived());
}

TEST(UnitEnergyTable, reads_capacities_and_ranges) {
  const UnitEnergyTable table =
      table_of(kSmallTable + "  sram_access_64: {32: {value: 5, certainty: read, source: s}}\n" +
               "  dram_access_64: {low: {value: 7, certainty: read, source: s}, " +
               "high: {value: 9, certainty: read, source: s}}\n");
  EXPECT_EQ(table.require("sram_access_64.32").energy_pj, 5.0);
  EXPECT_EQ(table.require("dram_access_64.low").energy_pj, 7.0);
  EXPECT_EQ(table.require("dram_access_64.high").energy_pj, 9.0);
}

// --- widths ---

TEST(WidthRule, a_listed_width_is_taken_as_it_is) {
  const UnitEnergy energy = table_of(kSmallTable).require_integer_add(16);
  EXPECT_EQ(energy.energy_pj, 3.0);
  EXPECT_FALSE(energy.derived());
}

TEST(WidthRule, is_linear_between_listed_widths) {
  const UnitEnergyTable table = table_of(kSmallTable);
  EXPECT_EQ(table.require_integer_add(9).entry, "integer_add.9");
  EXPECT_DOUBLE_EQ(table.require_integer_add(9).energy_pj, 1.25);
  EXPECT_DOUBLE_EQ(table.require_integer_add(12).energy_pj, 2.0);
  EXPECT_DOUBLE_EQ(table.require_integer_add(15).energy_pj, 2.75);
}

TEST(WidthRule, is_proportional_below_the_narrowest_and_above_the_widest) {
  const UnitEnergyTable table = table_of(kSmallTable);
  EXPECT_DOUBLE_EQ(table.require_integer_add(1).energy_pj, 0.125);
  EXPECT_DOUBLE_EQ(table.require_integer_add(7).energy_pj, 0.875);
  EXPECT_DOUBLE_EQ(table.require_integer_add(17).energy_pj, 3.0 * 17 / 16);
  EXPECT_DOUBLE_EQ(table.require_integer_add(64).energy_pj, 12.0);
}

TEST(WidthRule, a_derived_number_says_from_what_and_is_no_surer_than_that) {
  const UnitEnergyTable table = table_of(kSmallTable);
  const UnitEnergy between = table.require_integer_add(12);
  EXPECT_TRUE(between.derived());
  EXPECT_THAT(between.derived_from, ElementsAre("integer_add.8", "integer_add.16"));
  EXPECT_EQ(between.derivation, "linear in width between integer_add.8 and integer_add.16");
  EXPECT_EQ(between.certainty, Certainty::kRecalled);
  EXPECT_EQ(between.source, "eight; sixteen");
  const UnitEnergy outside = table.require_integer_add(4);
  EXPECT_THAT(outside.derived_from, ElementsAre("integer_add.8"));
  EXPECT_EQ(outside.derivation, "proportional to width, from integer_add.8");
  EXPECT_EQ(outside.certainty, Certainty::kRead);
  EXPECT_EQ(outside.source, "eight");
}

TEST(WidthRule, without_it_only_listed_widths_are_there) {
  const UnitEnergyTable table = table_of(
      small_table_with("widths: {integer_add: {between: linear, outside: proportional}}\n", ""));
  EXPECT_EQ(table.require_integer_add(8).energy_pj, 1.0);
  EXPECT_FALSE(table.find_integer_add(7));
  EXPECT_FALSE(table.find_integer_add(9));
  EXPECT_FALSE(table.find_integer_add(17));
  const std::string message = input_error_of([&] { table.require_integer_add(7); });
  EXPECT_THAT(
      message,
      AllOf(StartsWith("small.yaml: table 'small', key 'entries.integer_add.7': is missing"),
            HasSubstr("widths: {integer_add:"), HasSubstr("with its source")));
}

TEST(WidthRule, each_half_stands_alone) {
  const UnitEnergyTable inside = table_of(small_table_with(", outside: proportional", ""));
  EXPECT_TRUE(inside.find_integer_add(9));
  EXPECT_FALSE(inside.find_integer_add(7));
  EXPECT_FALSE(inside.find_integer_add(17));
  const UnitEnergyTable outside = table_of(small_table_with("between: linear, ", ""));
  EXPECT_FALSE(outside.find_integer_add(9));
  EXPECT_TRUE(outside.find_integer_add(7));
  EXPECT_TRUE(outside.find_integer_add(17));
}

TEST(WidthRule, has_nothing_to_derive_from_in_a_table_without_adders) {
  const UnitEnergyTable table = table_of(
      small_table_with("  integer_add:\n    8: {value: 1, certainty: read, source: eight}\n"
                       "    16: {value: 3, certainty: recalled, source: sixteen}\n",
                       ""));
  EXPECT_FALSE(table.find_integer_add(8));
}

TEST(WidthRule, no_adder_is_narrower_than_one_bit) {
  const UnitEnergyTable table = table_of(kSmallTable);
  EXPECT_THROW((void)table.find_integer_add(0), std::invalid_argument);
  EXPECT_THROW((void)table.require_integer_add(-1), std::invalid_argument);
}

RC_GTEST_PROP(WidthRuleProperty, grows_with_width_where_listed_numbers_do, ()) {
  const UnitEnergyTable table = table_of(kSmallTable);
  const int bits = *rc::gen::inRange(1, 128);
  RC_ASSERT(table.require_integer_add(bits).energy_pj <
            table.require_integer_add(bits + 1).energy_pj);
}

// --- what is missing ---

TEST(UnitEnergyTable, a_missing_entry_that_is_needed_is_an_error_and_not_a_zero) {
  const UnitEnergyTable table = table_of(kSmallTable);
  EXPECT_FALSE(table.find("integer_multiply.8"));
  EXPECT_EQ(input_error_of([&] { table.require("integer_multiply.8"); }),
            "small.yaml: table 'small', key 'entries.integer_multiply.8': is missing, and this "
            "pricing needs it; add it with its source, or price with another table");
}

// --- what is refused ---

TEST(UnitEnergyTableRefusal, another_format_or_version) {
  EXPECT_THAT(refusal_of(small_table_with("potomac-unit-energy", "potomac-trace")),
              AllOf(StartsWith("small.yaml: line 1, key 'format': 'potomac-trace'"),
                    HasSubstr("format: potomac-unit-energy")));
  EXPECT_THAT(refusal_of(small_table_with("version: 1", "version: 2")),
              StartsWith("small.yaml: line 2, key 'version': version 2 is not read here"));
  EXPECT_THAT(refusal_of("array: {rows: 16}"), HasSubstr("key 'format' is missing"));
}

TEST(UnitEnergyTableRefusal, any_unit_but_pj) {
  EXPECT_EQ(refusal_of(small_table_with("unit: pJ", "unit: nJ")),
            "small.yaml: line 5, key 'unit': unit 'nJ' is not read here; convert the values to pJ "
            "and write 'unit: pJ'");
  EXPECT_THAT(refusal_of(small_table_with("unit: pJ", "unit: [pJ, fJ]")),
              AllOf(StartsWith("small.yaml: line 5, key 'unit'"), HasSubstr("must be a text")));
  EXPECT_THAT(refusal_of(small_table_with("unit: pJ\n", "")), HasSubstr("key 'unit' is missing"));
}

TEST(UnitEnergyTableRefusal, two_units) {
  EXPECT_THAT(refusal_of(small_table_with("unit: pJ", "unit: pJ\nunit: fJ")),
              StartsWith("small.yaml: line 6, key 'unit': is given twice"));
  EXPECT_THAT(refusal_of(small_table_with("value: 10,", "value: 10, unit: fJ,")),
              StartsWith("small.yaml: line 15, key 'entries.fp32_add.unit': is a second unit"));
}

TEST(UnitEnergyTableRefusal, negative_and_non_finite_numbers) {
  for (const std::string value : {"-0.1", ".inf", "inf", ".nan", "nan", "1e400", "1e10", "ten",
                                  "''", "~", "[1]", "1 pJ", "0x10"}) {
    EXPECT_THAT(refusal_of(small_table_with("value: 10,", "value: " + value + ",")),
                StartsWith("small.yaml: line 15, key 'entries.fp32_add.value'"))
        << value;
  }
}

TEST(UnitEnergyTableRefusal, a_number_without_source_or_certainty) {
  EXPECT_THAT(refusal_of(small_table_with(", source: adder", "")),
              AllOf(StartsWith("small.yaml: line 15, key 'entries.fp32_add'"),
                    HasSubstr("'entries.fp32_add.source' is missing")));
  EXPECT_THAT(refusal_of(small_table_with("source: adder", "source: ' '")),
              AllOf(StartsWith("small.yaml: line 15, key 'entries.fp32_add.source': is empty"),
                    HasSubstr("where the number comes from")));
  EXPECT_THAT(refusal_of(small_table_with("value: 10, certainty: read", "value: 10")),
              HasSubstr("'entries.fp32_add.certainty' is missing"));
  EXPECT_THAT(refusal_of(small_table_with("value: 10, certainty: read", "value: 10, certainty: x")),
              HasSubstr("use one of: read, recalled, assumed"));
  EXPECT_THAT(refusal_of(small_table_with("fp32_add: {value: 10, certainty: read, source: adder}",
                                          "fp32_add: 10")),
              StartsWith("small.yaml: line 15, key 'entries.fp32_add': must be a map"));
}

TEST(UnitEnergyTableRefusal, an_assumed_number_without_a_note) {
  EXPECT_THAT(refusal_of(small_table_with(", note: a guess", "")),
              StartsWith("small.yaml: line 13, key 'entries.sign_xor': is assumed, and has no"));
}

TEST(UnitEnergyTableRefusal, a_heading_that_is_empty_or_missing) {
  for (const std::string line :
       {"name: small\n", "title: A small table\n", "node: 1 nm\n", "source: the tests\n"}) {
    const std::string key = line.substr(0, line.find(':'));
    EXPECT_THAT(refusal_of(small_table_with(line, "")), HasSubstr("'" + key + "' is missing"));
    EXPECT_THAT(refusal_of(small_table_with(line, key + ": ''\n")),
                HasSubstr("key '" + key + "': is empty"));
  }
}

TEST(UnitEnergyTableRefusal, unknown_keys_at_every_depth) {
  EXPECT_THAT(refusal_of(kSmallTable + "extra: 1\n"),
              StartsWith("small.yaml: line 16, key 'extra': is not a known key"));
  EXPECT_THAT(refusal_of(kSmallTable + "  fp32_div: {value: 1, certainty: read, source: s}\n"),
              AllOf(StartsWith("small.yaml: line 16, key 'entries.fp32_div': is not a known entry"),
                    HasSubstr("fp32_multiply")));
  EXPECT_THAT(refusal_of(small_table_with("source: adder", "sauce: adder, source: x")),
              StartsWith("small.yaml: line 15, key 'entries.fp32_add.sauce': is not a known key"));
  EXPECT_THAT(refusal_of(small_table_with("{integer_add: {bet", "{fp32_add: {bet")),
              StartsWith("small.yaml: line 8, key 'widths.fp32_add': is not a known key"));
  EXPECT_THAT(refusal_of(small_table_with("between: linear", "beside: linear")),
              StartsWith("small.yaml: line 8, key 'widths.integer_add.beside'"));
  EXPECT_THAT(refusal_of(small_table_with("between: linear", "between: cubic")),
              HasSubstr("use one of: linear"));
}

TEST(UnitEnergyTableRefusal, an_entry_given_twice) {
  EXPECT_THAT(refusal_of(kSmallTable + "  fp32_add: {value: 1, certainty: read, source: s}\n"),
              StartsWith("small.yaml: line 16, key 'entries.fp32_add': is given twice"));
  EXPECT_THAT(refusal_of(small_table_with("    16:", "    8:")), HasSubstr("is given twice"));
}

TEST(UnitEnergyTableRefusal, a_width_or_capacity_that_is_none) {
  for (const std::string width : {"0", "-8", "08", "129", "8.0", "eight", "99999999999999999999"}) {
    EXPECT_THAT(refusal_of(small_table_with("    16:", "    " + width + ":")),
                AllOf(StartsWith("small.yaml: line 12, key 'entries.integer_add." + width + "'"),
                      HasSubstr("whole number of bits from 1 to 128")))
        << width;
  }
  EXPECT_THAT(refusal_of(kSmallTable + "  sram_access_64: {0: {value: 5}}\n"),
              HasSubstr("whole number of KiB"));
}

TEST(UnitEnergyTableRefusal, half_a_range_and_a_range_upside_down) {
  const std::string low = "low: {value: 9, certainty: read, source: s}";
  const std::string high = "high: {value: 7, certainty: read, source: s}";
  EXPECT_THAT(refusal_of(kSmallTable + "  dram_access_64: {" + low + "}\n"),
              HasSubstr("'entries.dram_access_64.high' is missing"));
  EXPECT_THAT(refusal_of(kSmallTable + "  dram_access_64: {" + low + ", " + high + "}\n"),
              HasSubstr("low end above its high end"));
}

TEST(UnitEnergyTableRefusal, a_file_that_is_not_there) {
  EXPECT_THAT(input_error_of([] { load_unit_energy_table("/nowhere/table.yaml"); }),
              StartsWith("/nowhere/table.yaml: cannot be read"));
}

}  // namespace
}  // namespace potomac::energy
