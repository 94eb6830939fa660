// The tiler against everything that it could have chosen, and its traffic against a walk through
// the tiles one by one.
#include "sim/memory/tiler.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/machine/cycles.hpp"
#include "sim/machine/schedule.hpp"
#include "sim/memory/memory_pace.hpp"
#include "support/error.hpp"
#include "tests/sim/engines/random_passes.hpp"

namespace potomac::sim {
namespace {

constexpr std::array kOrders = {
    LoopOrder{Index::kM, Index::kN, Index::kK}, LoopOrder{Index::kM, Index::kK, Index::kN},
    LoopOrder{Index::kN, Index::kM, Index::kK}, LoopOrder{Index::kN, Index::kK, Index::kM},
    LoopOrder{Index::kK, Index::kM, Index::kN}, LoopOrder{Index::kK, Index::kN, Index::kM}};

// Fetches and stores as they happen, tile by tile, of all copies of a GEMM.
Traffic traffic_one_by_one(GemmOperands& operands, const Blocking& blocking,
                           const ElementBits& bits) {
  Traffic traffic;
  for (std::int64_t copy = 0; copy < operands.gemm().count; ++copy) {
    GemmOperands::Part& part = operands.part_of(copy);
    BlockWalk walk(extents_of(operands.gemm()), blocking);
    std::optional<ByIndex<Range>> before;
    do {
      const ByIndex<Range>& now = walk.block();
      const auto other = [&](Index one, Index another) {
        return !before || (*before)[one] != now[one] || (*before)[another] != now[another];
      };
      const Range& m = now[Index::kM];
      const Range& n = now[Index::kN];
      const Range& k = now[Index::kK];
      if (other(Index::kM, Index::kK)) {
        traffic.first += part.first.of_block(m.begin, m.end, k.begin, k.end) * bits.first;
      }
      if (other(Index::kN, Index::kK)) {
        traffic.second += part.second.of_block(n.begin, n.end, k.begin, k.end) * bits.second;
      }
      if (other(Index::kM, Index::kN)) {
        traffic.results += m.size() * n.size() * bits.result;
        traffic.sums += k.begin > 0 ? m.size() * n.size() * bits.result : 0;
      }
      before = now;
    } while (walk.next());
  }
  return traffic;
}

struct Case {
  Architecture architecture;
  ElementBits bits;
  GemmOperands operands;
};

Case drawn_case(std::int64_t most_macs) {
  const workloads::LayerShape shape = test::random_layer_shape();
  const auto pass = *rc::gen::elementOf(workloads::passes_of(shape));
  Architecture architecture = test::random_array(4);
  architecture.memory.emplace();
  for (ScratchpadConfig* scratchpad :
       {&architecture.memory->first, &architecture.memory->second, &architecture.memory->results}) {
    scratchpad->double_buffered = *rc::gen::arbitrary<bool>();
    scratchpad->kib = 1;
  }
  auto operands = operands_of(shape, pass, architecture.lowering);
  RC_PRE(!operands.empty());
  const std::size_t at = *rc::gen::inRange<std::size_t>(0, operands.size());
  const workloads::GemmShape& gemm = operands[at].gemm();
  RC_PRE(gemm.m * gemm.n * gemm.k <= most_macs);
  // Wide elements make a scratchpad of 1 KiB small.
  const auto width = [] { return *rc::gen::inRange<std::int64_t>(5, 400); };
  return {architecture, {width(), width(), width()}, std::move(operands[at])};
}

RC_GTEST_PROP(Traffic, IsWhatIsFetchedAndStoredTileByTile, ()) {
  Case drawn = drawn_case(20000);
  const ByIndex<std::int64_t> extents = extents_of(drawn.operands.gemm());
  Blocking blocking;
  for (const Index index : {Index::kM, Index::kN, Index::kK}) {
    blocking.extents[index] = test::extent(extents[index]);
  }
  blocking.order = *rc::gen::elementOf(std::vector<LoopOrder>(kOrders.begin(), kOrders.end()));
  RC_ASSERT(traffic_of(drawn.operands, blocking, drawn.bits) ==
            traffic_one_by_one(drawn.operands, blocking, drawn.bits));
}

bool has_room(const Case& drawn) {
  try {
    require_room(drawn.architecture, drawn.operands.gemm(), drawn.bits, "drawn", "000-drawn");
    return true;
  } catch (const InputError&) {
    return false;
  }
}

void draw_dram(Architecture& architecture) {
  if (*rc::gen::inRange(0, 5) > 0) {
    // At 500 MHz, 0.0625 GB/s are one bit a cycle.
    architecture.memory->dram = {static_cast<double>(test::extent(400)) * 0.0313,
                                 static_cast<double>(*rc::gen::inRange(0, 100))};
  }
}

// Every block of every extent, in every order. Where operands lie dense, the least traffic of all
// is among the candidates.
RC_GTEST_PROP(Tiler, CandidatesHaveTheLeastTrafficThereIs, ()) {
  Case drawn = drawn_case(2000);
  const workloads::GemmShape& gemm = drawn.operands.gemm();
  const TileRoom room = room_of(*drawn.architecture.memory, drawn.bits);
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  for (std::int64_t m = 1; m <= gemm.m; ++m) {
    for (std::int64_t n = 1; n <= gemm.n; ++n) {
      for (std::int64_t k = 1; k <= gemm.k; ++k) {
        if (!fits({m, n, k}, room)) {
          continue;
        }
        for (const LoopOrder& order : kOrders) {
          const Blocking blocking{{m, n, k}, order};
          if (is_workable(gemm, blocking, drawn.architecture.array, drawn.architecture.dataflow)) {
            least = std::min(least, traffic_of(drawn.operands, blocking, drawn.bits).total());
          }
        }
      }
    }
  }
  RC_ASSERT(has_room(drawn) == (least < std::numeric_limits<std::int64_t>::max()));
  RC_PRE(has_room(drawn));
  Tiler tiler(drawn.operands, drawn.architecture, drawn.bits);
  const JudgedBlocking found = tiler.best(TileObjective::kTraffic);
  RC_ASSERT(found.traffic_bits == traffic_of(drawn.operands, found.blocking, drawn.bits).total());
  if (drawn.operands.first_overlaps() || drawn.operands.second_overlaps()) {
    RC_ASSERT(found.traffic_bits >= least);
    RC_CLASSIFY(found.traffic_bits == least, "overlapping, the least");
    RC_CLASSIFY(found.traffic_bits > least, "overlapping, more");
  } else {
    RC_ASSERT(found.traffic_bits == least);
  }
}

// What a blocking costs, without any of the tiler's ways to get by with less work.
JudgedBlocking judged(Case& drawn, const Blocking& blocking) {
  const Schedule schedule({drawn.operands.gemm()}, drawn.architecture.array,
                          drawn.architecture.dataflow, {blocking});
  JudgedBlocking found{.blocking = blocking,
                       .cycles = cycles_of(schedule, drawn.architecture.issue).total(),
                       .stalls = {},
                       .traffic_bits = traffic_of(drawn.operands, blocking, drawn.bits).total()};
  if (drawn.architecture.memory->dram) {
    MemoryPace pace(drawn.architecture, schedule, {&drawn.operands, 1}, drawn.bits);
    pace.walk_every_tile();
    found.cycles += pace.total_stalls(schedule, drawn.architecture.issue);
    found.stalls = pace.stalls();
  }
  return found;
}

RC_GTEST_PROP(Tiler, TakesTheBestOfItsCandidates, ()) {
  Case drawn = drawn_case(4000);
  draw_dram(drawn.architecture);
  RC_PRE(has_room(drawn));
  const TileRoom room = room_of(*drawn.architecture.memory, drawn.bits);
  Tiler tiler(drawn.operands, drawn.architecture, drawn.bits);
  const JudgedBlocking soonest = tiler.best(TileObjective::kTime);
  const JudgedBlocking least = tiler.best(TileObjective::kTraffic);
  RC_ASSERT(soonest == judged(drawn, soonest.blocking));
  RC_ASSERT(least == judged(drawn, least.blocking));
  const auto by_time = [](const JudgedBlocking& one) {
    return std::pair(static_cast<std::int64_t>(one.cycles), one.traffic_bits);
  };
  const auto by_traffic = [](const JudgedBlocking& one) {
    return std::pair(one.traffic_bits, static_cast<std::int64_t>(one.cycles));
  };
  bool soonest_is_there = false;
  bool least_is_there = false;
  for (const Blocking& candidate : tiler.candidates()) {
    RC_ASSERT(is_workable(drawn.operands.gemm(), candidate, drawn.architecture.array,
                          drawn.architecture.dataflow));
    if (!fits(candidate.extents, room)) {
      continue;
    }
    const JudgedBlocking other = judged(drawn, candidate);
    RC_ASSERT(by_time(soonest) <= by_time(other));
    RC_ASSERT(by_traffic(least) <= by_traffic(other));
    soonest_is_there = soonest_is_there || other == soonest;
    least_is_there = least_is_there || other == least;
  }
  RC_ASSERT(soonest_is_there);
  RC_ASSERT(least_is_there);
  RC_CLASSIFY(soonest.blocking == least.blocking, "both are the same");
}

// Neither ever costs what tiles are chosen for.
RC_GTEST_PROP(Tiler, LargerScratchpadsAndMoreBandwidthAreNeverWorse, ()) {
  Case drawn = drawn_case(30000);
  draw_dram(drawn.architecture);
  RC_PRE(has_room(drawn));
  const auto best = [&](const Architecture& architecture, TileObjective objective) {
    return Tiler(drawn.operands, architecture, drawn.bits).best(objective);
  };
  Architecture architecture = drawn.architecture;
  JudgedBlocking soonest = best(architecture, TileObjective::kTime);
  JudgedBlocking least = best(architecture, TileObjective::kTraffic);
  for (int step = 0; step < 6; ++step) {
    MemoryConfig& memory = *architecture.memory;
    switch (*rc::gen::inRange(0, 4)) {
      case 0:
        memory.first.kib += 1;
        break;
      case 1:
        memory.second.kib += 1;
        break;
      case 2:
        memory.results.kib += 1;
        break;
      default:
        if (memory.dram) {
          memory.dram->bandwidth_gb_s *= 1.3;
        }
    }
    const JudgedBlocking sooner = best(architecture, TileObjective::kTime);
    const JudgedBlocking less = best(architecture, TileObjective::kTraffic);
    RC_ASSERT(sooner.cycles <= soonest.cycles);
    RC_ASSERT(less.traffic_bits <= least.traffic_bits);
    soonest = sooner;
    least = less;
  }
}

// The first rows of a convolution with more padding than kernel are made of padding alone: they
// wait for nothing, and an array that loads them first waits for the other operand only.
TEST(Tiler, IsNotMisledByBlocksOfWhichNothingLiesInDram) {
  workloads::LayerShape shape;
  shape.name = "000-conv";
  shape.kind = workloads::LayerKind::kConv2d;
  shape.conv.stride = {2, 1};
  shape.conv.padding = workloads::Padding::around({1, 0});
  shape.w = {2, 6, 1, 1};
  shape.a = {1, 6, 1, 5};
  shape.g = {1, 2, 2, 5};
  Architecture architecture;
  architecture.array = {9, 1};
  architecture.dataflow = Dataflow::kInputStationary;
  architecture.issue = Issue::kPipelined;
  MemoryConfig& memory = architecture.memory.emplace();
  for (ScratchpadConfig* scratchpad : {&memory.first, &memory.second, &memory.results}) {
    scratchpad->kib = 1;
    scratchpad->double_buffered = false;
  }
  for (const double latency_ns : {0.0, 20.0, 85.0, 300.0}) {
    memory.dram = DramConfig{23.375, latency_ns};
    for (const std::int64_t width : {4, 54, 400}) {
      Case one{architecture,
               {4, 4, width},
               std::move(operands_of(shape, workloads::Pass::kForward, {}).front())};
      ASSERT_EQ(one.operands.part_of(0).first.of_block(0, 10, 0, 6), 0);
      Tiler tiler(one.operands, one.architecture, one.bits);
      for (const TileObjective objective : {TileObjective::kTime, TileObjective::kTraffic}) {
        const JudgedBlocking best = tiler.best(objective);
        EXPECT_EQ(best, judged(one, best.blocking)) << latency_ns << " ns, " << width << " bits";
        for (const Blocking& candidate : tiler.candidates()) {
          if (fits(candidate.extents, room_of(memory, one.bits))) {
            const JudgedBlocking other = judged(one, candidate);
            EXPECT_TRUE(objective == TileObjective::kTime
                            ? best.cycles <= other.cycles
                            : std::pair(best.traffic_bits, best.cycles) <=
                                  std::pair(other.traffic_bits, other.cycles))
                << latency_ns << " ns, " << width << " bits";
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace potomac::sim
