// The quantizer, WBC and PRC against exact arithmetic that shares no code with them.
#include "workloads/quantizer/als_potq.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <bit>
#include <boost/multiprecision/cpp_int.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "support/error.hpp"

namespace potomac::workloads {
namespace {

using Rational = boost::multiprecision::cpp_rational;
using testing::HasSubstr;

constexpr float kLargest = std::numeric_limits<float>::max();
constexpr float kSmallest = std::numeric_limits<float>::denorm_min();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr Rounding kRoundings[] = {Rounding::kLog2, Rounding::kLinear};

std::uint32_t bits_of(float value) {
  return std::bit_cast<std::uint32_t>(value);
}
float float_of(std::uint32_t bits) {
  return std::bit_cast<float>(bits);
}

Shape flat_shape(const std::vector<float>& values) {
  return {static_cast<std::int64_t>(values.size())};
}

// --- the definition, in binary64, where x^2 of a binary32 x is exact and so is every 2^n here ----

// round(log2 |x|): n such that 2^(n - 1/2) < |x| < 2^(n + 1/2), or |x| in [0.75 * 2^n, 1.5 * 2^n).
int rounded_log2(float value, Rounding rounding) {
  const double x = std::fabs(static_cast<double>(value));
  const int n = std::ilogb(x);
  const bool up =
      rounding == Rounding::kLog2 ? x * x > std::ldexp(2.0, 2 * n) : 2.0 * x >= std::ldexp(3.0, n);
  return up ? n + 1 : n;
}

struct Reference {
  int beta = 0;
  std::vector<rtl::PotCode> codes;
};

// The codes' bits too are put together by arithmetic.
Reference reference_quantize(const std::vector<float>& values, int bits, Rounding rounding) {
  const int e_max = (1 << (bits - 2)) - 1;
  const int half = 1 << (bits - 1);
  float largest = 0.0F;
  for (const float value : values) {
    largest = std::max(largest, std::fabs(value));
  }
  Reference reference;
  reference.beta = largest > 0.0F ? rounded_log2(largest, rounding) - e_max : 0;
  for (const float value : values) {
    int code = half / 2;
    if (value != 0.0F) {
      const int e = rounded_log2(value, rounding) - reference.beta;
      if (e >= -e_max) {
        code = (value < 0.0F ? half : 0) + (e + half) % half;
      }
    }
    reference.codes.push_back(static_cast<rtl::PotCode>(code));
  }
  return reference;
}

void expect_as_defined(const std::vector<float>& values, int bits, Rounding rounding) {
  const QuantizedTensor tensor = als_potq(values, flat_shape(values), bits, rounding, "x");
  const Reference reference = reference_quantize(values, bits, rounding);
  ASSERT_EQ(tensor.beta, reference.beta) << bits << " bits";
  ASSERT_EQ(tensor.bits, bits);
  ASSERT_EQ(tensor.shape, flat_shape(values));
  ASSERT_EQ(tensor.codes.size(), values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    ASSERT_EQ(tensor.codes[i], reference.codes[i])
        << bits << " bits, value " << std::hexfloat << values[i] << ", beta " << std::dec
        << tensor.beta;
  }
}

void expect_as_defined(const std::vector<float>& values) {
  for (int bits = rtl::kMinPotBits; bits <= rtl::kMaxPotBits; ++bits) {
    for (const Rounding rounding : kRoundings) {
      expect_as_defined(values, bits, rounding);
    }
  }
}

// --- ALS-PoTQ ------------------------------------------------------------------------------------

TEST(AlsPotq, SwitchesAtSqrtTwoAndOneAndAHalfInEveryBinade) {
  for (int n = -149; n <= 127; ++n) {
    for (const double point : {1.0, std::sqrt(2.0), 1.5, 1.9999999}) {
      const auto at = static_cast<float>(std::ldexp(point, n));
      std::vector<float> neighbours = {at, std::nextafter(at, 0.0F), std::nextafter(at, kInfinity)};
      neighbours.push_back(std::nextafter(neighbours[1], 0.0F));
      neighbours.push_back(std::nextafter(neighbours[2], kInfinity));
      for (const float value : neighbours) {
        if (std::isfinite(value) && value != 0.0F) {
          // Alone it sets the scale; with a power of two beside it, it is scaled.
          expect_as_defined({value, -value}, 5, Rounding::kLog2);
          expect_as_defined({value, -value}, 5, Rounding::kLinear);
          const float power = static_cast<float>(std::ldexp(1.0, std::min(n + 3, 127)));
          expect_as_defined({value, power, -value}, 5, Rounding::kLog2);
          expect_as_defined({value, power, -value}, 5, Rounding::kLinear);
        }
      }
    }
  }
}

TEST(AlsPotq, TieOfLinearRoundingGoesUpAndItsNeighbourDown) {
  const std::vector<float> values = {1.0F, 1.5F, std::nextafter(1.5F, 0.0F), 8.0F, -1.5F};
  const QuantizedTensor tensor = als_potq(values, {5}, 5, Rounding::kLinear, "x");
  EXPECT_EQ(tensor.beta, 3 - 7);
  const rtl::PotFormat format(5);
  EXPECT_EQ(tensor.codes,
            (std::vector<rtl::PotCode>{format.encode(false, 4), format.encode(false, 5),
                                       format.encode(false, 4), format.encode(false, 7),
                                       format.encode(true, 5)}));
}

// The worked example of docs/number-formats.md.
TEST(AlsPotq, WorkedExampleOfTheDocumentation) {
  const QuantizedTensor tensor =
      als_potq(std::vector<float>{12.0F, -3.0F, 0.02F, 0.01F}, {4}, 5, Rounding::kLog2, "x");
  EXPECT_EQ(tensor.beta, -3);
  EXPECT_EQ(tensor.codes, (std::vector<rtl::PotCode>{0x07, 0x15, 0x0D, 0x0C}));
}

TEST(AlsPotq, EveryMantissaOfABinade) {
  std::vector<float> values(1U << 23U);
  // Subnormals span 23 binades, all within the range of 8 bits; 1.0 .. 2.0 is one binade.
  for (const std::uint32_t field : {0U, 127U}) {
    for (std::uint32_t mantissa = 0; mantissa < values.size(); ++mantissa) {
      values[mantissa] = float_of((field << 23U) | mantissa);
    }
    for (const Rounding rounding : kRoundings) {
      const QuantizedTensor tensor = als_potq(values, flat_shape(values), 8, rounding, "x");
      const int beta = rounded_log2(values.back(), rounding) - 63;
      ASSERT_EQ(tensor.beta, beta);
      const rtl::PotFormat format(8);
      for (std::size_t i = field == 0 ? 1 : 0; i < values.size(); ++i) {
        if (format.is_zero(tensor.codes[i]) ||
            format.exponent(tensor.codes[i]) != rounded_log2(values[i], rounding) - beta) {
          FAIL() << std::hexfloat << values[i] << " has code " << +tensor.codes[i];
        }
      }
    }
  }
}

TEST(AlsPotq, RandomTensorsOfAnySpread) {
  std::mt19937 random(3);
  for (const std::uint32_t fields : {1U, 3U, 30U, 120U, 255U}) {
    for (int round = 0; round < 6; ++round) {
      const std::uint32_t base = static_cast<std::uint32_t>(random()) % (256U - fields);
      std::vector<float> values;
      for (int i = 0; i < 500; ++i) {
        const std::uint32_t field =
            std::min(base + static_cast<std::uint32_t>(random()) % fields, 254U);
        values.push_back(
            float_of((static_cast<std::uint32_t>(random()) & 0x807FFFFFU) | (field << 23U)));
      }
      values.push_back(0.0F);
      values.push_back(-0.0F);
      expect_as_defined(values);
    }
  }
}

TEST(AlsPotq, SaysWhichZerosWereZeroAndWhichAreTooSmall) {
  const auto quantized = [](const std::vector<float>& values) {
    return *als_potq(values, {static_cast<std::int64_t>(values.size())}, 5, Rounding::kLog2, "t")
                .zeros;
  };
  EXPECT_EQ(quantized({1.0F, 0.0F, -0.0F, 1e-10F, -1e-40F, 0.5F}), (ZeroOrigins{2, 2}));
  EXPECT_EQ(quantized({0.0F, 0.0F, 0.0F}), (ZeroOrigins{3, 0}));
  EXPECT_EQ(quantized({-2.0F}), (ZeroOrigins{0, 0}));
}

TEST(AlsPotq, SmallestKeptAndLargestLostMagnitudeOfEveryWidth) {
  for (int bits = rtl::kMinPotBits; bits <= rtl::kMaxPotBits; ++bits) {
    const rtl::PotFormat format(bits);
    const float top = 0x1p60F;
    // 2^(60 - 2 e_max) is exponent -e_max; the switch to it lies at 1/sqrt(2) of that.
    const double lowest = std::ldexp(1.0, 60 - 2 * format.e_max());
    const auto below = static_cast<float>(lowest * 0.7071067);
    const auto above = static_cast<float>(lowest * 0.7071069);
    const QuantizedTensor tensor =
        als_potq(std::vector<float>{top, above, below, -above}, {4}, bits, Rounding::kLog2, "x");
    EXPECT_EQ(tensor.codes,
              (std::vector<rtl::PotCode>{format.encode(false, format.e_max()),
                                         format.encode(false, -format.e_max()), format.zero(),
                                         format.encode(true, -format.e_max())}));
  }
}

TEST(AlsPotq, ZerosOfBothSignsAreTheCanonicalZero) {
  for (int bits = rtl::kMinPotBits; bits <= rtl::kMaxPotBits; ++bits) {
    const rtl::PotFormat format(bits);
    const QuantizedTensor zeros =
        als_potq(std::vector<float>{0.0F, -0.0F, 0.0F}, {3, 1}, bits, Rounding::kLog2, "x");
    EXPECT_EQ(zeros.beta, 0);
    EXPECT_EQ(zeros.shape, (Shape{3, 1}));
    EXPECT_EQ(zeros.codes, std::vector<rtl::PotCode>(3, format.zero()));
    const QuantizedTensor mixed =
        als_potq(std::vector<float>{-0.0F, -1.0F, -1e-30F}, {3}, bits, Rounding::kLog2, "x");
    EXPECT_EQ(mixed.codes[0], format.zero());
    if (bits < 8) {
      EXPECT_EQ(mixed.codes[2], format.zero()) << "a negative value that vanishes has no sign";
    }
  }
}

TEST(AlsPotq, EndsOfTheFloatRange) {
  expect_as_defined({kLargest});
  expect_as_defined({-kLargest, 1.0F, kSmallest});
  expect_as_defined({kSmallest});
  expect_as_defined({kSmallest, 2 * kSmallest, 3 * kSmallest, -kSmallest});
  expect_as_defined({0x1p-126F, std::nextafter(0x1p-126F, 0.0F), kSmallest});
  // The largest float rounds to 2^128, and the scale says so.
  EXPECT_EQ(als_potq(std::vector<float>{kLargest}, {1}, 5, Rounding::kLog2, "x").beta, 128 - 7);
  EXPECT_EQ(als_potq(std::vector<float>{kSmallest}, {1}, 8, Rounding::kLog2, "x").beta, -149 - 63);
}

std::string refusal(const std::vector<float>& values, const std::string& name) {
  try {
    als_potq(values, flat_shape(values), 5, Rounding::kLog2, name);
    return "";
  } catch (const InputError& error) {
    return error.what();
  }
}

TEST(AlsPotq, NanAndInfinityNameTensorAndFirstIndex) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(refusal({1.0F, 2.0F, nan, kInfinity}, "conv1.A"),
              HasSubstr("tensor conv1.A, index 2: is not a number"));
  EXPECT_THAT(refusal({-kInfinity, nan}, "fc.G"), HasSubstr("tensor fc.G, index 0: is infinite"));
  EXPECT_THAT(refusal({float_of(0xFF800001)}, "w"), HasSubstr("index 0: is not a number"));
  EXPECT_EQ(refusal({kLargest}, "w"), "");
}

TEST(AlsPotq, EmptyTensorIsRefusedByName) {
  EXPECT_THAT(refusal({}, "fc.W"), HasSubstr("tensor fc.W: has no elements"));
}

// --- WBC -----------------------------------------------------------------------------------------

Rational exact(float value) {
  if (value == 0.0F) {
    return 0;
  }
  int exponent = 0;
  const auto mantissa = static_cast<std::int64_t>(std::ldexp(std::frexp(value, &exponent), 24));
  exponent -= 24;
  const boost::multiprecision::cpp_int power = boost::multiprecision::cpp_int(1)
                                               << static_cast<unsigned>(std::abs(exponent));
  return exponent < 0 ? Rational(mantissa, power) : Rational(mantissa * power);
}

// The nearest binary32 by comparing neighbours' distances; a tie goes to the even one. Zero is +0.
float nearest(const Rational& value) {
  const auto guess = static_cast<float>(value.convert_to<double>());
  float best = guess;
  Rational distance = abs(exact(guess) - value);
  for (const float candidate :
       {std::nextafter(guess, -kInfinity), std::nextafter(guess, kInfinity)}) {
    if (!std::isfinite(candidate)) {
      continue;
    }
    const Rational other = abs(exact(candidate) - value);
    if (other < distance || (other == distance && bits_of(candidate) % 2 == 0)) {
      best = candidate;
      distance = other;
    }
  }
  return best == 0.0F ? 0.0F : best;
}

float reference_mean(const std::vector<float>& values) {
  Rational sum = 0;
  for (const float value : values) {
    sum += exact(value);
  }
  return nearest(sum / static_cast<std::int64_t>(values.size()));
}

// Compares bits, so that the sign of a zero counts.
void expect_mean(const std::vector<float>& values) {
  ASSERT_EQ(bits_of(exact_mean(values)), bits_of(reference_mean(values)))
      << std::hexfloat << exact_mean(values) << " of " << testing::PrintToString(values);
}

TEST(ExactMean, IsTheRationalMeanRoundedOnceOnRandomValues) {
  std::mt19937 random(5);
  for (int round = 0; round < 400; ++round) {
    const std::uint32_t fields = round % 2 == 0 ? 254 : 4;
    const std::uint32_t base = static_cast<std::uint32_t>(random()) % (255U - fields);
    std::vector<float> values;
    const std::size_t count = 1 + random() % 24;
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint32_t field = base + static_cast<std::uint32_t>(random()) % fields;
      auto mantissa = static_cast<std::uint32_t>(random());
      if (random() % 2 == 0) {
        mantissa &= 0x80700001U;  // few bits: ties come up
      }
      values.push_back(float_of((mantissa & 0x807FFFFFU) | (field << 23U)));
    }
    expect_mean(values);
  }
}

