// What a step does around its GEMMs, priced by hand.
#include "energy/pricing/step_pricing.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/error.hpp"
#include "tests/energy/pricing/test_tables.hpp"

namespace potomac::energy {
namespace {

// Nothing but what a step takes; a prime each, so that no two sums are alike.
UnitEnergyTable prices(const std::string& dram) {
  return table_of(
      "format: potomac-unit-energy\nversion: 1\nname: small\ntitle: small\nunit: pJ\nnode: 45 nm\n"
      "source: s\nentries:\n"
      "  fp32_multiply: {value: 101, certainty: read, source: s}\n"
      "  fp32_add: {value: 11, certainty: read, source: s}\n"
      "  integer_add:\n"
      "    8: {value: 2, certainty: read, source: s}\n"
      "    32: {value: 5, certainty: read, source: s}\n" +
      dram);
}
const std::string kDram =
    "  dram_access_64: {low: {value: 640, certainty: read, source: s}, "
    "high: {value: 1280, certainty: read, source: s}}\n";

std::vector<StepPart> parts() {
  return {{"one", {.fp32_add = 3, .integer_add_32 = 7, .dram_read_bits = 64}, {}},
          {"other",
           {.fp32_multiply = 1, .integer_add_8 = 4, .dram_written_bits = 128},
           {.fp32_divide = 1, .fp32_square_root = 2, .dram_read_bits = 32}}};
}

TEST(TrainingStep, ArithmeticByHand) {
  OperationEnergy gemms;
  gemms.total.every_mac.mf_mac_pj = 1000.0;
  gemms.total.every_mac.fp32_mac_pj = 5000.0;
  const StepEnergy energy = price_step(prices(""), parts(), gemms);
  EXPECT_EQ(energy.accounting, "operation");
  ASSERT_EQ(energy.parts.size(), 2U);
  EXPECT_DOUBLE_EQ(energy.parts[0].mf_mac_pj, 3 * 11 + 7 * 5);
  EXPECT_DOUBLE_EQ(energy.parts[0].fp32_mac_pj, 0.0);
  EXPECT_DOUBLE_EQ(energy.parts[1].mf_mac_pj, 101 + 4 * 2);
  EXPECT_DOUBLE_EQ(energy.parts[1].fp32_mac_pj, 3 * (4 * 101 + 4 * 11));
  EXPECT_DOUBLE_EQ(energy.total.mf_mac_pj, 1000 + 68 + 109);
  EXPECT_DOUBLE_EQ(energy.total.fp32_mac_pj, 5000 + 1344);
  EXPECT_DOUBLE_EQ(*energy.mf_mac_share(), 1000.0 / 1177.0);
  EXPECT_FALSE(energy.total_high.has_value());
}

TEST(TrainingStep, StructuralHasDramAtBothEnds) {
  StructuralEnergy gemms;
  gemms.total.arithmetic = {1000.0, 5000.0};
  gemms.total.scratchpads = MachinePair{1.0, 2.0};
  gemms.total.dram = MachinePair{10.0, 20.0};
  gemms.total.dram_high = MachinePair{20.0, 40.0};
  const StepEnergy energy = price_step(prices(kDram), parts(), gemms);
  EXPECT_EQ(energy.accounting, "structural");
  EXPECT_DOUBLE_EQ(energy.parts[0].mf_mac_pj, 68 + 640);
  EXPECT_DOUBLE_EQ(energy.parts[1].mf_mac_pj, 109 + 2 * 640);
  EXPECT_DOUBLE_EQ(energy.parts[1].fp32_mac_pj, 1344 + 320);
  EXPECT_DOUBLE_EQ(energy.total.mf_mac_pj, 1011 + 68 + 109 + 3 * 640);
  ASSERT_TRUE(energy.total_high.has_value());
  EXPECT_DOUBLE_EQ(energy.total_high->mf_mac_pj, 1021 + 68 + 109 + 3 * 1280);
  EXPECT_DOUBLE_EQ(energy.total_high->fp32_mac_pj, 5042 + 1344 + 640);
  EXPECT_THROW(price_step(prices(""), parts(), gemms), InputError);
  // Without a memory, its traffic has no price, and needs none.
  gemms.total.scratchpads.reset();
  gemms.total.dram.reset();
  gemms.total.dram_high.reset();
  EXPECT_DOUBLE_EQ(price_step(prices(""), parts(), gemms).parts[0].mf_mac_pj, 68);
}

}  // namespace
}  // namespace potomac::energy
