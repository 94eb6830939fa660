// The schedule of a pass: every MAC in exactly one fold, in the order that is documented.
#include "sim/machine/schedule.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include "sim/machine/cycles.hpp"
#include "sim/machine/fold_timing.hpp"
#include "tests/sim/machine/drawn_blocking.hpp"

namespace potomac::sim {
namespace {

std::vector<Fold> folds_of(const Schedule& schedule) {
  std::vector<Fold> folds;
  for (Schedule::Walk walk(schedule); !walk.done(); walk.next_fold()) {
    EXPECT_EQ(walk.number(), folds.size());
    folds.push_back(walk.fold());
  }
  return folds;
}

TEST(Schedule, OutputStationaryGoesThroughColumnsInsideOfRows) {
  const auto folds = folds_of({{{1, 3, 5, 7}}, {2, 4}, Dataflow::kOutputStationary});
  const std::vector<Fold> expected = {{0, {0, 2}, {0, 4}, {0, 7}, true, true},
                                      {0, {0, 2}, {4, 5}, {0, 7}, true, true},
                                      {0, {2, 3}, {0, 4}, {0, 7}, true, true},
                                      {0, {2, 3}, {4, 5}, {0, 7}, true, true}};
  EXPECT_EQ(folds, expected);
}

TEST(Schedule, WeightStationaryGoesThroughTheDepthInsideOfColumns) {
  const auto folds = folds_of({{{1, 9, 5, 3}}, {2, 4}, Dataflow::kWeightStationary});
  const std::vector<Fold> expected = {{0, {0, 9}, {0, 4}, {0, 2}, true, false},
                                      {0, {0, 9}, {0, 4}, {2, 3}, false, true},
                                      {0, {0, 9}, {4, 5}, {0, 2}, true, false},
                                      {0, {0, 9}, {4, 5}, {2, 3}, false, true}};
  EXPECT_EQ(folds, expected);
}

TEST(Schedule, InputStationaryGoesThroughTheDepthInsideOfRows) {
  const auto folds = folds_of({{{1, 5, 9, 3}}, {2, 4}, Dataflow::kInputStationary});
  const std::vector<Fold> expected = {{0, {0, 4}, {0, 9}, {0, 2}, true, false},
                                      {0, {0, 4}, {0, 9}, {2, 3}, false, true},
                                      {0, {4, 5}, {0, 9}, {0, 2}, true, false},
                                      {0, {4, 5}, {0, 9}, {2, 3}, false, true}};
  EXPECT_EQ(folds, expected);
}

TEST(Schedule, GemmsOfAPassFollowOneAnother) {
  const auto folds =
      folds_of({{{2, 1, 1, 3}, {0, 8, 8, 8}, {1, 2, 3, 1}}, {2, 2}, Dataflow::kOutputStationary});
  ASSERT_EQ(folds.size(), 4U);
  EXPECT_EQ(folds[0].gemm, 0);
  EXPECT_EQ(folds[1].gemm, 1);
  EXPECT_EQ(folds[2].gemm, 2);
  EXPECT_EQ(folds[3].gemm, 2);
  EXPECT_EQ(folds[3].n, (Range{2, 3}));
}

TEST(Schedule, OfNothingIsDoneAtOnce) {
  const Schedule schedule({}, {2, 2}, Dataflow::kOutputStationary);
  EXPECT_EQ(schedule.folds(), 0U);
  EXPECT_TRUE(Schedule::Walk(schedule).done());
}

TEST(Schedule, IsNeverStored) {
  // 2^40 folds: counted and begun at once.
  const std::int64_t large = std::int64_t{1} << 20;
  const Schedule schedule({{1, large, large, 1}}, {1, 1}, Dataflow::kOutputStationary);
  EXPECT_EQ(schedule.folds(), std::uint64_t{1} << 40);
  Schedule::Walk walk(schedule);
  EXPECT_EQ(walk.run().count, large);
  walk.next_run();
  EXPECT_EQ(walk.number(), static_cast<std::uint64_t>(large));
}

RC_GTEST_PROP(Schedule, CoversEveryMacOnceAndItsRunsAreItsFolds, ()) {
  std::vector<workloads::GemmShape> gemms;
  const auto extent = [](std::int64_t most) { return *rc::gen::inRange<std::int64_t>(1, most); };
  for (int i = *rc::gen::inRange(0, 4); i > 0; --i) {
    gemms.push_back({extent(3), extent(9), extent(9), extent(9)});
  }
  const ArrayShape array{extent(5), extent(5)};
  const auto dataflow = *rc::gen::element(Dataflow::kOutputStationary, Dataflow::kWeightStationary,
                                          Dataflow::kInputStationary);
  std::vector<Blocking> blockings;
  blockings.reserve(gemms.size());
  for (const workloads::GemmShape& gemm : gemms) {
    blockings.push_back(*rc::gen::arbitrary<bool>() ? uncut(gemm)
                                                    : test::drawn_blocking(gemm, array, dataflow));
  }
  const Schedule schedule(gemms, array, dataflow, blockings);
  const std::vector<Fold> folds = folds_of(schedule);
  RC_ASSERT(folds.size() == schedule.folds());
  std::map<std::tuple<std::int64_t, std::int64_t, std::int64_t>, std::int64_t> depth;  // by output
  std::uint64_t macs = 0;
  for (const Fold& fold : folds) {
    for (std::int64_t m = fold.m.begin; m < fold.m.end; ++m) {
      for (std::int64_t n = fold.n.begin; n < fold.n.end; ++n) {
        // Sums grow in the order of k, without a gap.
        std::int64_t& reached = depth[{fold.gemm, m, n}];
        RC_ASSERT(reached == fold.k.begin);
        RC_ASSERT(fold.first == (reached == 0));
        reached = fold.k.end;
        macs += static_cast<std::uint64_t>(fold.k.size());
      }
    }
  }
  RC_ASSERT(macs == schedule.macs());
  // The closed forms of cycles, against the walk fold by fold.
  for (const Issue issue : {Issue::kSerial, Issue::kPipelined}) {
    Cycles sum;
    if (!folds.empty()) {
      sum.drain = keeps_sums(dataflow) ? static_cast<std::uint64_t>(array.rows) : 0;
      for (FoldWalk walk(schedule, issue); !walk.done(); walk.next()) {
        sum.preload += static_cast<std::uint64_t>(walk.now().preload);
        sum.stream += static_cast<std::uint64_t>(walk.now().share);
      }
    }
    RC_ASSERT(sum == cycles_of(schedule, issue));
  }
  std::size_t at = 0;
  for (Schedule::Walk walk(schedule); !walk.done(); walk.next_run()) {
    const Schedule::Run run = walk.run();
    RC_ASSERT(run.front == folds[at]);
    for (std::int64_t i = 0; i < run.count; ++i, ++at) {
      RC_ASSERT(folds[at].m.size() == run.front.m.size());
      RC_ASSERT(folds[at].n.size() == run.front.n.size());
      RC_ASSERT(folds[at].k.size() == run.front.k.size());
    }
  }
  RC_ASSERT(at == folds.size());
}

}  // namespace
}  // namespace potomac::sim
