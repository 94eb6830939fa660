// The MF-MAC: every pair of codes of every width against products of real numbers.
#include "rtl_models/arithmetic/mf_mac.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "tests/rtl_models/arithmetic/exact_integers.hpp"

namespace potomac::rtl {
namespace {

using test::Int128;

// The value of a code by the words of the definition; a power of two, so exact.
long double value_by_definition(int bits, int code) {
  const int half = 1 << (bits - 1);
  const int field = code % half;
  if (field == half / 2) {
    return 0.0L;
  }
  const int exponent = field < half / 2 ? field : field - half;
  return std::ldexp(code >= half ? -1.0L : 1.0L, exponent);
}

// One slot by real arithmetic: the product in units of the lowest bit, nothing if it is below one.
MfMacStep expected_step(const Accumulator& accumulator, bool zero_gating, std::int64_t value,
                        long double first, long double second) {
  MfMacStep step;
  step.value = value;
  const long double product = first * second;
  if (product == 0.0L) {
    step.gated = zero_gating;
    step.multiplied = step.accumulated = !zero_gating;
    return step;
  }
  step.multiplied = true;
  const long double units = std::ldexp(product, -accumulator.lsb);
  if (std::fabs(units) < 1.0L) {
    step.dropped = true;
    step.accumulated = !zero_gating;
    return step;
  }
  const Sum sum = test::bounded(accumulator, Int128{value} + static_cast<Int128>(units));
  step.value = sum.value;
  step.overflowed = sum.overflowed();
  step.turns = sum.turns;
  step.accumulated = true;
  return step;
}

class EveryOperandWidth : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(MfMac, EveryOperandWidth, testing::Range(kMinPotBits, kMaxPotBits + 1));

TEST_P(EveryOperandWidth, EveryPairOfCodesAddsItsProductToAnySum) {
  const PotFormat format(GetParam());
  std::vector<long double> values;
  values.reserve(static_cast<std::size_t>(format.code_count()));
  for (int code = 0; code < format.code_count(); ++code) {
    values.push_back(value_by_definition(GetParam(), code));
  }
  const int top = 2 * format.e_max();
  for (const int bits : {16, 32, 64}) {
    // Every lsb, from the lowest that this width allows to one at which every product is dropped.
    const int lowest = top - (bits - 2);
    for (const int lsb : std::set<int>{lowest, std::max(lowest, -top), std::max(lowest, -1),
                                       std::max(lowest, top / 2), top, top + 1}) {
      for (const Overflow rule : {Overflow::kWrap, Overflow::kSaturate}) {
        const Accumulator accumulator{bits, lsb, rule};
        const std::vector<std::int64_t> starts = {0,
                                                  1,
                                                  -1,
                                                  accumulator.max(),
                                                  accumulator.min(),
                                                  accumulator.max() / 2 + 1,
                                                  accumulator.min() / 2 - 1};
        for (const bool gating : {false, true}) {
          for (int a = 0; a < format.code_count(); ++a) {
            for (int b = 0; b < format.code_count(); ++b) {
              // One start for most pairs, all of them in turn over all pairs.
              const std::int64_t start = starts[static_cast<std::size_t>(a + 3 * b) % 7];
              const MfMacStep step = mf_mac(accumulator, format, gating, start,
                                            static_cast<PotCode>(a), static_cast<PotCode>(b));
              const MfMacStep expected =
                  expected_step(accumulator, gating, start, values[static_cast<std::size_t>(a)],
                                values[static_cast<std::size_t>(b)]);
              if (step != expected) {
                FAIL() << fmt::format(
                    "{} bits, lsb {}, {}, gating {}: {} + code {:#x} * code {:#x} = {}, expected "
                    "{}; or a flag differs",
                    bits, lsb, rule == Overflow::kWrap ? "wrap" : "saturate", gating, start, a, b,
                    step.value, expected.value);
              }
            }
          }
        }
      }
    }
  }
}

TEST(MfMac, NarrowAccumulatorSeesEveryStartWithEveryPairOfFiveBitCodes) {
  const PotFormat format(5);
  for (const Overflow rule : {Overflow::kWrap, Overflow::kSaturate}) {
    const Accumulator accumulator{16, 0, rule};
    for (const std::int64_t start :
         {-32768, -32767, -16385, -16384, -1, 0, 1, 16383, 16384, 16385, 32766, 32767}) {
      for (int a = 0; a < format.code_count(); ++a) {
        for (int b = 0; b < format.code_count(); ++b) {
          const MfMacStep expected = expected_step(
              accumulator, true, start, value_by_definition(5, a), value_by_definition(5, b));
          ASSERT_EQ(mf_mac(accumulator, format, true, start, static_cast<PotCode>(a),
                           static_cast<PotCode>(b)),
                    expected)
              << start << " " << a << " " << b;
        }
      }
    }
  }
}

// The worked examples of docs/number-formats.md.
TEST(MfMac, WorkedExampleOfTheDocumentation) {
  const PotFormat format(5);
  const Accumulator exact{32, -14, Overflow::kWrap};
  const PotCode eight = format.encode(false, 3);
  const PotCode minus_quarter = format.encode(true, -2);
  EXPECT_EQ(eight, 0x03);
  EXPECT_EQ(minus_quarter, 0x1E);
  const MfMacStep step = mf_mac(exact, format, true, 0, eight, minus_quarter);
  EXPECT_EQ(step.value, -32768);  // -2 in units of 2^-14
  EXPECT_TRUE(step.multiplied && step.accumulated && !step.overflowed);

  const Accumulator coarse{32, 2, Overflow::kWrap};
  EXPECT_TRUE(mf_mac(coarse, format, true, 5, eight, minus_quarter).dropped);
  EXPECT_EQ(mf_mac(coarse, format, true, 5, eight, minus_quarter).value, 5);

  const PotCode largest = format.encode(false, 7);
  const Accumulator narrow{16, 0, Overflow::kWrap};
  EXPECT_EQ(mf_mac(narrow, format, true, 32767, largest, largest).value, -16385);
  const Accumulator saturating{16, 0, Overflow::kSaturate};
  EXPECT_EQ(mf_mac(saturating, format, true, 32767, largest, largest).value, 32767);
}

TEST(MfMac, ThirtyTwoBitsHoldSevenLargestProductsOfFiveBitCodes) {
  const PotFormat format(5);
  const Accumulator accumulator = resolve({}, format, format, 8);
  const PotCode largest = format.encode(false, 7);
  std::int64_t sum = 0;
  for (int product = 1; product <= 8; ++product) {
    const MfMacStep step = mf_mac(accumulator, format, true, sum, largest, largest);
    EXPECT_EQ(step.overflowed, product == 8);
    sum = step.value;
  }
}

TEST(MfMac, GatedZeroFiresNothingAndUngatedZeroFiresEverything) {
  const PotFormat format(5);
  const Accumulator accumulator{32, -14, Overflow::kWrap};
  for (const PotCode zero : {PotCode{0x08}, PotCode{0x18}}) {
    for (int other = 0; other < 32; ++other) {
      const auto code = static_cast<PotCode>(other);
      const MfMacStep gated = mf_mac(accumulator, format, true, 77, zero, code);
      EXPECT_EQ(gated, (MfMacStep{.value = 77, .gated = true}));
      const MfMacStep fired = mf_mac(accumulator, format, false, 77, code, zero);
      EXPECT_EQ(fired, (MfMacStep{.value = 77, .multiplied = true, .accumulated = true}));
    }
  }
}

}  // namespace
}  // namespace potomac::rtl
