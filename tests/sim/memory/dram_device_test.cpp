// Every rule between two commands, at both edges: a cycle too early it is refused by its name, in
// its cycle the command is taken.
#include "sim/memory/dram_device.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace potomac::sim {
namespace {

using enum DramCommand;

// Bank b of group g is 4 * b + g.
constexpr DramAddress kBank{0, 7};
constexpr DramAddress kSameGroup{4, 7};
constexpr DramAddress kOtherGroup{1, 7};

DramPreset ddr4() {
  return load_dram_preset("ddr4-2400");
}

// What leads up to a command, in cycles far enough apart, and the command that a rule holds back
// behind the last of them.
struct Situation {
  std::string rule;
  std::vector<std::pair<DramCommand, DramAddress>> before;
  DramCommand later;
  DramAddress at;
  std::int64_t cycles;  // behind the last of `before`
};

// So that one rule alone is in the way: the others are as short as they can be.
DramPreset only(std::int64_t DramTiming::*member, std::int64_t cycles) {
  DramPreset preset = ddr4();
  for (const DramTimingKey& key : kDramTimings) {
    preset.cycles.*key.member = 1;
  }
  preset.cycles.cwl = 5;
  preset.cycles.cl = 5;
  preset.cycles.*member = cycles;
  return preset;
}

void expect_edge(const DramPreset& preset, const Situation& situation) {
  SCOPED_TRACE(situation.rule);
  const auto led_up = [&](std::int64_t spacing) {
    DramDevice device(preset);
    std::int64_t cycle = 0;
    for (const auto& [command, at] : situation.before) {
      cycle = std::max(cycle + spacing, device.earliest(command, at.bank));
      device.issue(command, at, cycle);
    }
    return std::pair(device, cycle);
  };
  const auto [device, last] = led_up(1);
  EXPECT_EQ(device.earliest(situation.later, situation.at.bank), last + situation.cycles);
  DramDevice early = device;
  try {
    early.issue(situation.later, situation.at, last + situation.cycles - 1);
    ADD_FAILURE() << "a cycle too early was taken";
  } catch (const std::logic_error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("breaks " + situation.rule + ":"));
  }
  DramDevice in_time = device;
  EXPECT_NO_THROW(in_time.issue(situation.later, situation.at, last + situation.cycles));
}

