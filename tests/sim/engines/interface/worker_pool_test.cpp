// The worker pool: every index once, failures reported, ready for the next loop.
#include "sim/engines/interface/worker_pool.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace potomac::sim {
namespace {

class EveryThreadCount : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(WorkerPool, EveryThreadCount, testing::Values(1U, 2U, 3U, 8U));

TEST_P(EveryThreadCount, EveryIndexIsGivenOnce) {
  WorkerPool pool(GetParam());
  EXPECT_EQ(pool.threads(), GetParam());
  for (const std::size_t count : {0U, 1U, 2U, 7U, 1000U}) {
    std::vector<std::atomic<int>> times(count);
    std::atomic<bool> thread_in_range = true;
    pool.for_each(count, [&](std::size_t index, unsigned thread) {
      times.at(index) += 1;
      if (thread >= pool.threads()) {
        thread_in_range = false;
      }
    });
    EXPECT_TRUE(thread_in_range);
    EXPECT_TRUE(std::ranges::all_of(times, [](const auto& time) { return time == 1; })) << count;
  }
}

TEST_P(EveryThreadCount, AThreadNumberIsNeverInUseTwice) {
  WorkerPool pool(GetParam());
  std::vector<std::atomic<int>> inside(pool.threads());
  std::atomic<bool> shared = false;
  pool.for_each(500, [&](std::size_t, unsigned thread) {
    if (inside[thread].fetch_add(1) != 0) {
      shared = true;
    }
    std::this_thread::yield();
    inside[thread] -= 1;
  });
  EXPECT_FALSE(shared);
}

TEST_P(EveryThreadCount, AnExceptionReachesTheCallerAndThePoolGoesOn) {
  WorkerPool pool(GetParam());
  for (int round = 0; round < 20; ++round) {
    try {
      pool.for_each(100, [](std::size_t index, unsigned) {
        if (index == 37) {
          throw std::runtime_error("index 37");
        }
      });
      FAIL() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_EQ(error.what(), std::string("index 37"));
    }
    std::atomic<std::size_t> sum = 0;
    pool.for_each(100, [&](std::size_t index, unsigned) { sum += index; });
    EXPECT_EQ(sum, 4950U) << "the loop after the exception";
  }
}

TEST_P(EveryThreadCount, WhenEveryBodyThrowsOneExceptionArrives) {
  WorkerPool pool(GetParam());
  EXPECT_THROW(pool.for_each(50, [](std::size_t, unsigned) { throw std::logic_error("each"); }),
               std::logic_error);
}

TEST(WorkerPool, OneThreadIsTheCallersAndGoesInOrder) {
  WorkerPool pool(1);
  std::vector<std::size_t> order;
  const auto caller = std::this_thread::get_id();
  pool.for_each(5, [&](std::size_t index, unsigned thread) {
    EXPECT_EQ(thread, 0U);
    EXPECT_EQ(std::this_thread::get_id(), caller);
    order.push_back(index);
  });
  EXPECT_EQ(order, (std::vector<std::size_t>{0, 1, 2, 3, 4}));
}

TEST(WorkerPool, ZeroMeansAllCores) {
  EXPECT_EQ(WorkerPool(0).threads(), std::max(1U, std::thread::hardware_concurrency()));
}

TEST(WorkerPool, AllIsDoneWhenForEachReturns) {
  WorkerPool pool(4);
  std::atomic<int> done = 0;
  pool.for_each(8, [&](std::size_t, unsigned) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    done += 1;
  });
  EXPECT_EQ(done, 8);
}

TEST(WorkerPool, ManyShortLoopsInARow) {
  WorkerPool pool(3);
  std::atomic<std::size_t> sum = 0;
  for (int round = 0; round < 2000; ++round) {
    pool.for_each(3, [&](std::size_t, unsigned) { sum += 1; });
  }
  EXPECT_EQ(sum, 6000U);
}

}  // namespace
}  // namespace potomac::sim
