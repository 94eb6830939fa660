// The FP32 MAC: two roundings, each to nearest even, subnormals kept, one canonical NaN.
#include "rtl_models/arithmetic/fp32_mac.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

namespace potomac::rtl {
namespace {

constexpr std::uint32_t kCanonicalNan = 0x7FC00000;
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kLargest = std::numeric_limits<float>::max();
constexpr float kSmallest = std::numeric_limits<float>::denorm_min();

std::uint32_t bits_of(float value) {
  return std::bit_cast<std::uint32_t>(value);
}
float float_of(std::uint32_t bits) {
  return std::bit_cast<float>(bits);
}

// Kept from the optimizer, which could otherwise compute with other rules than the machine.
float mac(float sum, float first, float second) {
  volatile float s = sum;
  volatile float a = first;
  volatile float b = second;
  return fp32_mac(s, a, b);
}

// In binary64 the product of two binary32 numbers is exact (48 bits, exponents above -1074), so
// that its conversion is the one rounding. The sum may be rounded twice, to 53 and then to 24 bits:
// for addition that is innocuous as 53 >= 2 * 24 + 2 (Figueroa); where the binary32 result is
// subnormal, the sum is exact, being a multiple of 2^-149.
std::uint32_t expected_mac(float sum, float first, float second) {
  const auto product = static_cast<float>(static_cast<double>(first) * second);
  const auto result = static_cast<float>(static_cast<double>(sum) + static_cast<double>(product));
  return std::isnan(result) ? kCanonicalNan : bits_of(result);
}

TEST(Fp32Mac, AgreesWithBinary64OnRandomBitPatterns) {
  std::mt19937 random(1);
  for (int i = 0; i < 1'000'000; ++i) {
    const float sum = float_of(static_cast<std::uint32_t>(random()));
    const float first = float_of(static_cast<std::uint32_t>(random()));
    const float second = float_of(static_cast<std::uint32_t>(random()));
    ASSERT_EQ(bits_of(mac(sum, first, second)), expected_mac(sum, first, second))
        << std::hexfloat << sum << " + " << first << " * " << second;
  }
}

// Sum and product of about the same magnitude, where cancellation and ties happen; few mantissa
// bits set, so that ties are common.
TEST(Fp32Mac, AgreesWithBinary64WhereMagnitudesMeet) {
  std::mt19937 random(2);
  const auto mantissa = [&random] {
    std::uint32_t bits = static_cast<std::uint32_t>(random()) & 0x7FFFFF;
    if (random() % 2 == 0) {
      bits &= static_cast<std::uint32_t>(random()) & static_cast<std::uint32_t>(random());
    }
    return random() % 4 == 0 ? bits & 0x7FF000 : bits;
  };
  for (int i = 0; i < 1'000'000; ++i) {
    const int a = static_cast<int>(random() % 254) + 1;
    const int b = static_cast<int>(random() % 254) + 1;
    const int of_product = a + b - 127;
    const int c = of_product + static_cast<int>(random() % 55) - 27;
    const auto field = [&](int exponent) {
      const auto clamped = static_cast<std::uint32_t>(std::clamp(exponent, 0, 254));
      return float_of((static_cast<std::uint32_t>(random() & 1) << 31) | (clamped << 23) |
                      mantissa());
    };
    const float first = field(a);
    const float second = field(b);
    const float sum = field(c);
    ASSERT_EQ(bits_of(mac(sum, first, second)), expected_mac(sum, first, second))
        << std::hexfloat << sum << " + " << first << " * " << second;
  }
}

TEST(Fp32Mac, RoundsProductAndSumApartWhereAFusedMacWouldNot) {
  // (1 + 2^-12)^2 = 1 + 2^-11 + 2^-24: a tie that falls to 1 + 2^-11, and is gone after
  // subtraction.
  const float factor = 1.0F + 0x1p-12F;
  const float sum = -(1.0F + 0x1p-11F);
  EXPECT_EQ(mac(sum, factor, factor), 0.0F);
  EXPECT_EQ(std::fma(factor, factor, sum), 0x1p-24F);
}

TEST(Fp32Mac, RoundsTiesToEven) {
  EXPECT_EQ(mac(1.0F, 0x1p-24F, 1.0F), 1.0F);
  EXPECT_EQ(mac(1.0F + 0x1p-23F, 0x1p-24F, 1.0F), 1.0F + 0x1p-22F);
  EXPECT_EQ(mac(1.0F, 0x1.000002p-24F, 1.0F), 1.0F + 0x1p-23F);
}

TEST(Fp32Mac, KeepsSubnormals) {
  EXPECT_EQ(mac(kSmallest, kSmallest, 1.0F), 2 * kSmallest);
  EXPECT_EQ(mac(0.0F, 0x1p-75F, 0x1p-74F), kSmallest);
  EXPECT_EQ(mac(0.0F, 0x1p-75F, 0x1p-75F), 0.0F) << "a tie between 0 and the smallest";
  EXPECT_EQ(mac(0.0F, 0x1.8p-75F, 0x1p-75F), kSmallest);
  EXPECT_EQ(mac(0x1p-126F, -kSmallest, 1.0F), 0x1p-126F - kSmallest);
}

TEST(Fp32Mac, OverflowsToInfinityAtTheLastTie) {
  EXPECT_EQ(mac(kLargest, 0x1p102F, 1.0F), kLargest);
  EXPECT_EQ(mac(kLargest, 0x1p103F, 1.0F), kInfinity) << "half a unit: the tie is odd";
  EXPECT_EQ(mac(kLargest, -1.0F, kLargest), 0.0F);
  EXPECT_EQ(mac(-1.0F, kLargest, 2.0F), kInfinity);
  EXPECT_EQ(mac(0.0F, kLargest, -2.0F), -kInfinity);
}

TEST(Fp32Mac, EveryNanIsTheCanonicalOne) {
  EXPECT_EQ(bits_of(mac(kInfinity, -kInfinity, 1.0F)), kCanonicalNan);
  EXPECT_EQ(bits_of(mac(-kInfinity, kLargest, 2.0F)), kCanonicalNan) << "a product that overflows";
  EXPECT_EQ(bits_of(mac(1.0F, 0.0F, kInfinity)), kCanonicalNan);
  EXPECT_EQ(bits_of(mac(1.0F, -kInfinity, 0.0F)), kCanonicalNan);
  EXPECT_EQ(bits_of(mac(float_of(0xFFC00001), 1.0F, 1.0F)), kCanonicalNan);
  EXPECT_EQ(bits_of(mac(1.0F, float_of(0x7F800001), 1.0F)), kCanonicalNan) << "signalling";
}

TEST(Fp32Mac, SignOfZeroFollowsTheStandard) {
  EXPECT_EQ(bits_of(mac(0.0F, -1.0F, 0.0F)), 0U) << "+0 + -0";
  EXPECT_EQ(bits_of(mac(-0.0F, -1.0F, 0.0F)), 0x80000000U) << "-0 + -0";
  EXPECT_EQ(bits_of(mac(-0.0F, 1.0F, 0.0F)), 0U) << "-0 + +0";
  EXPECT_EQ(bits_of(mac(1.0F, -1.0F, 1.0F)), 0U) << "1 - 1";
}

}  // namespace
}  // namespace potomac::rtl