TEST(ExactMean, RoundsTiesToEven) {
  const float next = std::nextafter(1.0F, 2.0F);
  expect_mean({1.0F, next});
  expect_mean({next, std::nextafter(next, 2.0F)});
  expect_mean({-1.0F, -next});
  expect_mean({kSmallest, 0.0F});
  expect_mean({3 * kSmallest, 0.0F});
  EXPECT_EQ(exact_mean(std::vector<float>{1.0F, next}), 1.0F);
  EXPECT_EQ(exact_mean(std::vector<float>{next, std::nextafter(next, 2.0F)}),
            std::nextafter(next, 2.0F));
}

TEST(ExactMean, SurvivesCancellation) {
  expect_mean({kLargest, 1.0F, -kLargest});
  expect_mean({kLargest, kSmallest, -kLargest});
  expect_mean({1e30F, 1.0F, -1e30F, 1e-30F});
  expect_mean({1.0F, -1.0F});
  expect_mean({0x1p24F, 1.0F, -0x1p24F, -1.0F, 0x1p-149F});
  EXPECT_EQ(exact_mean(std::vector<float>{1e30F, 3.0F, -1e30F}), 1.0F);
}

TEST(ExactMean, NeverOverflowsNorFlushesSubnormals) {
  expect_mean(std::vector<float>(7, kLargest));
  expect_mean(std::vector<float>(7, -kLargest));
  expect_mean(std::vector<float>(9, kSmallest));
  expect_mean({0x1p-126F, -kSmallest});
  expect_mean({0x1p-126F, 0x1p-126F, -0x1.8p-127F});
  EXPECT_EQ(exact_mean(std::vector<float>(1000, kLargest)), kLargest);
}

