// What was found for other memories changes nothing.
#include "sim/memory/known_tiles.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <vector>

#include "sim/memory/pass_memory.hpp"
#include "support/error.hpp"
#include "tests/sim/engines/random_passes.hpp"

namespace potomac::sim {
namespace {

RC_GTEST_PROP(KnownTiles, AreThoseThatAreFoundAnew, ()) {
  const workloads::LayerShape shape = test::random_layer_shape();
  const auto pass = *rc::gen::elementOf(workloads::passes_of(shape));
  Architecture architecture = test::random_array(4);
  // Wide elements make a scratchpad of few KiB small.
  const ElementBits bits{test::extent(300), test::extent(300), test::extent(300)};
  const MemoryUser user{Unit::kFp32Mac, shape.name, pass};
  KnownTiles known;
  for (int point = 0; point < 8; ++point) {
    MemoryConfig& memory = architecture.memory.emplace();
    for (ScratchpadConfig* scratchpad : {&memory.first, &memory.second, &memory.results}) {
      scratchpad->kib = *rc::gen::inRange<std::int64_t>(1, 5);
      scratchpad->double_buffered = *rc::gen::inRange(0, 4) > 0;
    }
    memory.objective = *rc::gen::element(TileObjective::kTime, TileObjective::kTraffic);
    memory.dram.emplace().bandwidth_gb_s = *rc::gen::element(0.5, 3.0);
    auto operands = operands_of(shape, pass, architecture.lowering);
    PassMemory anew;
    try {
      anew = plan_tiles(operands, architecture, bits, user);
      take_memory(anew, operands, architecture);
    } catch (const InputError&) {
      continue;  // it holds no fold
    }
    KnownTilesOfPass& of_pass = known.of(shape, pass, architecture.lowering);
    PassMemory found = plan_tiles(of_pass, architecture, bits, user);
    take_memory(found, of_pass.operands(), architecture);
    RC_ASSERT(found.tiles == anew.tiles);
    RC_ASSERT(found.stalls == anew.stalls);
    RC_ASSERT(found.accesses == anew.accesses);
  }
}

}  // namespace
}  // namespace potomac::sim
