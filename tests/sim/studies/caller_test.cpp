// Who calls a study hears of its work, and may end it.
#include "sim/studies/caller.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "sim/machine/architecture_file.hpp"
#include "sim/studies/run.hpp"
#include "sim/studies/sweep.hpp"
#include "support/error.hpp"
#include "tests/support/temporary_folder.hpp"
#include "workloads/sources/open_workload.hpp"

namespace potomac::sim {
namespace {

std::unique_ptr<workloads::Workload> shipped_trace() {
  return workloads::open_workload(POTOMAC_SOURCE_DIR "/workloads/traces/fashion-cnn-b16.h5", {});
}

// Counts what it is told; from some MACs on, it wants the work to stop.
class Counter : public Listener {
 public:
  explicit Counter(std::uint64_t stop_at = ~std::uint64_t{0}) : stop_at_(stop_at) {}
  void begin(Work work, std::uint64_t amount) override { expected[work] = amount; }
  void advance(Work work, std::uint64_t amount, std::string_view what) override {
    EXPECT_FALSE(what.empty());
    const std::lock_guard lock(mutex_);
    told[work] += amount;
    stop = stop || (work != Work::kTiles && told[work] >= stop_at_);
  }

  std::map<Work, std::uint64_t> expected;
  std::map<Work, std::uint64_t> told;
  std::atomic<bool> stop = false;

 private:
  std::mutex mutex_;
  std::uint64_t stop_at_;
};

class CallerOfEngine : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(, CallerOfEngine, testing::Values("count", "fast", "systemc"),
                         [](const auto& engine) { return std::string(engine.param); });

TEST_P(CallerOfEngine, IsToldOfEveryMacOnce) {
  const auto workload = shipped_trace();
  for (const bool baseline : {false, true}) {
    Counter counter;
    WorkerPool pool(2);
    RunOptions options;
    options.engine = GetParam();
    options.selection.layers = {"*fc2*"};
    options.simulate_baseline = baseline;
    run(*workload, options, {pool, &counter});
    EXPECT_EQ(counter.told, counter.expected);
    EXPECT_GT(counter.told[Work::kMacs], 0U);
  }
}

TEST_P(CallerOfEngine, EndsARunThatLeavesNothing) {
  const auto workload = shipped_trace();
  const ScratchFolder folder;
  Counter counter(1);
  WorkerPool pool(2);
  RunOptions options;
  options.engine = GetParam();
  options.selection.layers = {"*fc*"};
  if (options.engine != "count") {
    options.dump_outputs = folder.path() / "dump.h5";
  }
  EXPECT_THROW(run(*workload, options, {pool, &counter, &counter.stop}), StoppedError);
  EXPECT_LT(counter.told[Work::kMacs], counter.expected[Work::kMacs]);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

RunOptions on_a_device() {
  RunOptions options;
  options.engine = "count";
  set_key(options.architecture, "memory.dram.preset=hbm2");
  return options;
}

TEST(Caller, IsToldOfEveryBurstOfADeviceOnce) {
  const auto workload = shipped_trace();
  Counter counter;
  WorkerPool pool(2);
  const RunOptions options = on_a_device();
  const RunResult result = run(*workload, options, {pool, &counter});
  std::uint64_t moved = 0;
  for (const PassRecord& pass : result.passes) {
    for (const MachineRecord& machine : pass.machines) {
      moved += machine.quantities.memory.moved_bits.value();
    }
  }
  const DramPreset& preset = *options.architecture.memory->dram->device;
  const std::uint64_t told = counter.told[Work::kBursts];
  EXPECT_EQ(told * static_cast<std::uint64_t>(preset.burst_bits()), moved);
  EXPECT_GT(counter.expected[Work::kBursts], told / 2);
  EXPECT_LT(counter.expected[Work::kBursts], told * 2);
  EXPECT_EQ(counter.told[Work::kTiles], counter.expected[Work::kTiles]);
  EXPECT_GT(counter.told[Work::kTiles], 0U);
}

TEST(Caller, EndsARunWhileADeviceServesIt) {
  const auto workload = shipped_trace();
  Counter counter(1);
  WorkerPool pool(1);
  EXPECT_THROW(run(*workload, on_a_device(), {pool, &counter, &counter.stop}), StoppedError);
  EXPECT_LT(counter.told[Work::kBursts], counter.expected[Work::kBursts] / 2);
  EXPECT_FALSE(counter.expected.contains(Work::kMacs));
}

TEST(Caller, EndsASweepBehindTheRowsThatItGave) {
  const auto workload = shipped_trace();
  WorkerPool pool(2);
  SweepSpec spec;
  spec.selection.layers = {"*fc2*"};
  spec.add("pe.accumulator.bits", "[30, 31, 32]");  // facts of their own, so a batch each
  std::atomic<bool> stop = false;
  std::size_t rows = 0;
  const auto sink = [&](const SweepRow& /*row*/) {
    rows += 1;
    stop = true;
  };
  EXPECT_THROW(run_sweep(*workload, spec, {pool, nullptr, &stop}, sink), StoppedError);
  EXPECT_EQ(rows, 1U);
}

}  // namespace
}  // namespace potomac::sim