TEST(ExactMean, ZeroIsPositive) {
  EXPECT_EQ(bits_of(exact_mean(std::vector<float>{-0.0F})), 0U);
  EXPECT_EQ(bits_of(exact_mean(std::vector<float>{1.0F, -1.0F})), 0U);
  EXPECT_EQ(bits_of(exact_mean(std::vector<float>{-kSmallest, 0.0F, 0.0F})), 0U)
      << "a negative mean that rounds to zero";
}

RC_GTEST_PROP(ExactMean, DoesNotDependOnTheOrder, ()) {
  auto values = *rc::gen::container<std::vector<float>>(
      rc::gen::map(rc::gen::arbitrary<std::uint32_t>(), [](std::uint32_t bits) {
        const float value = float_of(bits * 0x9E3779B9U);
        return std::isfinite(value) ? value : 1.0F;
      }));
  RC_PRE(!values.empty());
  const float mean = exact_mean(values);
  RC_ASSERT(bits_of(mean) == bits_of(reference_mean(values)));
  std::mt19937 random(*rc::gen::arbitrary<std::uint32_t>());
  std::shuffle(values.begin(), values.end(), random);
  RC_ASSERT(bits_of(exact_mean(values)) == bits_of(mean));
}

TEST(WeightBiasCorrection, SubtractsTheMeanWithOneRounding) {
  const std::vector<float> values = {0.1F, 0.2F, 0.4F, -0.3F};
  const float mean = reference_mean(values);
  const std::vector<float> corrected = weight_bias_corrected(values, "x");
  ASSERT_EQ(corrected.size(), values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(corrected[i], nearest(exact(values[i]) - exact(mean)));
  }
}

