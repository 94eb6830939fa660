#include "workloads/layers/tensor_statistics.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <numeric>

#include "tests/workloads/sources/trace_samples.hpp"

namespace potomac::workloads {
namespace {

TEST(TensorStatistics, CountsSignsZerosAndExponents) {
  const rtl::PotFormat format(5);
  const QuantizedTensor tensor{
      .shape = {2, 3},
      .bits = 5,
      .beta = -3,
      .codes = {format.zero(), format.encode(false, -7), format.encode(true, -7),
                format.encode(false, 0), format.encode(true, 7), format.zero()}};
  const TensorStatistics statistics = statistics_of(tensor);
  EXPECT_EQ(statistics.elements, 6);
  EXPECT_EQ(statistics.zeros, 2);
  EXPECT_EQ(statistics.positives, 2);
  EXPECT_EQ(statistics.negatives, 2);
  EXPECT_EQ(statistics.e_max, 7);
  EXPECT_EQ(statistics.exponents.size(), 15U);
  EXPECT_EQ(statistics.count_of(-7), 2);
  EXPECT_EQ(statistics.count_of(0), 1);
  EXPECT_EQ(statistics.count_of(7), 1);
  EXPECT_EQ(statistics.count_of(3), 0);
  EXPECT_DOUBLE_EQ(statistics.zero_share(), 2.0 / 6.0);
}

RC_GTEST_PROP(TensorStatistics, AgreeWithCountingOneByOne, ()) {
  const int bits = *rc::gen::inRange(rtl::kMinPotBits, rtl::kMaxPotBits + 1);
  const auto elements = *rc::gen::inRange<std::int64_t>(1, 300);
  const QuantizedTensor tensor =
      random_tensor({elements}, bits, 0, *rc::gen::arbitrary<std::uint64_t>());
  TensorStatistics expected;
  expected.elements = elements;
  expected.e_max = (1 << (bits - 2)) - 1;
  expected.exponents.resize(static_cast<std::size_t>(2 * expected.e_max + 1));
  const rtl::PotFormat format(bits);
  for (const rtl::PotCode code : tensor.codes) {
    if (format.is_zero(code)) {
      ++expected.zeros;
    } else {
      ++(format.is_negative(code) ? expected.negatives : expected.positives);
      ++expected.exponents[static_cast<std::size_t>(format.exponent(code) + expected.e_max)];
    }
  }
  RC_ASSERT(statistics_of(tensor) == expected);
}

}  // namespace
}  // namespace potomac::workloads