TEST(DramDevice, RefusesACycleTooEarlyAndServesInTime) {
  constexpr std::int64_t kLong = 50;
  constexpr std::int64_t kBurst = 4;  // cycles of DDR4's burst of 8
  const DramAddress other_row{kBank.bank, 8};
  const std::vector<std::pair<std::int64_t DramTiming::*, Situation>> cases = {
      {&DramTiming::t_rcd, {"tRCD", {{kActivate, kBank}}, kRead, kBank, kLong}},
      {&DramTiming::t_rcd, {"tRCD", {{kActivate, kBank}}, kWrite, kBank, kLong}},
      {&DramTiming::t_ras, {"tRAS", {{kActivate, kBank}}, kPrecharge, kBank, kLong}},
      {&DramTiming::t_rp,
       {"tRP", {{kActivate, kBank}, {kPrecharge, kBank}}, kActivate, other_row, kLong}},
      {&DramTiming::t_rp, {"tRP", {{kActivate, kBank}, {kPrecharge, kBank}}, kRefresh, {}, kLong}},
      {&DramTiming::t_rc,
       {"tRC", {{kActivate, kBank}, {kPrecharge, kBank}}, kActivate, other_row, kLong - 1}},
      {&DramTiming::t_rc,
       {"tRC", {{kActivate, kBank}, {kPrecharge, kBank}}, kRefresh, {}, kLong - 1}},
      {&DramTiming::t_rtp,
       {"tRTP", {{kActivate, kBank}, {kRead, kBank}}, kPrecharge, kBank, kLong}},
      {&DramTiming::t_wr,
       {"tWR", {{kActivate, kBank}, {kWrite, kBank}}, kPrecharge, kBank, 5 + kBurst + kLong}},
      {&DramTiming::t_ccd_l, {"tCCD_L", {{kActivate, kBank}, {kRead, kBank}}, kRead, kBank, kLong}},
      {&DramTiming::t_ccd_l,
       {"tCCD_L", {{kActivate, kBank}, {kWrite, kBank}}, kWrite, kBank, kLong}},
      {&DramTiming::t_ccd_l,
       {"tCCD_L",
        {{kActivate, kBank}, {kActivate, kSameGroup}, {kRead, kBank}},
        kRead,
        kSameGroup,
        kLong}},
      {&DramTiming::t_ccd_s,
       {"tCCD_S",
        {{kActivate, kBank}, {kActivate, kOtherGroup}, {kRead, kBank}},
        kRead,
        kOtherGroup,
        kLong}},
      {&DramTiming::t_ccd_s,
       {"tCCD_S",
        {{kActivate, kBank}, {kActivate, kOtherGroup}, {kWrite, kBank}},
        kWrite,
        kOtherGroup,
        kLong}},
      {&DramTiming::t_wtr_l,
       {"tWTR_L", {{kActivate, kBank}, {kWrite, kBank}}, kRead, kBank, 5 + kBurst + kLong}},
      {&DramTiming::t_wtr_s,
       {"tWTR_S",
        {{kActivate, kBank}, {kActivate, kOtherGroup}, {kWrite, kBank}},
        kRead,
        kOtherGroup,
        5 + kBurst + kLong}},
      {&DramTiming::turnaround,
       {"turnaround", {{kActivate, kBank}, {kRead, kBank}}, kWrite, kBank, kBurst + kLong}},
      {&DramTiming::t_rrd_l, {"tRRD_L", {{kActivate, kBank}}, kActivate, kSameGroup, kLong}},
      {&DramTiming::t_rrd_s, {"tRRD_S", {{kActivate, kBank}}, kActivate, kOtherGroup, kLong}},
      {&DramTiming::t_faw,
       {"tFAW",
        {{kActivate, {0, 7}}, {kActivate, {1, 7}}, {kActivate, {2, 7}}, {kActivate, {3, 7}}},
        kActivate,
        kSameGroup,
        kLong - 3}},
      {&DramTiming::t_rfc, {"tRFC", {{kRefresh, {}}}, kActivate, kBank, kLong}},
      {&DramTiming::t_rfc, {"tRFC", {{kRefresh, {}}}, kRefresh, {}, kLong}},
  };
  std::set<std::pair<std::string, DramCommand>> tested;
  for (const auto& [member, situation] : cases) {
    expect_edge(only(member, kLong), situation);
    tested.emplace(situation.rule, situation.later);
  }
  for (const DramRule& rule : dram_rules(ddr4())) {
    EXPECT_TRUE(tested.contains({std::string(rule.name), rule.later})) << rule.name;
  }
}

TEST(DramDevice, TakesOneCommandInACycle) {
  DramDevice device(only(&DramTiming::t_rcd, 1));
  device.issue(kActivate, kBank, 10);
  try {
    device.issue(kRead, kBank, 10);
    ADD_FAILURE();
  } catch (const std::logic_error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("breaks tRCD"));
  }
  device.issue(kActivate, kOtherGroup, 11);
  EXPECT_THROW(device.issue(kRead, kBank, 11), std::logic_error);
  EXPECT_NO_THROW(device.issue(kRead, kBank, 12));
}

TEST(DramDevice, PrechargesAllWhenTheLastOfThemMay) {
  const DramPreset preset = ddr4();
  DramDevice device(preset);
  device.issue(kActivate, kBank, 0);
  device.issue(kActivate, kOtherGroup, 4);
  EXPECT_EQ(device.earliest_precharge_all(), 4 + preset.cycles.t_ras);
  DramDevice early = device;
  EXPECT_THROW(early.precharge_all(3 + preset.cycles.t_ras), std::logic_error);
  device.precharge_all(4 + preset.cycles.t_ras);
  EXPECT_FALSE(device.any_open());
  EXPECT_EQ(device.earliest(kRefresh, 0), 4 + preset.cycles.t_ras + preset.cycles.t_rp);
}

}  // namespace
}  // namespace potomac::sim