TEST(WeightBiasCorrection, OfAConstantIsZero) {
  EXPECT_EQ(weight_bias_corrected(std::vector<float>(5, 0.3F), "x"), std::vector<float>(5, 0.0F));
  EXPECT_EQ(weight_bias_corrected(std::vector<float>(5, -kLargest), "x"),
            std::vector<float>(5, 0.0F));
}

std::string bias_refusal(const std::vector<float>& values) {
  try {
    weight_bias_corrected(values, "fc.W");
    return "";
  } catch (const InputError& error) {
    return error.what();
  }
}

TEST(WeightBiasCorrection, ADifferenceBeyondTheFloatRangeIsRefusedForWhatItIs) {
  // The mean is half of the largest float, away from the one value of the other sign.
  EXPECT_EQ(bias_refusal({-kLargest, -kLargest, kLargest, -kLargest}),
            "tensor fc.W, index 2: subtracting the tensor's mean leaves FP32's range; look for the "
            "step that diverged");
  EXPECT_THAT(bias_refusal({kLargest, -kLargest, kLargest, kLargest}), HasSubstr("index 1: "));
}

TEST(WeightBiasCorrection, ADifferenceOfExactlyTheLargestFloatIsInRange) {
  const float below = -13981013.0F * 0x1p104F;  // with it three times the mean is -2^127
  const float first = kLargest - 0x1p127F;
  const std::vector<float> values = {first, below, below, below};
  EXPECT_EQ(exact_mean(values), -0x1p127F);
  EXPECT_EQ(weight_bias_corrected(values, "x").front(), kLargest);
  EXPECT_THAT(bias_refusal({std::nextafter(first, kInfinity), below, below, below}),
              HasSubstr("index 0: "));
}

