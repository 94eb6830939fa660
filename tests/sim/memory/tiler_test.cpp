// The tiler against everything that it could have chosen, and its traffic against a walk through
// the tiles one by one.
#include "sim/memory/tiler.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "sim/machine/schedule.hpp"
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
  Architecture architecture;
  architecture.array = {test::extent(4), test::extent(4)};
  architecture.dataflow = *rc::gen::element(
      Dataflow::kOutputStationary, Dataflow::kWeightStationary, Dataflow::kInputStationary);
  architecture.lowering = test::random_lowering();
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

// Every block of every extent, in every order.
RC_GTEST_PROP(Tiler, FindsTheLeastTrafficThereIs, ()) {
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
  bool has_room = true;
  try {
    Architecture wide = drawn.architecture;
    for (ScratchpadConfig* scratchpad :
         {&wide.memory->first, &wide.memory->second, &wide.memory->results}) {
      scratchpad->word_bits = kMaxWordBits;
    }
    require_room(wide, gemm, drawn.bits, "drawn", "000-drawn");
  } catch (const InputError&) {
    has_room = false;
  }
  RC_ASSERT(has_room == (least < std::numeric_limits<std::int64_t>::max()));
  RC_PRE(has_room);
  const Blocking found = least_traffic(drawn.operands, drawn.architecture, drawn.bits);
  RC_ASSERT(fits(found.extents, room));
  RC_ASSERT(is_workable(gemm, found, drawn.architecture.array, drawn.architecture.dataflow));
  RC_ASSERT(traffic_of(drawn.operands, found, drawn.bits).total() == least);
  RC_CLASSIFY(found.extents == extents_of(gemm), "uncut");
  for (const Blocking& other : finer(drawn.operands, drawn.architecture, drawn.bits, found)) {
    RC_ASSERT(is_workable(gemm, other, drawn.architecture.array, drawn.architecture.dataflow));
    RC_ASSERT(fits(other.extents, room));
    RC_ASSERT(traffic_of(drawn.operands, other, drawn.bits).total() == least);
  }
}

}  // namespace
}  // namespace potomac::sim
