// DRAM presets: the shipped ones, and one line for each that cannot be.
#include "sim/machine/dram_preset.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "support/error.hpp"
#include "support/text_file.hpp"

namespace potomac::sim {
namespace {

DramPreset preset_of(const std::string& text) {
  return parse_dram_preset(read_yaml_text(text, "dram.yaml"));
}

TEST(DramPreset, ShippedOnesHaveTheBandwidthOfTheirNames) {
  EXPECT_THAT(shipped_dram_presets().names(),
              testing::ElementsAre("ddr4-2400", "hbm2", "lpddr4-3200"));
  const auto bandwidth = [](const char* name) {
    const DramPreset preset = load_dram_preset(name);
    EXPECT_EQ(preset.name, name);
    EXPECT_FALSE(preset.source.empty());
    return preset.channel_gb_s() * static_cast<double>(preset.channels);
  };
  EXPECT_DOUBLE_EQ(bandwidth("ddr4-2400"), 2.4 * 8);
  EXPECT_DOUBLE_EQ(bandwidth("lpddr4-3200"), 3.2 * 2 * 2);
  EXPECT_DOUBLE_EQ(bandwidth("hbm2"), 2.0 * 16 * 8);
}

TEST(DramPreset, AnImpossibleOneNamesTheRuleThatItBreaks) {
  const std::string good = read_text_file(shipped_dram_presets().find("ddr4-2400"), "YAML", 1);
  const std::vector<std::pair<std::pair<std::string, std::string>, std::string>> cases = {
      {{"tRC: 55", "tRC: 54"}, "breaks tRC >= tRAS + tRP"},
      {{"tRAS: 39", "tRAS: 15"}, "breaks tRAS >= tRCD"},
      {{"tCCD_S: 4", "tCCD_S: 3"}, "breaks tCCD_S >= burst_length / 2"},
      {{"tCCD_L: 6", "tCCD_L: 3"}, "breaks tCCD_L >= tCCD_S"},
      {{"tRRD_L: 6", "tRRD_L: 3"}, "breaks tRRD_L >= tRRD_S"},
      {{"tWTR_L: 9", "tWTR_L: 2"}, "breaks tWTR_L >= tWTR_S"},
      {{"tFAW: 26", "tFAW: 3"}, "breaks tFAW >= tRRD_S"},
      {{"tREFI: 9364", "tREFI: 500"}, "breaks tREFI >= tRFC"},
      {{"CWL: 16", "CWL: 23"}, "breaks CL + burst_length / 2 + turnaround >= CWL"},
      {{"tRCD: 16", "tRCD: 0"}, "tRCD"},
      {{"bank_groups: 4", "bank_groups: 3"}, "3 is no power of two"},
      {{"bank_groups: 4", "bank_groups: 16\nbanks_per_group_: 4"}, "banks_per_group_"},
      {{"banks_per_group: 4", "banks_per_group: 32"}, "128 banks are too many"},
      {{"row_bytes: 8192", "row_bytes: 32"}, "no whole number of bursts"},
      {{"burst_length: 8", "burst_length: 1"}, "burst_length"},
      {{"clock_mhz: 1200", "clock_mhz: 0"}, "clock_mhz"},
      {{"tFAW: 26", "tFAW_: 26"}, "tFAW_"},
  };
  for (const auto& [change, message] : cases) {
    std::string text = good;
    const std::size_t at = text.find(change.first);
    ASSERT_NE(at, std::string::npos) << change.first;
    text.replace(at, change.first.size(), change.second);
    try {
      preset_of(text);
      ADD_FAILURE() << change.second << " was taken";
    } catch (const InputError& error) {
      EXPECT_THAT(error.what(), testing::StartsWith("dram.yaml")) << change.second;
      EXPECT_THAT(error.what(), testing::HasSubstr(message));
    }
  }
}

}  // namespace
}  // namespace potomac::sim
