// A memory around an array: asked step by step or tile by tile, it holds the array back alike.
#include "sim/memory/memory_pace.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "sim/machine/architecture_file.hpp"
#include "sim/machine/cycles.hpp"
#include "sim/memory/pass_memory.hpp"
#include "sim/memory/tiler.hpp"
#include "tests/sim/engines/random_passes.hpp"
#include "tests/sim/machine/drawn_blocking.hpp"

namespace potomac::sim {
namespace {

struct DrawnPass {
  Architecture architecture;
  std::vector<GemmOperands> operands;
  std::vector<Blocking> blockings;
  ElementBits bits{5, 5, 32};

  Schedule schedule() const {
    std::vector<workloads::GemmShape> gemms;
    for (const GemmOperands& one : operands) {
      gemms.push_back(one.gemm());
    }
    return {gemms, architecture.array, architecture.dataflow, blockings};
  }
};

// Blocks of any size: what fits does not matter to the timing.
DrawnPass drawn_pass() {
  DrawnPass drawn;
  const workloads::LayerShape shape = test::random_layer_shape();
  const auto pass = *rc::gen::elementOf(workloads::passes_of(shape));
  Architecture& a = drawn.architecture;
  a = test::random_array(7);
  a.memory.emplace();
  for (ScratchpadConfig* scratchpad : {&a.memory->first, &a.memory->second, &a.memory->results}) {
    scratchpad->double_buffered = *rc::gen::arbitrary<bool>();
  }
  // At 500 MHz, 0.0625 GB/s are one bit a cycle.
  a.memory->dram = {static_cast<double>(test::extent(400)) * 0.0313,
                    static_cast<double>(*rc::gen::inRange(0, 200))};
  drawn.operands = operands_of(shape, pass, a.lowering);
  for (const GemmOperands& one : drawn.operands) {
    drawn.blockings.push_back(*rc::gen::arbitrary<bool>()
                                  ? uncut(one.gemm())
                                  : test::drawn_blocking(one.gemm(), a.array, a.dataflow));
  }
  RC_PRE(!drawn.operands.empty());
  return drawn;
}

// A device in place of the bandwidth and latency that were drawn.
void draw_device(Architecture& architecture) {
  DramConfig& dram = *architecture.memory->dram;
  dram.preset = *rc::gen::element<std::string>("ddr4-2400", "lpddr4-3200", "hbm2");
  dram.device = load_dram_preset(dram.preset);
  dram.channels = *rc::gen::inRange<std::int64_t>(1, 4);
}

RC_GTEST_PROP(MemoryPace, HoldsBackStepByStepAsTileByTile, ()) {
  DrawnPass drawn = drawn_pass();
  if (*rc::gen::arbitrary<bool>()) {
    draw_device(drawn.architecture);
  }
  const Schedule schedule = drawn.schedule();
  RC_PRE(schedule.folds() < 2000);
  MemoryPace by_step(drawn.architecture, schedule, drawn.operands, drawn.bits);
  MemoryPace by_tile(drawn.architecture, schedule, drawn.operands, drawn.bits);
  const Issue issue = drawn.architecture.issue;
  const std::uint64_t stalls = by_tile.total_stalls(schedule, issue);
  RC_ASSERT(by_step.Pace::total_stalls(schedule, issue) == stalls);
  RC_ASSERT(by_step.stalls() == by_tile.stalls());
  RC_ASSERT(by_tile.stalls().total() == stalls);
  RC_ASSERT(by_step.dram_counts() == by_tile.dram_counts());
  RC_ASSERT(stalls > 0);
}

// Layers with many tiles, of which most come in periods.
RC_GTEST_PROP(MemoryPace, WhatIsNotWalkedIsAsIfItWere, ()) {
  DrawnPass drawn = drawn_pass();
  Architecture& a = drawn.architecture;
  a.array = {test::extent(3), test::extent(3)};
  const std::int64_t most = *rc::gen::element<std::int64_t>(40, 400);
  const bool many = *rc::gen::arbitrary<bool>();
  if (many) {  // else the layers that were drawn
    workloads::LayerShape shape;
    shape.name = "000-fc";
    shape.w = {test::extent(most), test::extent(most)};
    shape.a = {test::extent(most), shape.w[1]};
    shape.g = {shape.a[0], shape.w[0]};
    drawn.operands = operands_of(shape, workloads::Pass::kForward, a.lowering);
  }
  if (*rc::gen::arbitrary<bool>()) {
    a.memory->dram->bandwidth_gb_s = 0.125 * static_cast<double>(test::extent(400));
  }
  drawn.blockings.clear();
  for (const GemmOperands& one : drawn.operands) {
    drawn.blockings.push_back(test::drawn_blocking(one.gemm(), a.array, a.dataflow));
  }
  const Schedule schedule = drawn.schedule();
  RC_PRE(schedule.folds() < 200000);
  MemoryPace quick(a, schedule, drawn.operands, drawn.bits);
  MemoryPace walked(a, schedule, drawn.operands, drawn.bits);
  walked.walk_every_tile();
  RC_ASSERT(quick.total_stalls(schedule, a.issue) == walked.total_stalls(schedule, a.issue));
  RC_ASSERT(quick.stalls() == walked.stalls());
  RC_CLASSIFY(quick.tiles_walked() < walked.tiles_walked(), "some are not walked");
  RC_CLASSIFY(10 * quick.tiles_walked() < walked.tiles_walked(), "most are not walked");
}

// Blocks of a layer on a machine whose DRAM is a device.
struct Fetched {
  Fetched() {
    shape.name = "000-conv";
    shape.kind = workloads::LayerKind::kConv2d;
    shape.w = {32, 16, 3, 3};
    shape.a = {4, 16, 28, 28};
    shape.g = {4, 32, 28, 28};
    shape.conv.padding = workloads::Padding::around({1, 1});
    set_key(architecture, "memory.dram.preset=ddr4-2400");
    for (ScratchpadConfig* scratchpad : {&architecture.memory->first, &architecture.memory->second,
                                         &architecture.memory->results}) {
      scratchpad->kib = 8;
    }
  }
  PassMemory plan(const Architecture& of) const {
    auto operands = operands_of(shape, workloads::Pass::kForward, of.lowering);
    PassMemory plan =
        plan_tiles(operands, of, {5, 5, 32}, {Unit::kMfMac, shape.name, workloads::Pass::kForward});
    take_memory(plan, operands, of);
    return plan;
  }

