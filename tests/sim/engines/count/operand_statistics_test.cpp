// Counts from sums over each depth against counting every product, for any number of threads.
#include "sim/engines/count/operand_statistics.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cstdint>

#include "tests/sim/engines/random_passes.hpp"

namespace potomac::test {
namespace {

sim::ProductCounts counted_one_by_one(const workloads::Gemm& gemm,
                                      const rtl::Accumulator& accumulator) {
  const rtl::PotFormat a_format = gemm.first.format();
  const rtl::PotFormat b_format = gemm.second.format();
  sim::ProductCounts counts;
  for (std::int64_t m = 0; m < gemm.m; ++m) {
    for (std::int64_t n = 0; n < gemm.n; ++n) {
      for (std::int64_t k = 0; k < gemm.k; ++k) {
        const rtl::PotCode a = gemm.first.code(m, k);
        const rtl::PotCode b = gemm.second.code(n, k);
        const bool nonzero = !a_format.is_zero(a) && !b_format.is_zero(b);
        const bool dropped =
            nonzero && a_format.exponent(a) + b_format.exponent(b) < accumulator.lsb;
        counts.macs += 1;
        counts.nonzero += nonzero ? 1 : 0;
        counts.dropped += dropped ? 1 : 0;
        counts.first_nonzero += k == 0 && nonzero ? 1 : 0;
        counts.first_kept += k == 0 && nonzero && !dropped ? 1 : 0;
      }
    }
  }
  return counts;
}

RC_GTEST_PROP(OperandStatistics, AreTheCountsOfEveryProduct, ()) {
  const workloads::Layer layer = random_layer(*rc::gen::inRange(3, 9));
  const workloads::LoweredPass pass(layer, *rc::gen::elementOf(workloads::passes_of(layer.shape)),
                                    random_lowering());
  RC_PRE(pass.count() > 0);
  const workloads::Gemm gemm = pass.gemm(*rc::gen::inRange<std::int64_t>(0, pass.count()));
  const rtl::Accumulator accumulator{
      .lsb = rtl::exact_lsb(gemm.first.format(), gemm.second.format()) + *rc::gen::inRange(0, 20)};
  const sim::ProductCounts expected = counted_one_by_one(gemm, accumulator);
  for (const unsigned threads : {1U, 3U}) {
    sim::WorkerPool pool(threads);
    RC_ASSERT(sim::count_products(gemm, accumulator, pool) == expected);
  }
}

// Many rows (so that a byte's count is full) and a depth beyond what is held at a time.
TEST(OperandStatistics, OfLongAndOfDeepOperandsAreCutInPieces) {
  for (const auto& [rows, depth] : {std::pair{1000, 3}, std::pair{3, 70000}}) {
    workloads::Layer layer;
    layer.shape.name = "000-fc";
    layer.shape.w = {2, depth};
    layer.shape.a = {rows, depth};
    layer.shape.g = {rows, 2};
    layer.w = random_tensor(layer.shape.w, 5, Data::kSparse, 1);
    layer.a = random_tensor(layer.shape.a, 5, Data::kExtreme, 2);
    const workloads::LoweredPass pass(layer, workloads::Pass::kForward, {});
    const workloads::Gemm gemm = pass.gemm(0);
    for (const int lsb : {-14, 3}) {
      const rtl::Accumulator accumulator{.lsb = lsb};
      const sim::ProductCounts expected = counted_one_by_one(gemm, accumulator);
      for (const unsigned threads : {1U, 2U, 5U}) {
        sim::WorkerPool pool(threads);
        EXPECT_EQ(sim::count_products(gemm, accumulator, pool), expected);
      }
    }
  }
}

}  // namespace
}  // namespace potomac::test
