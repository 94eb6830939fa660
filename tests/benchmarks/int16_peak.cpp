#include "tests/benchmarks/int16_peak.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/benchmarks/int16_peak.cpp"
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace potomac::test::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

std::uint64_t multiply_adds(std::uint64_t rounds) {
  const hn::CappedTag<std::int16_t, 32> d16;
  const hn::CappedTag<std::int32_t, 16> d32;
  // 2 x 4 chains: enough to hide the latency, and with their operands no more than 14 registers.
  constexpr std::size_t kRows = 2;
  constexpr std::size_t kCols = 4;
  constexpr std::size_t kChains = kRows * kCols;
  using Wide = hn::Vec<decltype(d32)>;
  using Narrow = hn::Vec<decltype(d16)>;
  Wide sums[kChains];
  auto unused = hn::Zero(d32);
  for (Wide& sum : sums) {
    sum = hn::Zero(d32);
  }
  Narrow a[kRows] = {hn::Iota(d16, 1), hn::Iota(d16, 5)};
  const Narrow b[kCols] = {hn::Iota(d16, 3), hn::Iota(d16, 7), hn::Iota(d16, 11),
                           hn::Iota(d16, 13)};
  for (std::uint64_t round = 0; round < rounds; ++round) {
    HWY_UNROLL(8)
    for (std::size_t i = 0; i < kChains; ++i) {
      sums[i] = hn::ReorderWidenMulAccumulate(d32, a[i / kCols], b[i % kCols], sums[i], unused);
    }
    // Operands change each round, or the products would be computed once.
    a[0] = hn::Xor(a[0], b[0]);
    a[1] = hn::Xor(a[1], b[1]);
  }
  auto total = hn::RearrangeToOddPlusEven(sums[0], unused);
  for (std::size_t i = 1; i < kChains; ++i) {
    total = hn::Add(total, sums[i]);
  }
  volatile std::int32_t sink = hn::GetLane(total);
  (void)sink;
  return rounds * kChains * hn::Lanes(d16);
}

}  // namespace potomac::test::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace potomac::test {

HWY_EXPORT(multiply_adds);

std::uint64_t int16_multiply_adds(std::uint64_t rounds) {
  return HWY_DYNAMIC_DISPATCH(multiply_adds)(rounds);
}

}  // namespace potomac::test
#endif  // HWY_ONCE
