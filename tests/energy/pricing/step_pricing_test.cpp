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

// The parts on the MF-MAC machine, and on the FP32 one.
std::vector<StepPart> parts() {
  return {{"one", {{.fp32_add = 3, .integer_add_32 = 7, .dram_read_bits = 64}, {}}},
          {"other",
           {{.fp32_multiply = 1, .integer_add_8 = 4, .dram_written_bits = 128},
            {.fp32_divide = 1, .fp32_square_root = 2, .dram_read_bits = 32}}}};
}

EnergyReport gemms_of(const char* machine, const char* accounting, double arithmetic_pj) {
  EnergyReport report;
  report.machine = machine;
  report.accounting = accounting;
  report.total.by_component[0] = arithmetic_pj;
  return report;
}

TEST(TrainingStep, ArithmeticByHand) {
  const StepEnergy mf_mac =
      price_step(prices(""), parts(), 0, gemms_of("mf_mac", "operation", 1000.0));
  const StepEnergy fp32_mac =
      price_step(prices(""), parts(), 1, gemms_of("fp32_mac", "operation", 5000.0));
  EXPECT_EQ(mf_mac.accounting, "operation");
  EXPECT_EQ(mf_mac.machine, "mf_mac");
  ASSERT_EQ(mf_mac.parts_pj.size(), 2U);
  EXPECT_DOUBLE_EQ(mf_mac.parts_pj[0], 3 * 11 + 7 * 5);
  EXPECT_DOUBLE_EQ(fp32_mac.parts_pj[0], 0.0);
  EXPECT_DOUBLE_EQ(mf_mac.parts_pj[1], 101 + 4 * 2);
  EXPECT_DOUBLE_EQ(fp32_mac.parts_pj[1], 3 * (4 * 101 + 4 * 11));
  EXPECT_DOUBLE_EQ(mf_mac.total_pj, 1000 + 68 + 109);
  EXPECT_DOUBLE_EQ(fp32_mac.total_pj, 5000 + 1344);
  EXPECT_DOUBLE_EQ(*mf_mac.gemms_share(), 1000.0 / 1177.0);
  EXPECT_FALSE(mf_mac.total_dram_high_pj.has_value());
}

TEST(TrainingStep, StructuralHasDramAtBothEnds) {
  EnergyReport of_mf_mac = gemms_of("mf_mac", "structural", 1001.0);
  of_mf_mac.total.by_component[static_cast<std::size_t>(Component::kDram)] = 10.0;
  of_mf_mac.total.dram_high_pj = 20.0;
  EnergyReport of_fp32 = gemms_of("fp32_mac", "structural", 5002.0);
  of_fp32.total.by_component[static_cast<std::size_t>(Component::kDram)] = 20.0;
  of_fp32.total.dram_high_pj = 40.0;
  const StepEnergy mf_mac = price_step(prices(kDram), parts(), 0, of_mf_mac);
  const StepEnergy fp32_mac = price_step(prices(kDram), parts(), 1, of_fp32);
  EXPECT_EQ(mf_mac.accounting, "structural");
  EXPECT_DOUBLE_EQ(mf_mac.parts_pj[0], 68 + 640);
  EXPECT_DOUBLE_EQ(mf_mac.parts_pj[1], 109 + 2 * 640);
  EXPECT_DOUBLE_EQ(fp32_mac.parts_pj[1], 1344 + 320);
  EXPECT_DOUBLE_EQ(mf_mac.total_pj, 1011 + 68 + 109 + 3 * 640);
  ASSERT_TRUE(mf_mac.total_dram_high_pj.has_value());
  EXPECT_DOUBLE_EQ(*mf_mac.total_dram_high_pj, 1021 + 68 + 109 + 3 * 1280);
  EXPECT_DOUBLE_EQ(*fp32_mac.total_dram_high_pj, 5042 + 1344 + 640);
  EXPECT_THROW(price_step(prices(""), parts(), 0, of_mf_mac), InputError);
  // Without a memory, its traffic has no price, and needs none.
  const EnergyReport bare = gemms_of("mf_mac", "structural", 1001.0);
  EXPECT_DOUBLE_EQ(price_step(prices(""), parts(), 0, bare).parts_pj[0], 68);
}

}  // namespace
}  // namespace potomac::energy