  workloads::LayerShape shape;
  Architecture architecture;
};

TEST(DramDevices, ManyChannelsComeCloseToABandwidthAndALatency) {
  const Fetched fetched;
  Architecture device = fetched.architecture;
  device.memory->tiles.push_back({.m = 32, .n = 32});
  std::vector<std::uint64_t> stalls;
  for (const std::int64_t channels : {1, 4, 16, 64, 256}) {
    device.memory->dram->channels = channels;
    stalls.push_back(fetched.plan(device).stalls.total());
  }
  Architecture simple = device;
  simple.memory->dram.emplace(without_device(*device.memory->dram));
  const std::uint64_t expected = fetched.plan(simple).stalls.total();
  EXPECT_GT(stalls[0], stalls[1]);
  EXPECT_GT(stalls[1], stalls[2]);
  EXPECT_GT(stalls[0], 10 * expected);
  // What stays is latency: to close a row, to open it for a write, the last burst, and both clocks'
  // next edges.
  const DramTiming& t = device.memory->dram->device->cycles;
  const auto more = static_cast<std::uint64_t>((t.t_rp + t.t_rcd + t.cl + 4) * 500 / 1200 + 2);
  EXPECT_LE(stalls.back(), expected + 3 * more);
}

// Rows of a multiple of 512 bits, which are a burst: none is fetched by two tiles.
TEST(DramDevices, MoveWholeBurstsOfATensorOnce) {
  workloads::LayerShape shape;
  shape.name = "000-fc";
  shape.w = {32, 128};
  shape.a = {64, 128};
  shape.g = {64, 32};
  Architecture architecture;
  set_key(architecture, "memory.dram.preset=ddr4-2400");
  set_key(architecture, "memory.objective=traffic");
  auto operands = operands_of(shape, workloads::Pass::kForward, {});
  PassMemory plan = plan_tiles(operands, architecture, {5, 5, 32},
                               {Unit::kMfMac, shape.name, workloads::Pass::kForward});
  take_memory(plan, operands, architecture);
  const auto bursts = [](std::int64_t bits) {
    return static_cast<std::uint64_t>((bits + 511) / 512);
  };
  const std::uint64_t expected = bursts(std::int64_t{64} * 128 * 5) +
                                 bursts(std::int64_t{32} * 128 * 5) +
                                 bursts(std::int64_t{64} * 32 * 32);
  EXPECT_EQ(plan.accesses.moved_bits.value(), expected * 512);
  EXPECT_EQ(plan.accesses.row_hits.value() + plan.accesses.row_misses.value(), expected);
  // Each of the three lies in one row of each of the four bank groups.
  EXPECT_EQ(plan.accesses.row_misses.value(), 12U);
  EXPECT_EQ(plan.accesses.dram.read_bits.value() + plan.accesses.dram.written_bits.value(),
            static_cast<std::uint64_t>((64 + 32) * 128 * 5 + 64 * 32 * 32));
}

RC_GTEST_PROP(MemoryPace, MoreBandwidthNeverCostsCycles, ()) {
  DrawnPass drawn = drawn_pass();
  const Schedule schedule = drawn.schedule();
  std::uint64_t before = 0;
  for (const double times : {1.0, 1.1, 2.0, 7.3, 100.0}) {
    Architecture faster = drawn.architecture;
    faster.memory->dram->bandwidth_gb_s *= times;
    MemoryPace pace(faster, schedule, drawn.operands, drawn.bits);
    const std::uint64_t stalls = pace.total_stalls(schedule, faster.issue);
    RC_ASSERT(times == 1.0 || stalls <= before);
    before = stalls;
  }
}

// Cycles of the tiles, against the walk fold by fold.
RC_GTEST_PROP(TileWalk, HasTheCyclesOfTheTimeline, ()) {
  const DrawnPass drawn = drawn_pass();
  const Schedule schedule = drawn.schedule();
  const Issue issue = drawn.architecture.issue;
  const bool os = keeps_sums(drawn.architecture.dataflow);
  const Index streamed = array_indices(drawn.architecture.dataflow).streamed;
  std::int64_t cycle = 0;
  FoldWalk folds(schedule, issue);
  const auto inside = [](const Range& part, const Range& whole) {
    return part.begin >= whole.begin && part.end <= whole.end;
  };
  for (TileWalk walk(schedule, issue); !walk.done(); walk.next()) {
    const TimedTile tile = walk.now();
    for (std::uint64_t number = tile.first_fold; number <= tile.last_fold; ++number) {
      RC_ASSERT(!folds.done());
      const FoldTiming fold = folds.now();
      RC_ASSERT(fold.number == number);
      RC_ASSERT(fold.fold.gemm == tile.gemm);
      RC_ASSERT(inside(fold.fold.m, tile.block[Index::kM]));
      RC_ASSERT(inside(fold.fold.n, tile.block[Index::kN]));
      RC_ASSERT(os || inside(fold.fold.k, tile.block[Index::kK]));
      const Range& depth = tile.block[Index::kK];
      const std::int64_t first = cycle + fold.preload;
      if (number == tile.first_fold) {
        RC_ASSERT(tile.first_slot == first + (os ? depth.begin : 0));
        RC_ASSERT(os || tile.first_row == first - schedule.array().rows);
      }
      if (number == tile.last_fold) {
        RC_ASSERT(tile.last_slot == first + (os ? depth.end : tile.block[streamed].size()) - 1);
        RC_ASSERT(os || tile.last_row == first - 1);
      }
      if (!os || depth.end == fold.fold.k.end) {  // else the next tile has more of this fold
        cycle = first + fold.share;
        folds.next();
      }
    }
  }
  RC_ASSERT(folds.done());
}

TEST(DramBus, IsExactToAFractionOfACycle) {
  // 3 GB/s at 1000 MHz: 24 bits a cycle.
  DramBus bus({3.0, 2.5}, 1000.0);
  EXPECT_EQ(bus.latency_cycles(), 3);
  EXPECT_EQ(bus_rate({3.0, 2.5}, 1000.0).cycles_for(24), 1);
  EXPECT_EQ(bus_rate({3.0, 2.5}, 1000.0).cycles_for(25), 2);
  EXPECT_EQ(bus.read(0, 12), 4);   // half a cycle, behind the latency
  EXPECT_EQ(bus.read(0, 12), 4);   // the other half
  EXPECT_EQ(bus.write(2, 36), 6);  // one and a half
  EXPECT_EQ(bus.read(0, 24), 7);   // to two and a half: it was asked for in time
  EXPECT_EQ(bus.write(100, 0), 100);
  EXPECT_EQ(bus.read(7, 24), 11);  // what is over at once holds nothing back

  // More parts than 64 bits hold: 2^40 bits at 10^-6 GB/s less than 1, and 10^5 MHz.
  DramBus slow({0.999999, 0.0}, 100000.0);
  const BusRate rate = bus_rate({0.999999, 0.0}, 100000.0);
  const std::int64_t bits = std::int64_t{1} << 40;
  EXPECT_EQ(slow.read(0, bits), rate.cycles_for(bits));
  EXPECT_EQ(slow.read(0, bits), rate.cycles_for(2 * bits));
}

// The example of docs/memory.md, reckoned here once more from its text alone: 64 bits a cycle, a
// latency of 10, tiles of 62 cycles, results complete 47 cycles behind a last slot.
TEST(MemoryPace, TheDocumentationsExampleIsTrue) {
  constexpr std::int64_t kLatency = 10;
  constexpr std::int64_t kOperand = 16 * 32 * 5 / 64;
  constexpr std::int64_t kResults = 16 * 16 * 32 / 64;
  std::ifstream stream(POTOMAC_SOURCE_DIR "/docs/memory.md");
  const std::string page{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  std::int64_t bus = 0;
  std::int64_t asked = 0;
  const auto transfer = [&](const std::string& name, std::int64_t wanted, std::int64_t latency,
                            std::int64_t cycles) {
    asked = std::max(asked, wanted);
    const std::int64_t begin = std::max(asked + latency, bus);
    bus = begin + cycles;
    const std::string row = fmt::format("| {} | {} | {} to {} |", name, asked, begin, bus);
    EXPECT_NE(page.find(row), std::string::npos) << row;
    return bus;
  };
  std::array<std::int64_t, 3> last{};
  std::array<std::int64_t, 3> complete{};
  std::int64_t held = 0;
  const auto tile = [&](std::int64_t number, std::int64_t ready, const std::string& waits) {
    const auto at = static_cast<std::size_t>(number);
    const std::int64_t would = 62 * number + held;
    const std::int64_t begins = std::max(would, ready);
    held += begins - would;
    last.at(at) = begins + 31;
    complete.at(at) = last.at(at) + 47;
    const std::string row = fmt::format("| {} | {} | {} | {}| {} | {} |", number, would, begins,
                                        waits, last.at(at), complete.at(at));
    EXPECT_NE(page.find(row), std::string::npos) << row;
  };
  transfer("first, tile 0", 0, kLatency, kOperand);
  const std::int64_t second = transfer("second, tile 0", 0, kLatency, kOperand);
  const std::int64_t first_1 = transfer("first, tile 1", 0, kLatency, kOperand);
  tile(0, second, "first 50, second 40 ");
  tile(1, first_1, "");
  const std::int64_t first_2 = transfer("first, tile 2", last[0] + 1, kLatency, kOperand);
  const std::int64_t stored = transfer("results, tile 0", complete[0], 0, kResults);
  tile(2, std::max(first_2, stored), "results 86: room, till tile 0's are in DRAM ");
  transfer("results, tile 1", complete[1], 0, kResults);
  const std::int64_t end = transfer("results, tile 2", complete[2], 0, kResults);
  EXPECT_EQ(end, 556);

  workloads::LayerShape shape;
  shape.name = "000-fc";
  shape.w = {16, 32};
  shape.a = {48, 32};
  shape.g = {48, 16};
  Architecture architecture;
  architecture.memory.emplace().dram = {4.0, 20.0};
  architecture.memory->first.kib = 1;
  architecture.memory->second.kib = 1;
  architecture.memory->results.kib = 2;
  auto operands = operands_of(shape, workloads::Pass::kForward, {});
  const ElementBits bits{5, 5, 32};
  const Blocking tiles =
      Tiler(operands.front(), architecture, bits).best(TileObjective::kTime).blocking;
  EXPECT_EQ(tiles.extents, (ByIndex<std::int64_t>{16, 16, 32}));
  const Schedule schedule({operands.front().gemm()}, architecture.array, architecture.dataflow,
                          {tiles});
  MemoryPace pace(architecture, schedule, operands, bits);
  EXPECT_EQ(
      pace.total_stalls(schedule, Issue::kSerial) + cycles_of(schedule, Issue::kSerial).total(),
      static_cast<std::uint64_t>(end));
  EXPECT_EQ(pace.stalls(), (StallCycles{50, 40, 264}));
}

}  // namespace
}  // namespace potomac::sim
