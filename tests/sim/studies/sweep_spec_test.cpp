// What a sweep's file makes of its parameters: ranges, conditions between keys, samples.
#include "sim/studies/sweep_spec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "sim/studies/shipped.hpp"
#include "support/error.hpp"
#include "tests/support/temporary_folder.hpp"

namespace potomac::sim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class SweepFile : public testing::Test {
 protected:
  // A sweep with these lines about its points.
  SweepSpec spec_of(const std::string& lines) {
    const std::filesystem::path file = folder_.path() / "sweep.yaml";
    std::ofstream(file) << "workload: resnet18\narch: os-16x16\n" << lines;
    return load_sweep(file, {shipped_models(), shipped_architectures(), shipped_tables()});
  }
  std::string fault_of(const std::string& lines) {
    try {
      spec_of(lines);
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  }
  // The values of the points, a text each.
  static std::vector<std::string> points_of(const SweepSpec& spec) {
    std::vector<std::string> points;
    for (std::size_t i = 0; i < spec.points(); ++i) {
      std::string& point = points.emplace_back();
      for (const KeyValue& value : spec.values_at(i)) {
        point += (point.empty() ? "" : " ") + text_of(value);
      }
    }
    return points;
  }

  ScratchFolder folder_;
};

TEST_F(SweepFile, RangesHaveBothEnds) {
  EXPECT_THAT(points_of(spec_of("parameters: {array.rows: {from: 8, to: 40, step: 16}}")),
              ElementsAre("8", "24", "40"));
  EXPECT_THAT(points_of(spec_of("parameters: {array.rows: {from: 1, to: 3}}")),
              ElementsAre("1", "2", "3"));
  EXPECT_THAT(points_of(spec_of("parameters: {clock_mhz: {from: 1, to: 1.35, step: 0.1}}")),
              ElementsAre("1", "1.1", "1.2", "1.3"));
  EXPECT_THAT(points_of(spec_of("parameters: {clock_mhz: {from: 0.1, to: 0.3, step: 0.1}}")),
              ElementsAre("0.1", "0.2", "0.3"));
  EXPECT_THAT(points_of(spec_of("parameters: {array.rows: {powers_of_two: [5, 32]}}")),
              ElementsAre("8", "16", "32"));
  EXPECT_THAT(points_of(spec_of("parameters: {clock_mhz: {powers_of_two: [0.5, 2]}}")),
              ElementsAre("0.5", "1", "2"));
}

TEST_F(SweepFile, OnlyCombinationsThatFulfilTheConditionArePoints) {
  EXPECT_THAT(
      points_of(spec_of("where: array.rows * array.cols <= 64 and array.rows >= array.cols\n"
                        "parameters: {array.rows: [4, 8, 16], array.cols: [4, 8]}")),
      ElementsAre("4 4", "8 4", "8 8", "16 4"));
  // Keys that are not varied have the base's value.
  EXPECT_THAT(points_of(spec_of("where: array.rows < array.cols and array.dataflow = os\n"
                                "parameters: {array.rows: [4, 8, 16, 32]}")),
              ElementsAre("4", "8"));
  // A machine without a memory has none of its keys.
  EXPECT_THAT(fault_of("where: memory.first.kib >= 1\nparameters: {array.rows: [4]}"),
              HasSubstr("holds for no combination"));
}

TEST_F(SweepFile, ASampleIsDrawnFromWhatFulfilsTheCondition) {
  const std::string lines =
      "where: array.rows * array.cols <= 4096\nseed: 7\n"
      "parameters: {array.rows: {from: 1, to: 300}, array.cols: {from: 1, to: 300}}\n";
  const auto all = points_of(spec_of(lines));
  const auto some = points_of(spec_of(lines + "sample: 50\n"));
  EXPECT_EQ(some.size(), 50U);
  EXPECT_EQ(points_of(spec_of(lines + "sample: 50\n")), some);
  EXPECT_EQ(std::set<std::string>(some.begin(), some.end()).size(), 50U);
  // In the order of all points, of which they are some.
  auto at = all.begin();
  for (const std::string& point : some) {
    at = std::find(at, all.end(), point);
    ASSERT_NE(at, all.end()) << point;
  }
  EXPECT_EQ(points_of(spec_of(lines + "sample: 100000\n")), all);
}

TEST_F(SweepFile, ASampleIsDrawnFromASpaceThatNobodyCouldWalkThrough) {
  std::string lines = "where: array.rows > array.cols\nsample: 1000\nparameters:\n";
  for (const char* const key : {"array.rows", "array.cols", "memory.first.kib", "memory.second.kib",
                                "memory.results.kib", "pe.accumulator.bits"}) {
    lines += std::string("  ") + key + ": {from: 8, to: 64}\n";
  }
  const SweepSpec spec = spec_of(lines);
  ASSERT_EQ(spec.points(), 1000U);
  std::set<std::string> rows;
  for (std::size_t i = 0; i < spec.points(); ++i) {
    const Architecture architecture = spec.architecture_at(i);
    EXPECT_GT(architecture.array.rows, architecture.array.cols);
    rows.insert(std::to_string(architecture.array.rows));
  }
  EXPECT_GT(rows.size(), 40U);  // of 56
}

TEST_F(SweepFile, WhatIsWrongIsNamed) {
  const std::string range = "parameters: {array.rows: ";
  EXPECT_THAT(fault_of(range + "{from: 8, to: 4}}"), HasSubstr("has no value"));
  EXPECT_THAT(fault_of(range + "{from: 8, to: 16, step: 0}}"), HasSubstr("has no value"));
  EXPECT_THAT(fault_of(range + "{from: 1, to: 1e9}}"), HasSubstr("has more than 100000 values"));
  EXPECT_THAT(fault_of(range + "{from: 8}}"), HasSubstr("to"));
  EXPECT_THAT(fault_of(range + "{from: 1, to: 2, step: 0.5}}"), HasSubstr("array.rows"));
  EXPECT_THAT(fault_of(range + "{powers_of_two: [8]}}"), HasSubstr("is not two numbers"));
  EXPECT_THAT(fault_of(range + "{powers_of_two: [9, 15]}}"), HasSubstr("has no power of two"));
  EXPECT_THAT(fault_of("where: array.row = 8\n" + range + "[8]}"),
              HasSubstr("where: 'array.row = 8' at character 1: there is no 'array.row'"));
  EXPECT_THAT(fault_of("sample: 0\n" + range + "[8]}"), HasSubstr("sample"));
  EXPECT_THAT(fault_of(range + "{from: 1, to: 4000}, array.cols: {from: 1, to: 4000}}"),
              HasSubstr("makes more than 10000000 points"));
  EXPECT_THAT(fault_of("where: array.rows > 1\n" + range +
                       "{from: 1, to: 4000}, array.cols: {from: 1, to: 4000}}"),
              HasSubstr("is asked of more than 10000000 combinations"));
}

}  // namespace
}  // namespace potomac::sim
