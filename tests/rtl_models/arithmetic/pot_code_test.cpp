// PoT codes: every code of every width.
#include "rtl_models/arithmetic/pot_code.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <utility>

namespace potomac::rtl {
namespace {

class EveryCodeWidth : public testing::TestWithParam<int> {
 protected:
  static PotFormat format() { return PotFormat(GetParam()); }
};
INSTANTIATE_TEST_SUITE_P(PotCode, EveryCodeWidth, testing::Range(kMinPotBits, kMaxPotBits + 1));

// The value of a code by the words of the definition, in place of the bits.
double defined_value(int bits, int code) {
  const int half = 1 << (bits - 1);     // codes per sign
  const int quarter = 1 << (bits - 2);  // the pattern of zero
  const int field = code % half;
  if (field == quarter) {
    return 0.0;
  }
  const int exponent = field < quarter ? field : field - half;
  return std::ldexp(code >= half ? -1.0 : 1.0, exponent);
}

double value_of(PotFormat format, PotCode code) {
  if (format.is_zero(code)) {
    return 0.0;
  }
  return std::ldexp(format.is_negative(code) ? -1.0 : 1.0, format.exponent(code));
}

TEST_P(EveryCodeWidth, EveryCodeHasTheValueOfItsDefinition) {
  for (int code = 0; code < format().code_count(); ++code) {
    EXPECT_EQ(value_of(format(), static_cast<PotCode>(code)), defined_value(GetParam(), code))
        << "code " << code;
  }
}

TEST_P(EveryCodeWidth, EncodeAndDecodeAreInverse) {
  for (int code = 0; code < format().code_count(); ++code) {
    const auto pot = static_cast<PotCode>(code);
    if (!format().is_zero(pot)) {
      EXPECT_EQ(format().encode(format().is_negative(pot), format().exponent(pot)), pot);
    }
  }
  for (const bool negative : {false, true}) {
    for (int exponent = -format().e_max(); exponent <= format().e_max(); ++exponent) {
      const PotCode code = format().encode(negative, exponent);
      EXPECT_TRUE(format().is_canonical(code));
      EXPECT_FALSE(format().is_zero(code));
      EXPECT_EQ(format().is_negative(code), negative);
      EXPECT_EQ(format().exponent(code), exponent);
    }
  }
}

TEST_P(EveryCodeWidth, ExponentsFillTheSymmetricRangeOncePerSign) {
  std::set<std::pair<bool, int>> seen;
  int codes = 0;
  for (int code = 0; code < format().code_count(); ++code) {
    const auto pot = static_cast<PotCode>(code);
    if (!format().is_zero(pot)) {
      seen.emplace(format().is_negative(pot), format().exponent(pot));
      ++codes;
    }
  }
  EXPECT_EQ(codes, 2 * (2 * format().e_max() + 1));
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(codes));
  EXPECT_EQ(seen.begin()->second, -format().e_max());
  EXPECT_EQ(seen.rbegin()->second, format().e_max());
}

TEST_P(EveryCodeWidth, ZeroHasOneCanonicalCode) {
  int canonical_zeros = 0;
  for (int code = 0; code < 256; ++code) {
    const auto pot = static_cast<PotCode>(code);
    if (code >= format().code_count()) {
      EXPECT_FALSE(format().is_canonical(pot)) << "bits above the width in code " << code;
    } else if (format().is_zero(pot)) {
      canonical_zeros += format().is_canonical(pot) ? 1 : 0;
    } else {
      EXPECT_TRUE(format().is_canonical(pot)) << "code " << code;
    }
  }
  EXPECT_EQ(canonical_zeros, 1);
  EXPECT_TRUE(format().is_canonical(format().zero()));
  EXPECT_FALSE(format().is_negative(format().zero()));
  const auto negative_zero = static_cast<PotCode>(format().zero() | format().sign_mask());
  EXPECT_TRUE(format().is_zero(negative_zero));
  EXPECT_FALSE(format().is_canonical(negative_zero));
}

TEST_P(EveryCodeWidth, WideningKeepsTheValueAndIsCanonical) {
  for (int wider = GetParam(); wider <= kMaxPotBits; ++wider) {
    const PotFormat to(wider);
    for (int code = 0; code < format().code_count(); ++code) {
      const auto pot = static_cast<PotCode>(code);
      const PotCode widened = format().widen(pot, to);
      EXPECT_TRUE(to.is_canonical(widened)) << code << " to " << wider << " bits";
      EXPECT_EQ(value_of(to, widened), value_of(format(), pot)) << code << " to " << wider;
      if (wider == GetParam() && format().is_canonical(pot)) {
        EXPECT_EQ(widened, pot);
      }
    }
  }
}

TEST_P(EveryCodeWidth, WideningInStepsIsWideningAtOnce) {
  for (int middle = GetParam(); middle <= kMaxPotBits; ++middle) {
    for (int code = 0; code < format().code_count(); ++code) {
      const auto pot = static_cast<PotCode>(code);
      const PotFormat by(middle);
      const PotFormat to(kMaxPotBits);
      EXPECT_EQ(by.widen(format().widen(pot, by), to), format().widen(pot, to));
    }
  }
}

TEST(PotCode, FiveBitsHoldExponentsOfMinusSevenToSevenAndZeroIs0x08) {
  const PotFormat format(5);
  EXPECT_EQ(kDefaultPotBits, 5);
  EXPECT_EQ(format.e_max(), 7);
  EXPECT_EQ(format.exponent_bits(), 4);
  EXPECT_EQ(format.code_count(), 32);
  EXPECT_EQ(format.zero(), 0x08);
  EXPECT_EQ(format.encode(false, 0), 0x00);
  EXPECT_EQ(format.encode(false, 7), 0x07);
  EXPECT_EQ(format.encode(true, 7), 0x17);
  EXPECT_EQ(format.encode(false, -7), 0x09);
  EXPECT_EQ(format.encode(true, -1), 0x1F);
}

TEST(PotCode, WidthsFromThreeToEightAreCodes) {
  EXPECT_FALSE(is_pot_width(2));
  EXPECT_TRUE(is_pot_width(3));
  EXPECT_TRUE(is_pot_width(8));
  EXPECT_FALSE(is_pot_width(9));
  EXPECT_EQ(PotFormat(3).e_max(), 1);
  EXPECT_EQ(PotFormat(8).e_max(), 63);
}

}  // namespace
}  // namespace potomac::rtl
