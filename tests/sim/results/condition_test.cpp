// Conditions as they are written: what holds, what is not known, and what is no condition.
#include "sim/results/condition.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "support/error.hpp"

namespace potomac::sim {
namespace {

using testing::HasSubstr;

const std::vector<std::string> kKnownNames = {"array.rows", "array.cols", "array.dataflow",
                                              "unknown", "energy[mf_mac,horowitz-45nm,structural]"};
const std::map<std::string, Condition::Value> kKnownValues = {
    {"array.rows", 16.0},
    {"array.cols", 64.0},
    {"array.dataflow", "ws"},
    {"unknown", std::monostate()},
    {"energy[mf_mac,horowitz-45nm,structural]", 1.5e9}};

bool holds(const std::string& text) {
  const Condition condition(text, kKnownNames, "where");
  return condition.holds(
      [&](std::size_t name) { return kKnownValues.at(condition.names().at(name)); });
}

std::string fault_of(const std::string& text) {
  try {
    const Condition condition(text, kKnownNames, "where");
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST(Condition, ComparesNumbersNamesAndTexts) {
  EXPECT_TRUE(holds("array.rows = 16"));
  EXPECT_FALSE(holds("array.rows != 16"));
  EXPECT_TRUE(holds("16 >= array.rows and array.rows <= 16"));
  EXPECT_FALSE(holds("array.rows < 16 or array.rows > 16"));
  EXPECT_TRUE(holds("array.dataflow = ws"));
  EXPECT_TRUE(holds("'ws' = array.dataflow"));
  EXPECT_TRUE(holds("array.dataflow != os"));
  EXPECT_TRUE(holds("energy[mf_mac,horowitz-45nm,structural] < 2e9"));
  // A number is no text.
  EXPECT_FALSE(holds("array.dataflow = 16"));
  EXPECT_TRUE(holds("array.dataflow != 16"));
  EXPECT_FALSE(holds("array.dataflow < 16"));
}

TEST(Condition, Reckons) {
  EXPECT_TRUE(holds("array.rows * array.cols = 1024"));
  EXPECT_TRUE(holds("2 + 3 * 4 = 14"));
  EXPECT_TRUE(holds("(2 + 3) * 4 = 20"));
  EXPECT_TRUE(holds("10 - 4 - 3 = 3"));
  EXPECT_TRUE(holds("64 / array.rows / 2 = 2"));
  EXPECT_TRUE(holds("-array.rows + 20 = 4"));
  EXPECT_TRUE(holds("array.rows*array.cols<=4096 and array.rows=16"));
}

TEST(Condition, AndBindsCloserThanOr) {
  EXPECT_TRUE(holds("1 = 1 or 1 = 2 and 1 = 3"));
  EXPECT_FALSE(holds("(1 = 1 or 1 = 2) and 1 = 3"));
  EXPECT_TRUE(holds("not 1 = 2 and not (1 = 2 or 2 = 3)"));
  EXPECT_TRUE(holds("((array.rows) = (16))"));
}

TEST(Condition, WhatIsNotKnownComparesFalse) {
  EXPECT_FALSE(holds("unknown = 1"));
  EXPECT_FALSE(holds("unknown != 1"));
  EXPECT_FALSE(holds("unknown + 1 > 0"));
  EXPECT_FALSE(holds("1 / (array.rows - 16) = 0"));
  EXPECT_TRUE(holds("not unknown = 1"));
}

TEST(Condition, SaysWhereItIsWrong) {
  EXPECT_THAT(fault_of("array.row = 8"),
              HasSubstr("at character 1: there is no 'array.row'; did you mean 'array.rows'?"));
  EXPECT_THAT(fault_of("rows = 8"), HasSubstr("there is no 'rows'"));
  EXPECT_THAT(fault_of("array.rows = 8 and cols = ws"), HasSubstr("there is no 'cols'"));
  EXPECT_THAT(fault_of("array.rows"), HasSubstr("a comparison is missing"));
  EXPECT_THAT(fault_of("array.rows = 8 and array.cols"), HasSubstr("a comparison is missing"));
  EXPECT_THAT(fault_of("(array.rows = 8) + 1 = 2"), HasSubstr("a condition is no number"));
  EXPECT_THAT(fault_of("(array.rows = 8) = 1"),
              HasSubstr("a condition is compared with something"));
  EXPECT_THAT(fault_of("array.rows = "), HasSubstr("a number or a name is missing"));
  EXPECT_THAT(fault_of("array.rows = 8 8"), HasSubstr("at character 16: more follows"));
  EXPECT_THAT(fault_of("(array.rows = 8"), HasSubstr("a parenthesis is not closed"));
  EXPECT_THAT(fault_of("array.dataflow < ws"), HasSubstr("'ws' is a text, which has no order"));
  EXPECT_THAT(fault_of("array.dataflow = 'ws"), HasSubstr("a quoted text does not end"));
  EXPECT_THAT(fault_of("array.rows = 8x"), HasSubstr("that is no number"));
  EXPECT_THAT(fault_of("array.rows = 1e999"), HasSubstr("that is no number"));
  EXPECT_THAT(fault_of("energy[mf_mac = 1"), HasSubstr("there is no 'energy[mf_mac = 1'"));
  EXPECT_THAT(fault_of(""), HasSubstr("a number or a name is missing"));
}

TEST(Condition, IsNotDeeperThanItCanBeRead) {
  const std::string deep(200000, '(');
  EXPECT_THAT(fault_of(deep + "1"), HasSubstr("is more than 100 levels deep"));
  EXPECT_THAT(fault_of(std::string(200000, '-') + "1 = 1"), HasSubstr("levels deep"));
  EXPECT_TRUE(holds(std::string(20, '(') + "1 = 1" + std::string(20, ')')));
}

}  // namespace
}  // namespace potomac::sim
