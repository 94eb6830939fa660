#include "sim/studies/pass_sums.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "support/error.hpp"

namespace potomac::sim {
namespace {

workloads::QuantizedTensor drawn_matrices(workloads::Shape shape, int bits) {
  workloads::QuantizedTensor tensor;
  tensor.shape = std::move(shape);
  tensor.bits = bits;
  tensor.beta = *rc::gen::inRange(-9, 9);
  const rtl::PotFormat format(bits);
  for (std::int64_t i = 0; i < workloads::element_count(tensor.shape); ++i) {
    const int e = *rc::gen::inRange(-format.e_max() - 1, format.e_max() + 1);
    tensor.codes.push_back(e < -format.e_max() ? format.zero()
                                               : format.encode(*rc::gen::arbitrary<bool>(), e));
  }
  return tensor;
}

RC_GTEST_PROP(GemmSums, AreTheSequentialOnesOfEachBatch, ()) {
  const auto extent = [] { return *rc::gen::inRange<std::int64_t>(1, 9); };
  const std::int64_t batches = *rc::gen::inRange<std::int64_t>(1, 4);
  const std::int64_t m = extent();
  const std::int64_t n = extent();
  const std::int64_t k = *rc::gen::inRange<std::int64_t>(1, 50);
  const auto first = drawn_matrices({batches, m, k}, *rc::gen::inRange(3, 6));
  const auto second = drawn_matrices({batches, k, n}, *rc::gen::inRange(3, 6));
  rtl::AccumulatorConfig config;
  config.bits = *rc::gen::inRange(30, 40);
  config.overflow = *rc::gen::element(rtl::Overflow::kWrap, rtl::Overflow::kSaturate);
  const rtl::Accumulator accumulator = rtl::resolve(config, first.format(), second.format(), k);

  std::vector<std::int64_t> expected;
  std::uint64_t overflows = 0;
  for (std::int64_t b = 0; b < batches; ++b) {
    for (std::int64_t i = 0; i < m; ++i) {
      for (std::int64_t j = 0; j < n; ++j) {
        rtl::Sum sum{0, 0};
        for (std::int64_t d = 0; d < k; ++d) {
          const auto x = first.codes[static_cast<std::size_t>((b * m + i) * k + d)];
          const auto y = second.codes[static_cast<std::size_t>((b * k + d) * n + j)];
          if (first.format().is_zero(x) || second.format().is_zero(y)) {
            continue;
          }
          const int shift =
              first.format().exponent(x) + second.format().exponent(y) - accumulator.lsb;
          const bool negative = first.format().is_negative(x) != second.format().is_negative(y);
          const std::int64_t product = std::int64_t{1} << shift;
          sum = rtl::add(accumulator, sum.value, negative ? -product : product);
          overflows += sum.overflowed() ? 1 : 0;
        }
        expected.push_back(sum.value);
      }
    }
  }
  WorkerPool pool(2);
  const PassSums done = gemm_sums(first, second, config, "fast", {pool});
  RC_ASSERT(done.sums == expected);
  RC_ASSERT(done.shape == (workloads::ResultShape{batches, m, n}));
  RC_ASSERT(done.overflows == overflows);
  RC_ASSERT(done.dropped == 0U);
  RC_ASSERT(done.scale_exponent == accumulator.lsb + first.beta + second.beta);
}

// As many ones.
workloads::QuantizedTensor square(std::int64_t extent) {
  workloads::QuantizedTensor ones;
  ones.shape = {1, extent, extent};
  ones.codes.resize(static_cast<std::size_t>(extent * extent));
  return ones;
}

TEST(GemmSums, EndWhereTheCallerStopsThem) {
  WorkerPool pool(1);
  const std::atomic<bool> stop = true;
  EXPECT_THROW(gemm_sums(square(64), square(64), {}, "fast", {pool, nullptr, &stop}), StoppedError);
}

TEST(GemmSums, OfAnAccumulatorThatHoldsNoProductAreRefused) {
  WorkerPool pool(1);
  rtl::AccumulatorConfig narrow;
  narrow.bits = 16;
  EXPECT_THROW(gemm_sums(square(1), square(1), narrow, "fast", {pool}), InputError);
}

}  // namespace
}  // namespace potomac::sim
