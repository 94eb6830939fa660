// Timelines against the report's cycles, and against themselves with windows and bounds.
#include "sim/studies/pass_timeline.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "sim/machine/architecture_file.hpp"
#include "sim/studies/run.hpp"
#include "workloads/sources/open_workload.hpp"

namespace potomac::sim {
namespace {

struct Machinery {
  std::string name;
  std::vector<std::string> keys;
};
std::ostream& operator<<(std::ostream& out, const Machinery& machinery) {
  return out << machinery.name;
}

RunResult run_with_timeline(const Machinery& machinery,
                            const TimelineOptions& timeline = {.window = {},
                                                               .most_slices = 10000000}) {
  const auto workload =
      workloads::open_workload(POTOMAC_SOURCE_DIR "/workloads/traces/fashion-cnn-b16.h5", {});
  WorkerPool pool(1);
  RunOptions options;
  options.engine = "count";
  for (const std::string& key : machinery.keys) {
    set_key(options.architecture, key);
  }
  options.timeline = timeline;
  return run(*workload, options, {pool});
}

// Of two lists of slices, the first that differs.
std::string difference(const std::vector<TimelineSlice>& is,
                       const std::vector<TimelineSlice>& should) {
  const auto [one, other] = std::ranges::mismatch(is, should);
  const auto text = [](auto at, const auto& list) {
    return at == list.end() ? "the end"
                            : fmt::format("{} from {} to {}", at->name, at->begin, at->end);
  };
  return one == is.end() && other == should.end()
             ? ""
             : fmt::format("{} instead of {}, number {} of {}", text(one, is), text(other, should),
                           one - is.begin(), should.size());
}

class TimelineOf : public testing::TestWithParam<Machinery> {};
INSTANTIATE_TEST_SUITE_P(
    , TimelineOf,
    testing::Values(Machinery{"os", {}},
                    Machinery{"ws_pipelined", {"array.dataflow=ws", "array.issue=pipelined"}},
                    Machinery{"is_serial", {"array.dataflow=is", "array.issue=serial"}},
                    Machinery{"os_ideal", {"memory.dram=ideal"}},
                    Machinery{"os_bandwidth", {"memory.dram.bandwidth_gb_s=3.1"}},
                    Machinery{"ws_bandwidth",
                              {"array.dataflow=ws", "array.issue=pipelined", "memory.second.kib=4",
                               "memory.dram.bandwidth_gb_s=6.4", "memory.dram.latency_ns=50"}},
                    Machinery{"is_single",
                              {"array.dataflow=is", "memory.dram.bandwidth_gb_s=12.8",
                               "memory.results.double_buffered=false"}},
                    Machinery{"os_ddr4", {"array.issue=serial", "memory.dram.preset=ddr4-2400"}},
                    Machinery{"ws_hbm2", {"array.dataflow=ws", "memory.dram.preset=hbm2"}}),
    [](const auto& one) { return one.param.name; });

TEST_P(TimelineOf, AddsUpToTheCyclesOfEachPass) {
  const RunResult result = run_with_timeline(GetParam());
  ASSERT_EQ(result.timeline->machines.size(), result.machines.size());
  for (std::size_t m = 0; m < result.machines.size(); ++m) {
    const MachineTimeline& machine = result.timeline->machines[m];
    const std::vector<TimelineSlice>& array = machine.tracks[MachineTimeline::kArray].slices;
    auto slice = array.begin();
    double now = 0.0;
    std::size_t number = 0;
    for (const PassRecord& pass : result.passes) {
      const Quantities& quantities = pass.machines[m].quantities;
      if (quantities.cycles.total() == 0) {
        continue;  // the machine does not run it
      }
      const TimelineSlice& whole = machine.tracks[MachineTimeline::kPasses].slices.at(number++);
      EXPECT_TRUE(whole.name.starts_with(pass.layer + " ")) << whole.name;
      EXPECT_EQ(whole.begin, now);
      EXPECT_EQ(whole.cycles(), static_cast<double>(quantities.cycles.total()));
      std::map<std::string, double> cycles;
      for (; slice != array.end() && slice->begin < whole.end; ++slice) {
        EXPECT_EQ(slice->begin, now);  // the array's slices leave no gap
        now = slice->end;
        cycles[slice->name] += slice->cycles();
      }
      EXPECT_EQ(now, whole.end);
      const auto expected = [](std::uint64_t count) { return static_cast<double>(count); };
      EXPECT_EQ(cycles["preload"], expected(quantities.cycles.preload));
      EXPECT_EQ(cycles["stream"], expected(quantities.cycles.stream));
      EXPECT_EQ(cycles["drain"], expected(quantities.cycles.drain));
      if (quantities.stall_by.first.known()) {
        EXPECT_EQ(cycles["stall: first"], expected(quantities.stall_by.first.value()));
        EXPECT_EQ(cycles["stall: second"], expected(quantities.stall_by.second.value()));
        EXPECT_EQ(cycles["stall: results"], expected(quantities.stall_by.results.value()));
      }
    }
    EXPECT_EQ(now, static_cast<double>(machine.cycles));
    EXPECT_EQ(number, machine.tracks[MachineTimeline::kPasses].slices.size());
  }
}

TEST_P(TimelineOf, HasSlicesThatDoNotOverlapInATrackAndStayInTheirPass) {
  const RunResult result = run_with_timeline(GetParam());
  for (const MachineTimeline& machine : result.timeline->machines) {
    EXPECT_FALSE(machine.left_out_from);
    const std::vector<TimelineSlice>& passes = machine.tracks[MachineTimeline::kPasses].slices;
    for (const TimelineTrack& track : machine.tracks) {
      EXPECT_FALSE(track.slices.empty()) << track.name;
      double end = 0.0;
      auto pass = passes.begin();
      for (const TimelineSlice& slice : track.slices) {
        ASSERT_LE(end, slice.begin) << track.name;
        ASSERT_LT(slice.begin, slice.end) << track.name;
        end = slice.end;
        while (slice.begin >= pass->end) {
          ++pass;
        }
        ASSERT_LE(slice.end, pass->end) << track.name << " of " << pass->name;
      }
    }
  }
}

TEST_P(TimelineOf, ShowsInAWindowWhatHasAPartInIt) {
  const RunResult whole = run_with_timeline(GetParam());
  for (const CycleWindow window : {CycleWindow{0, 1}, {5000, 5600}, {30000, 90000}}) {
    const RunResult part = run_with_timeline(
        GetParam(), {.window = window, .most_slices = std::numeric_limits<std::size_t>::max()});
    for (std::size_t m = 0; m < whole.machines.size(); ++m) {
      for (std::size_t t = 0; t < whole.timeline->machines[m].tracks.size(); ++t) {
        std::vector<TimelineSlice> expected = whole.timeline->machines[m].tracks[t].slices;
        std::erase_if(expected, [&](const TimelineSlice& slice) {
          return slice.begin >= static_cast<double>(window.end) ||
                 slice.end <= static_cast<double>(window.begin);
        });
        const TimelineTrack& track = part.timeline->machines[m].tracks[t];
        EXPECT_EQ(difference(track.slices, expected), "") << track.name << " from " << window.begin;
      }
      EXPECT_FALSE(part.timeline->machines[m].left_out_from);
      EXPECT_EQ(part.timeline->machines[m].cycles, whole.timeline->machines[m].cycles);
    }
  }
}

TEST_P(TimelineOf, IsTheSameTillItIsFull) {
  const RunResult whole = run_with_timeline(GetParam());
  for (const std::size_t most : {0UL, 1UL, 100UL, 700UL}) {
    const RunResult part = run_with_timeline(GetParam(), {.window = {}, .most_slices = most});
    for (std::size_t m = 0; m < whole.machines.size(); ++m) {
      const MachineTimeline& full = whole.timeline->machines[m];
      const MachineTimeline& bounded = part.timeline->machines[m];
      ASSERT_TRUE(bounded.left_out_from);
      const auto till = static_cast<double>(*bounded.left_out_from);
      std::size_t slices = 0;
      for (std::size_t t = MachineTimeline::kArray; t < full.tracks.size(); ++t) {
        std::vector<TimelineSlice> expected = full.tracks[t].slices;
        std::erase_if(expected, [&](const TimelineSlice& slice) { return slice.begin >= till; });
        EXPECT_EQ(difference(bounded.tracks[t].slices, expected), "")
            << full.tracks[t].name << ", " << most;
        slices += bounded.tracks[t].slices.size();
      }
      EXPECT_LE(slices, most + 8);
      EXPECT_EQ(difference(bounded.tracks[MachineTimeline::kPasses].slices,
                           full.tracks[MachineTimeline::kPasses].slices),
                "");
    }
  }
}

TEST(Timeline, TransfersHaveTheTrafficOfTheReport) {
  const RunResult result = run_with_timeline({"", {"memory.dram.bandwidth_gb_s=3.1"}});
  for (std::size_t m = 0; m < result.machines.size(); ++m) {
    std::int64_t bits = 0;
    for (std::size_t t = MachineTimeline::kDma; t < MachineTimeline::kDram; ++t) {
      for (const TimelineSlice& slice : result.timeline->machines[m].tracks[t].slices) {
        bits += slice.facts.front().value;
      }
    }
    const Quantities& total = result.totals[m];
    EXPECT_EQ(static_cast<std::uint64_t>(bits),
              total.memory.dram.read_bits.value() + total.memory.dram.written_bits.value());
  }
}

}  // namespace
}  // namespace potomac::sim
