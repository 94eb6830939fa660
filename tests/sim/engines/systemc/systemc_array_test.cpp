// The SystemC system: its cycle count against the cycles an observer sees, and GEMM after GEMM.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sim/engines/engines.hpp"
#include "sim/engines/systemc/systemc_engine.hpp"
#include "support/error.hpp"
#include "tests/sim/engines/random_passes.hpp"
#include "tests/sim/engines/reference_pass.hpp"
#include "tests/sim/engines/systemc/observed_array.hpp"

namespace potomac::test {
namespace {

using sim::ArrayShape;

workloads::Layer linear_layer(std::int64_t m, std::int64_t n, std::int64_t k, std::uint64_t seed) {
  workloads::Layer layer;
  layer.shape.name = "000-linear";
  layer.shape.w = {n, k};
  layer.shape.a = {m, k};
  layer.shape.g = {m, n};
  layer.w = random_tensor(layer.shape.w, 5, Data::kDense, seed);
  layer.a = random_tensor(layer.shape.a, 4, Data::kSparse, seed + 1);
  layer.g = random_tensor(layer.shape.g, 5, Data::kDense, seed + 2);
  return layer;
}

const rtl::MfMacUnit::Config kConfig{rtl::PotFormat(5), {48, -10, rtl::Overflow::kWrap}, true};

template <typename Body>
void for_every_array(Body body) {
  for (const std::int64_t rows : {1, 2, 3, 5}) {
    for (const std::int64_t cols : {1, 2, 4}) {
      SCOPED_TRACE(fmt::format("{} x {} array", rows, cols));
      ObservedArray array({rows, cols});
      body(ArrayShape{rows, cols}, array);
    }
  }
}

TEST(SystemCArray, TotalIsFromTheFirstOperandEnteringToTheLastResultLeaving) {
  for_every_array([](ArrayShape shape, ObservedArray& array) {
    for (const std::int64_t folds : {1, 2, 3}) {
      for (const std::int64_t k : {1, 2, 5}) {
        // Full folds only.
        const auto layer = linear_layer(shape.rows * folds, shape.cols * 2, k, 1);
        const auto gemm = workloads::LoweredPass(layer, workloads::Pass::kForward, {}).gemm(0);
        const Observation seen = array.run({layer, workloads::Pass::kForward, {}}, kConfig);
        ASSERT_EQ(seen.slots.front().cycle, 0);
        ASSERT_EQ(seen.departures.size(), static_cast<std::size_t>(gemm.m * gemm.n));
        EXPECT_EQ(static_cast<std::uint64_t>(seen.departures.back().cycle + 1),
                  seen.cycles.total());
      }
    }
  });
}

TEST(SystemCArray, APartialFoldIsNotLonger) {
  for_every_array([](ArrayShape shape, ObservedArray& array) {
    for (std::int64_t m = 1; m <= shape.rows + 1; ++m) {
      for (std::int64_t n = 1; n <= shape.cols + 1; ++n) {
        const auto layer = linear_layer(m, n, 3, 2);
        const auto gemm = workloads::LoweredPass(layer, workloads::Pass::kForward, {}).gemm(0);
        const Observation seen = array.run({layer, workloads::Pass::kForward, {}}, kConfig);
        // Row 0 leaves last and is always there; a column that is not there is not waited for.
        const std::int64_t last_cols = (n - 1) % shape.cols + 1;
        EXPECT_EQ(seen.departures.back().cycle + 1,
                  static_cast<std::int64_t>(seen.cycles.total()) - (shape.cols - last_cols))
            << m << " x " << n;
      }
    }
  });
}

// Fold f begins at f * (K + R + C - 2); PE (r, c) sees depth k in cycle k + r + c of it.
TEST(SystemCArray, EverySlotOfEveryFoldIsInItsCycle) {
  for_every_array([](ArrayShape shape, ObservedArray& array) {
    for (const std::int64_t k : {1, 4}) {
      const auto layer = linear_layer(2 * shape.rows + 1, shape.cols + 1, k, 3);
      const auto gemm = workloads::LoweredPass(layer, workloads::Pass::kForward, {}).gemm(0);
      const Observation seen = array.run({layer, workloads::Pass::kForward, {}}, kConfig);
      ASSERT_EQ(static_cast<std::int64_t>(seen.slots.size()), gemm.macs());
      const std::int64_t length = k + shape.rows + shape.cols - 2;
      const std::int64_t col_folds = sim::ceil_div(gemm.n, shape.cols);
      std::vector<int> times(seen.slots.size());
      for (const Slot& slot : seen.slots) {
        // Which fold and depth it is follows from the cycle; the operands must then be these.
        const std::int64_t fold = (slot.cycle - slot.row - slot.col) / length;
        const std::int64_t depth = (slot.cycle - slot.row - slot.col) % length;
        ASSERT_LT(depth, k);
        const std::int64_t m = fold / col_folds * shape.rows + slot.row;
        const std::int64_t n = fold % col_folds * shape.cols + slot.col;
        ASSERT_LT(m, gemm.m);
        ASSERT_LT(n, gemm.n);
        ASSERT_EQ(slot.first, gemm.first.format().widen(gemm.first.code(m, depth), kConfig.format));
        ASSERT_EQ(slot.second,
                  gemm.second.format().widen(gemm.second.code(n, depth), kConfig.format));
        ASSERT_EQ(slot.starts, depth == 0);
        ASSERT_EQ(slot.ends, depth == k - 1);
        times[static_cast<std::size_t>((m * gemm.n + n) * k + depth)] += 1;
      }
      EXPECT_TRUE(std::ranges::all_of(times, [](int time) { return time == 1; }));
    }
  });
}

TEST(SystemCArray, EveryResultLeavesInItsCycle) {
  for_every_array([](ArrayShape shape, ObservedArray& array) {
    for (const std::int64_t k : {1, 4}) {
      const auto layer = linear_layer(2 * shape.rows + 1, shape.cols + 1, k, 4);
      const auto gemm = workloads::LoweredPass(layer, workloads::Pass::kForward, {}).gemm(0);
      const std::int64_t length = k + shape.rows + shape.cols - 2;
      const std::int64_t col_folds = sim::ceil_div(gemm.n, shape.cols);
      for (const Departure& result :
           array.run({layer, workloads::Pass::kForward, {}}, kConfig).departures) {
        const std::int64_t fold = result.m / shape.rows * col_folds + result.n / shape.cols;
        const std::int64_t row = result.m % shape.rows;
        const std::int64_t col = result.n % shape.cols;
        // Captured in the bottom row at k - 1 + R - 1 + c; row r follows R - r cycles later.
        EXPECT_EQ(result.cycle, fold * length + k - 1 + shape.rows - 1 + col + shape.rows - row)
            << "result (" << result.m << ", " << result.n << ")";
      }
    }
  });
}

// --- engines -------------------------------------------------------------------------------------

struct Both {
  Output<std::int64_t> mf_mac;
  Output<float> fp32;
};

std::unique_ptr<sim::Engine> systemc_engine() {
  static sim::WorkerPool pool(1);
  return sim::make_engine("systemc", pool);
}

Both run(sim::Engine& engine, const TestedPass& machine) {
  return {run_mf_mac(engine, machine), run_fp32(engine, machine)};
}

bool same(const Both& one, const Both& other) {
  const auto same_bits = [](float a, float b) {
    return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
  };
  return one.mf_mac.values == other.mf_mac.values && one.mf_mac.result == other.mf_mac.result &&
         one.fp32.result == other.fp32.result &&
         std::ranges::equal(one.fp32.values, other.fp32.values, same_bits);
}

RC_GTEST_PROP(SystemCEngine, PassAfterPassIsAsOnAFreshEngine, ()) {
  sim::Architecture architecture;
  architecture.array = {extent(4), extent(4)};
  architecture.pe.accumulator.bits = 40;
  architecture.pe.zero_gating = *rc::gen::arbitrary<bool>();
  const auto reused = systemc_engine();
  for (int i = 0; i < 4; ++i) {
    // Formats, and so the accumulator's lowest bit, change from one to the next.
    const workloads::Layer layer = random_layer(5);
    const auto pass = *rc::gen::elementOf(workloads::passes_of(layer.shape));
    const TestedPass machine(architecture, layer, pass);
    RC_ASSERT(same(run(*reused, machine), run(*systemc_engine(), machine)));
  }
}

// The machine may change from job to job: one array is built for each.
TEST(SystemCEngine, TwoMachinesInTurnAndTwoEnginesAtOnceDoNotDisturbEachOther) {
  sim::Architecture small;
  small.array = {2, 3};
  sim::Architecture large;
  large.array = {5, 4};
  large.pe.zero_gating = false;
  large.clock_mhz = 133.0;
  const auto layer = linear_layer(9, 7, 11, 5);
  const TestedPass machines[] = {{small, layer, workloads::Pass::kForward},
                                 {large, layer, workloads::Pass::kForward},
                                 {small, layer, workloads::Pass::kBackwardData},
                                 {large, layer, workloads::Pass::kBackwardData}};
  std::vector<Both> expected;
  for (const TestedPass& machine : machines) {
    expected.push_back(run(*systemc_engine(), machine));
  }
  auto first = systemc_engine();
  auto second = systemc_engine();
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_TRUE(same(run(*first, machines[i]), expected[i]));
      EXPECT_TRUE(same(run(*second, machines[3 - i]), expected[3 - i]));
    }
  }
  first.reset();
  EXPECT_TRUE(same(run(*second, machines[0]), expected[0])) << "after the other engine's end";
}

