// Results that leave an array's columns in order get the places that the schedule has for them,
// each once; one more is no result of it.
#include "sim/engines/stepping/result_places.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <set>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

#include "sim/engines/stepping/fold_buffer.hpp"
#include "sim/machine/blocking.hpp"

namespace potomac::sim {
namespace {

using Element = std::tuple<std::int64_t, std::int64_t, std::int64_t>;  // GEMM, m, n

constexpr ArrayShape kArray{2, 3};

// Two GEMMs of another shape than the array, the second one twice.
Schedule schedule_of(Dataflow dataflow) {
  const std::vector<workloads::GemmShape> gemms = {{1, 3, 4, 5}, {2, 1, 2, 3}};
  return {gemms, kArray, dataflow, {uncut(gemms[0]), uncut(gemms[1])}};
}

std::set<Element> all_elements(const Schedule& schedule) {
  std::set<Element> all;
  std::int64_t number = 0;
  for (const workloads::GemmShape& gemm : schedule.gemms()) {
    for (std::int64_t copy = 0; copy < gemm.count; ++copy, ++number) {
      for (std::int64_t m = 0; m < gemm.m; ++m) {
        for (std::int64_t n = 0; n < gemm.n; ++n) {
          all.insert({number, m, n});
        }
      }
    }
  }
  return all;
}

TEST(DrainedResults, HaveTheScheduledPlacesBottomRowFirst) {
  const Schedule schedule = schedule_of(Dataflow::kOutputStationary);
  DrainedResults places;
  places.start(schedule, static_cast<std::size_t>(kArray.cols));
  std::set<Element> seen;
  for (std::size_t c = 0; c < static_cast<std::size_t>(kArray.cols); ++c) {
    std::pair<std::uint64_t, std::int64_t> before{0, INT64_MAX};
    for (bool more = true; more;) {
      try {
        const ResultPlace place = places.next(c);
        if (place.fold_number == before.first) {
          EXPECT_LT(place.m, before.second);
        }
        before = {place.fold_number, place.m};
        EXPECT_EQ(place.n, place.fold->n.begin + static_cast<std::int64_t>(c));
        EXPECT_TRUE(seen.insert({place.fold->gemm, place.m, place.n}).second);
      } catch (const std::logic_error&) {
        more = false;
      }
    }
  }
  EXPECT_EQ(seen, all_elements(schedule));
}

// Each fold adds one: what comes back at the top is what left the bottom before.
TEST(PartialSumBanks, GiveBackWhatTheyTookTillItIsFinished) {
  for (const Dataflow dataflow : {Dataflow::kWeightStationary, Dataflow::kInputStationary}) {
    const Schedule schedule = schedule_of(dataflow);
    PartialSumBanks<std::int64_t> banks;
    banks.start(schedule, static_cast<std::size_t>(kArray.cols));
    std::map<Element, std::int64_t> seen;
    for (Schedule::Walk walk(schedule); !walk.done(); walk.next_fold()) {
      FeedCommand command;
      command.fold = walk.fold();
      command.valid = true;
      const std::int64_t slots = streamed_range(command.fold, dataflow).size();
      for (command.slot = 0; command.slot < slots; ++command.slot) {
        for (std::size_t c = 0; c < static_cast<std::size_t>(kArray.cols); ++c) {
          if (const auto sum = banks.give_out(c, command)) {
            if (const auto place = banks.take_in(c, *sum + 1)) {
              EXPECT_TRUE(seen.insert({{place->fold->gemm, place->m, place->n}, *sum + 1}).second);
            }
          }
        }
      }
    }
    std::set<Element> elements;
    for (const auto& [element, sum] : seen) {
      elements.insert(element);
      // Depths of 5 and 3 are as many folds on two rows.
      EXPECT_EQ(sum, std::get<0>(element) == 0 ? 3 : 2);
    }
    EXPECT_EQ(elements, all_elements(schedule));
    EXPECT_THROW(banks.take_in(0, 1), std::logic_error);
  }
}

TEST(FoldBuffer, HandsAFoldOnWhenItIsComplete) {
  std::vector<std::int64_t> taken;
  std::int64_t macs = 0;
  const AccumulatorSink sink = [&](const ResultTile<std::int64_t>& tile) {
    taken.assign(tile.values, tile.values + tile.rows * tile.cols);
  };
  const MacsDone done = [&](std::int64_t count) { macs += count; };
  FoldBuffer<std::int64_t> buffer(sink, done);
  Fold fold;
  fold.m = {4, 6};
  fold.n = {1, 3};
  fold.k = {0, 7};
  buffer.take({0, &fold, 5, 2}, 40);
  buffer.take({0, &fold, 4, 1}, 10);
  buffer.take({0, &fold, 4, 2}, 20);
  EXPECT_TRUE(taken.empty());
  buffer.take({0, &fold, 5, 1}, 30);
  EXPECT_EQ(taken, (std::vector<std::int64_t>{10, 20, 30, 40}));
  EXPECT_EQ(macs, 4 * 7);
  EXPECT_EQ(buffer.received(), 4);
}

}  // namespace
}  // namespace potomac::sim
