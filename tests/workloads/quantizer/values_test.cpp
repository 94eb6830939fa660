// Quantization from values to values is that to codes and back; stochastic rounding is unbiased.
#include "workloads/quantizer/values.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <vector>

#include "workloads/quantizer/als_potq.hpp"

namespace potomac::workloads {
namespace {

constexpr float kLargestFloat = std::numeric_limits<float>::max();
constexpr float kSmallestFloat = std::numeric_limits<float>::denorm_min();

// The value of a code: the nearest finite magnitude that is not zero.
float value_of(const QuantizedTensor& tensor, std::size_t index) {
  const rtl::PotFormat format = tensor.format();
  const rtl::PotCode code = tensor.codes[index];
  if (format.is_zero(code)) {
    return 0.0F;
  }
  const double magnitude = std::ldexp(1.0, format.exponent(code) + tensor.beta);
  const double finite = std::clamp<double>(magnitude, kSmallestFloat, kLargestFloat);
  return static_cast<float>(format.is_negative(code) ? -finite : finite);
}

std::vector<float> quantized_values(const std::vector<float>& x, int bits, Rounding rounding,
                                    std::uint64_t key, int threads = 1) {
  const auto count = static_cast<std::int64_t>(x.size());
  const std::uint32_t largest = largest_magnitude(x.data(), count, 0.0F, threads);
  std::vector<float> values(x.size());
  workloads::quantized_values(x.data(), values.data(), count, 0.0F, largest, bits,
                              static_cast<std::int32_t>(rounding), key, threads);
  return values;
}

void expect_values_of_the_codes(const std::vector<float>& x, int bits, Rounding rounding,
                                std::uint64_t key) {
  const QuantizedTensor tensor =
      als_potq(x, {static_cast<std::int64_t>(x.size())}, bits, rounding, "x", key);
  const std::vector<float> values = quantized_values(x, bits, rounding, key);
  for (std::size_t i = 0; i < x.size(); ++i) {
    ASSERT_EQ(values[i], value_of(tensor, i))
        << bits << " bits, x = " << std::hexfloat << x[i] << ", beta " << tensor.beta;
  }
}

// Magnitudes of up to `fields` neighbouring exponent fields, and zeros.
rc::Gen<std::vector<float>> tensors() {
  return rc::gen::exec([] {
    const int fields = *rc::gen::element(1, 3, 14, 40, 255);
    const int base = *rc::gen::inRange(0, 256 - fields);
    const auto element = rc::gen::exec([=] {
      const auto field = static_cast<std::uint32_t>(base + *rc::gen::inRange(0, fields));
      const auto rest = *rc::gen::arbitrary<std::uint32_t>() & 0x807FFFFF;
      const bool is_zero = *rc::gen::inRange(0, 8) == 0;
      return std::bit_cast<float>(is_zero ? rest & 0x80000000 : rest | std::min(field, 254U) << 23);
    });
    return *rc::gen::nonEmpty(rc::gen::container<std::vector<float>>(element));
  });
}

RC_GTEST_PROP(Values, AreThoseOfTheCodes, ()) {
  const std::vector<float> x = *tensors();
  const int bits = *rc::gen::inRange(3, 9);
  const auto key = *rc::gen::arbitrary<std::uint64_t>();
  for (const Rounding rounding : {Rounding::kLog2, Rounding::kLinear, Rounding::kStochastic}) {
    expect_values_of_the_codes(x, bits, rounding, key);
  }
}

TEST(Values, AtTheEndsOfTheRange) {
  for (const Rounding rounding : {Rounding::kLog2, Rounding::kLinear, Rounding::kStochastic}) {
    for (int bits = 3; bits <= 8; ++bits) {
      expect_values_of_the_codes({kLargestFloat, -1.0F, kSmallestFloat}, bits, rounding, 1);
      expect_values_of_the_codes({kSmallestFloat, 3 * kSmallestFloat, 0.0F}, bits, rounding, 1);
      expect_values_of_the_codes({0.0F, -0.0F}, bits, rounding, 1);
    }
  }
}

RC_GTEST_PROP(Values, OfAMeanAndALimitAreThoseOfTheTensorBroughtThere, ()) {
  const std::vector<float> x = *tensors();
  const float mean = *rc::gen::element(0.0F, 0.25F, -1e-20F);
  const float gamma = static_cast<float>(*rc::gen::inRange(1, 1001)) / 1000.0F;
  const auto count = static_cast<std::int64_t>(x.size());
  std::vector<float> moved = x;
  for (float& value : moved) {
    value -= mean;
    RC_PRE(std::isfinite(value));
  }
  const std::vector<float> clipped = ratio_clipped(moved, gamma);
  const std::uint32_t largest = largest_magnitude(x.data(), count, mean, 1);
  RC_ASSERT(largest == largest_magnitude(moved.data(), count, 0.0F, 1));
  const float limit = gamma * std::bit_cast<float>(largest);
  const std::uint32_t brought_to = limit > 0.0F ? std::bit_cast<std::uint32_t>(limit) : largest;
  std::vector<float> values = x;  // in place
  workloads::quantized_values(values.data(), values.data(), count, mean, brought_to, 5, 0, 0, 1);
  RC_ASSERT(values == quantized_values(clipped, 5, Rounding::kLog2, 0));
}

RC_GTEST_PROP(Values, AWholeTensorIsCorrectedThenClippedThenQuantized, ()) {
  const std::vector<float> x = *tensors();
  const bool corrected = *rc::gen::arbitrary<bool>();
  const float gamma = static_cast<float>(*rc::gen::inRange(0, 1001)) / 1000.0F;
  const int bits = *rc::gen::inRange(3, 9);
  const auto rounding = *rc::gen::element(Rounding::kLog2, Rounding::kLinear);
  std::vector<float> prepared = x;
  if (corrected) {
    const float mean = exact_mean(x);
    for (float& value : prepared) {
      value -= mean;
      RC_PRE(std::isfinite(value));
    }
  }
  if (gamma > 0.0F) {
    prepared = ratio_clipped(prepared, gamma);
  }
  std::vector<float> values(x.size());
  const Prepared seen =
      quantized_tensor(x.data(), values.data(), static_cast<std::int64_t>(x.size()),
                       {corrected, gamma, bits, static_cast<std::int32_t>(rounding), 0}, 1);
  RC_ASSERT(values == quantized_values(prepared, bits, rounding, 0));
  const QuantizedTensor codes =
      als_potq(prepared, {static_cast<std::int64_t>(x.size())}, bits, rounding, "x", 0);
  RC_ASSERT(seen.beta == codes.beta);
}

TEST(Values, AWholeTensorThatIsNotFiniteIsLeftAlone) {
  const float infinity = std::numeric_limits<float>::infinity();
  const float most = std::numeric_limits<float>::max();
  const std::vector<std::vector<float>> tensors{
      {1.0F, infinity}, {most, -most, -most, -most, -most}};  // less its mean, it is infinite
  for (const std::vector<float>& x : tensors) {
    std::vector<float> values(x.size(), 7.0F);
    const Prepared seen = quantized_tensor(
        x.data(), values.data(), static_cast<std::int64_t>(x.size()), {.corrected = true}, 1);
    EXPECT_GE(std::max(seen.largest, seen.moved), 0x7F800000U);
    EXPECT_EQ(values, std::vector<float>(x.size(), 7.0F));
  }
}

TEST(Values, LargestMagnitudeShowsWhatIsNotFinite) {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float bad : {infinity, -infinity, std::numeric_limits<float>::quiet_NaN()}) {
    std::vector<float> x(1000, 1.0F);
    x[777] = bad;
    EXPECT_GE(largest_magnitude(x.data(), 1000, 0.0F, 1), 0x7F800000U);
  }
}

// Blocks begin where they do whatever the number of threads; every element has its own random bits.
TEST(Values, OfManyThreadsAreThoseOfOne) {
  std::vector<float> x(300'001);
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = std::bit_cast<float>(static_cast<std::uint32_t>(random_bits(7, i) & 0xBFFFFFFF));
  }
  for (const Rounding rounding : {Rounding::kLog2, Rounding::kStochastic}) {
    EXPECT_EQ(quantized_values(x, 8, rounding, 9, 1), quantized_values(x, 8, rounding, 9, 4));
  }
}

// --- stochastic rounding -------------------------------------------------------------------------

// Twice the standard error of a coin's mean is exceeded now and then, six times never.
void expect_unbiased(float x, float top, int bits) {
  constexpr int kDraws = 200'000;
  std::vector<float> tensor(kDraws, x);
  tensor.push_back(top);
  const std::vector<float> values = quantized_values(tensor, bits, Rounding::kStochastic, 42);
  const std::set<float> taken(values.begin(), values.end() - 1);
  ASSERT_LE(taken.size(), 2U);
  double sum = 0.0;
  for (int i = 0; i < kDraws; ++i) {
    sum += values[static_cast<std::size_t>(i)];
  }
  const double low = *taken.begin();
  const double high = *taken.rbegin();
  const double error = std::sqrt((high - x) * (x - low) / kDraws);
  EXPECT_NEAR(sum / kDraws, x, 6.0 * error + 1e-12 * std::fabs(x)) << low << " or " << high;
}

TEST(StochasticRounding, HasTheElementAsItsExpectation) {
  for (const float x : {1.0F, 1.25F, 1.5F, 1.999F, -1.1F, 0.75F, 0.01F, 0.0123F, -0.0001F}) {
    for (const int bits : {4, 5, 6}) {
      expect_unbiased(x, 2.0F, bits);
    }
  }
  expect_unbiased(1.7F, 1.7F, 5);                              // the largest itself
  expect_unbiased(5 * kSmallestFloat, 6 * kSmallestFloat, 4);  // subnormal numbers
  expect_unbiased(0x1.8p-140F, 0x1p-120F, 5);                  // and those that underflow
}

// The threshold that a uniform number of 64 bits is compared with, by its definition.
TEST(StochasticRounding, SurvivesWithTheProbabilityOfTheRatio) {
  for (std::uint32_t below = 1; below <= 70; ++below) {
    for (const std::uint32_t significand : {0x800000U, 0xFFFFFFU, 0xABCDEFU}) {
      const long double share =
          std::ldexp(static_cast<long double>(significand), -23 - static_cast<int>(below));
      const auto threshold = static_cast<std::uint64_t>(std::ldexp(share, 64));
      if (threshold > 0) {
        EXPECT_TRUE(survives(significand, below, threshold - 1));
      }
      EXPECT_FALSE(survives(significand, below, threshold)) << below;
    }
  }
}

// The first numbers of SplitMix64 from the state 1234567, as its author's program prints them.
TEST(StochasticRounding, RandomBitsAreSplitMix64s) {
  const std::uint64_t expected[] = {6457827717110365317U, 3203168211198807973U,
                                    9817491932198370423U, 4593380528125082431U,
                                    16408922859458223821U};
  for (std::uint64_t i = 0; i < 5; ++i) {
    EXPECT_EQ(random_bits(1234567, i), expected[i]);
  }
}

TEST(StochasticRounding, DrawsByKeyAlone) {
  const std::vector<float> x(100, 1.5F);
  const auto codes = [&](std::uint64_t key) {
    return als_potq(x, {100}, 5, Rounding::kStochastic, "x", key).codes;
  };
  EXPECT_EQ(codes(1), codes(1));
  EXPECT_NE(codes(1), codes(2));
}

TEST(StochasticRounding, ScalesByThePowerAboveTheLargest) {
  const auto beta = [](float largest) {
    return als_potq(std::vector<float>{largest}, {1}, 5, Rounding::kStochastic, "x").beta;
  };
  EXPECT_EQ(beta(2.0F), 1 - 7);
  EXPECT_EQ(beta(std::nextafter(2.0F, 3.0F)), 2 - 7);
}

}  // namespace
}  // namespace potomac::workloads