// --- PRC -----------------------------------------------------------------------------------------

TEST(RatioClipping, BringsLargerMagnitudesToTheThreshold) {
  EXPECT_EQ(ratio_clipped(std::vector<float>{1.0F, -8.0F, 4.0F, -4.0F, 5.0F}, 0.5F),
            (std::vector<float>{1.0F, -4.0F, 4.0F, -4.0F, 4.0F}));
}

TEST(RatioClipping, GammaOfOneChangesNothing) {
  const std::vector<float> values = {1.0F, -8.0F, 0.0F, -0.0F, kSmallest};
  const std::vector<float> clipped = ratio_clipped(values, 1.0F);
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(bits_of(clipped[i]), bits_of(values[i]));
  }
}

TEST(RatioClipping, ThresholdIsOneRoundedProduct) {
  const float gamma = 0.95F;
  const float largest = 0.7F;
  const float threshold = nearest(exact(gamma) * exact(largest));
  const std::vector<float> values = {-largest, threshold, std::nextafter(threshold, 1.0F),
                                     std::nextafter(threshold, 0.0F)};
  EXPECT_EQ(ratio_clipped(values, gamma),
            (std::vector<float>{-threshold, threshold, threshold, values[3]}));
}

TEST(RatioClipping, ThresholdThatUnderflowsClipsNothing) {
  const std::vector<float> values = {kSmallest, -kSmallest, 0.0F};
  EXPECT_EQ(ratio_clipped(values, 0.25F), values);
  // Just above the tie of the smallest subnormal it does not underflow.
  EXPECT_EQ(ratio_clipped(std::vector<float>{3 * kSmallest, kSmallest}, 0.25F),
            (std::vector<float>{kSmallest, kSmallest}));
}

TEST(RatioClipping, ZerosAndNothingStayAsTheyAre) {
  EXPECT_EQ(ratio_clipped(std::vector<float>{0.0F, -0.0F}, 0.5F),
            (std::vector<float>{0.0F, -0.0F}));
  EXPECT_TRUE(ratio_clipped({}, 0.5F).empty());
}

}  // namespace
}  // namespace potomac::workloads