TEST(SystemCEngine, RefusesAnArrayOfMoreThan65536Pes) {
  sim::Architecture architecture;
  architecture.array = {1, 4096};
  EXPECT_NO_THROW(sim::require_buildable(sim::engine_named("systemc"), architecture.array));
  architecture.array = {16, 4096};  // exactly 65536
  EXPECT_NO_THROW(sim::require_buildable(sim::engine_named("systemc"), architecture.array));
  architecture.array = {17, 4096};
  EXPECT_NO_THROW(sim::require_buildable(sim::engine_named("fast"), architecture.array));
  try {
    sim::require_buildable(sim::engine_named("systemc"), architecture.array);
    FAIL() << "accepted";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("17 x 4096 PEs"));
    EXPECT_THAT(error.what(), testing::HasSubstr("at most 65536"));
    EXPECT_THAT(error.what(), testing::HasSubstr("--engine fast"));
  }
}

TEST(SystemCEngine, RefusesAWorkloadWithoutValues) {
  const auto layer = linear_layer(2, 2, 2, 5);
  const TestedPass machine({}, layer, workloads::Pass::kForward);
  sim::Job job = machine.job(sim::Unit::kMfMac);
  job.operands = nullptr;
  EXPECT_THROW(systemc_engine()->run(job, {}), InputError);
}

}  // namespace
}  // namespace potomac::test
