// Engines agree on drawn cases; and an engine with any of many small faults is found out.
#include "sim/studies/verify.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sim/memory/tlm_memory.hpp"
#include "support/error.hpp"

namespace potomac::sim {
namespace {

constexpr std::uint64_t kCases = 500;

void ignore_case(const DrawnCase& /*drawn*/) {}

TEST(Verify, FindsNoDifferenceBetweenTheEngines) {
  WorkerPool pool(2);
  const auto fast = make_engine("fast", pool);
  const auto systemc = make_engine_with_memory("systemc", pool);
  const auto count = make_engine("count", pool);
  std::uint64_t done = 0;
  const auto failure =
      verify({.seed = 3, .cases = kCases, .only = {}, .architecture = {}},
             {*fast, *systemc, *count}, [&](const DrawnCase& /*drawn*/) { done += 1; });
  EXPECT_FALSE(failure.has_value()) << failure->index << ": " << failure->difference;
  EXPECT_EQ(done, kCases);
}

TEST(Verify, DrawsTheSameCaseAgainAndOthersForOtherNumbers) {
  std::set<std::string> seen;
  std::set<std::string> dataflows;
  for (std::uint64_t index = 0; index < 100; ++index) {
    const DrawnCase once = draw_case(5, index, {});
    const DrawnCase again = draw_case(5, index, {});
    EXPECT_EQ(describe(once), describe(again));
    EXPECT_EQ(once.layer.a.codes, again.layer.a.codes);
    seen.insert(describe(once));
    dataflows.insert(std::string(name_of(once.architecture.dataflow)) + " " +
                     std::string(name_of(once.architecture.issue)));
  }
  EXPECT_GT(seen.size(), 95U);
  EXPECT_EQ(dataflows.size(), 6U);
  EXPECT_NE(describe(draw_case(6, 0, {})), describe(draw_case(5, 0, {})));
}

TEST(Verify, OnTheUsersMachineDrawsLayersThatFitIt) {
  Architecture machine;
  machine.array = {3, 5};
  machine.pe.operand_bits = 6;
  machine.pe.accumulator.bits = 40;  // two 6-bit operands need 62
  for (std::uint64_t index = 0; index < 50; ++index) {
    EXPECT_EQ(draw_case(1, index, machine).architecture, machine);
  }
  machine.pe.accumulator.bits = 16;
  machine.pe.accumulator.lsb = -40;
  EXPECT_THROW(draw_case(1, 0, machine), InputError);
}

// --- faults --------------------------------------------------------------------------------------

// What is wrong with an engine: in its counts, or in the results that it delivers.
struct EngineFault {
  std::string name;
  std::function<void(const Job&, PassCounts&)> in_counts;
  std::function<std::int64_t(const ResultTile<std::int64_t>&, std::int64_t)> in_sums;
};

class FaultyEngine : public Engine {
 public:
  FaultyEngine(EngineFault fault, WorkerPool& pool)
      : fault_(std::move(fault)), engine_(make_engine("fast", pool)) {}

  PassCounts run(const Job& job, const Detail& detail) override {
    Detail changed = detail;
    if (fault_.in_sums && detail.accumulators) {
      changed.accumulators = [&](const ResultTile<std::int64_t>& tile) {
        std::vector<std::int64_t> values;
        for (std::int64_t i = 0; i < tile.rows; ++i) {
          for (std::int64_t j = 0; j < tile.cols; ++j) {
            values.push_back(fault_.in_sums(tile, tile.values[i * tile.row_stride + j]));
          }
        }
        ResultTile<std::int64_t> copy = tile;
        copy.values = values.data();
        copy.row_stride = tile.cols;
        detail.accumulators(copy);
      };
    }
    PassCounts counts = engine_->run(job, changed);
    if (fault_.in_counts) {
      fault_.in_counts(job, counts);
    }
    return counts;
  }

 private:
  EngineFault fault_;
  std::unique_ptr<Engine> engine_;
};

// One less, where there is one.
void take_one(std::uint64_t& count) {
  count -= count > 0 ? 1 : 0;
}
void take_one(Count& count) {
  count -= count.value() > 0 ? 1 : 0;
}
// One more, where there is one.
void add_one(Count& count) {
  count += count.value() > 0 ? 1 : 0;
}

std::vector<EngineFault> engine_faults() {
  return {
      {"a drain that ends a cycle early",
       [](const Job& /*job*/, PassCounts& c) { take_one(c.cycles.drain); },
       {}},
      {"a preload of one row less",
       [](const Job& /*job*/, PassCounts& c) { take_one(c.cycles.preload); },
       {}},
      {"a fold that begins a cycle early",
       [](const Job& /*job*/, PassCounts& c) { c.cycles.stream -= c.folds > 1 ? 1 : 0; },
       {}},
      {"a stall that is not counted",
       [](const Job& /*job*/, PassCounts& c) { take_one(c.cycles.stall); },
       {}},
      {"a gated zero too many",
       [](const Job& /*job*/, PassCounts& c) { add_one(c.actions.gated_mac); },
       {}},
      {"a dropped product that is added",
       [](const Job& /*job*/, PassCounts& c) {
         c.actions.accumulate += c.actions.dropped_product.value() > 0 ? 1 : 0;
       },
       {}},
      {"an overflow that goes unseen",
       [](const Job& /*job*/, PassCounts& c) { take_one(c.actions.overflow); },
       {}},
      {"an operand register that takes a slot that is not valid",
       [](const Job& /*job*/, PassCounts& c) { add_one(c.actions.operand_register_write); },
       {}},
      {"a tile that is not copied to the second register",
       [](const Job& job, PassCounts& c) {
         if (job.architecture->issue == Issue::kPipelined &&
             c.actions.psum_register_write.value() > 0) {
           take_one(c.actions.operand_register_write);
         }
       },
       {}},
      {"a PE at the edge that counts as filled",
       [](const Job& /*job*/, PassCounts& c) {
         if (c.actions.idle_edge_pe_cycle.value() > 0) {
           c.actions.idle_edge_pe_cycle -= 1;
           c.actions.idle_fill_pe_cycle += 1;
         }
       },
       {}},
      {"a result that drains one hop further",
       [](const Job& /*job*/, PassCounts& c) { add_one(c.actions.drain_hop); },
       {}},
      {"an accumulator that toggles from 0, not from the sum before",
       [](const Job& /*job*/, PassCounts& c) { take_one(c.toggles.accumulator); },
       {}},
      {"a skew register that does not hold while its slot is not valid",
       [](const Job& /*job*/, PassCounts& c) {
         c.toggles.skew += c.toggles.skew.value() > 0 && c.cycles.stall > 0 ? 2 : 0;
       },
       {}},
      {"a second stationary register that keeps its bits to itself",
       [](const Job& job, PassCounts& c) {
         if (job.architecture->issue == Issue::kPipelined) {
           take_one(c.toggles.stationary);
         }
       },
       {}},
      {"a partial sum below the tile that does not toggle",
       [](const Job& /*job*/, PassCounts& c) { take_one(c.toggles.partial_sum); },
       {}},
      {"a lost carry into bit 16",
       {},
       [](const ResultTile<std::int64_t>& /*tile*/, std::int64_t sum) {
         return sum > 0xFFFF ? sum & ~std::int64_t{0x10000} : sum;
       }},
      {"a sign that is not extended",
       {},
       [](const ResultTile<std::int64_t>& /*tile*/, std::int64_t sum) {
         return sum < 0 ? sum & 0xFFFFFFFFFF : sum;
       }},
      {"a wrong bit in every GEMM but the first",
       {},
       [](const ResultTile<std::int64_t>& tile, std::int64_t sum) {
         return tile.gemm > 0 ? sum ^ 1 : sum;
       }},
  };
}

TEST(Verify, FindsEverySmallFault) {
  WorkerPool pool(1);
  const auto systemc = make_engine_with_memory("systemc", pool);
  const auto count = make_engine("count", pool);
  const auto sound = make_engine("fast", pool);
  const std::vector<EngineFault> all = engine_faults();
  for (const EngineFault& fault : all) {
    FaultyEngine faulty(fault, pool);
    const auto failure = verify({.seed = 1, .cases = kCases, .only = {}, .architecture = {}},
                                {faulty, *systemc, *count}, ignore_case);
    ASSERT_TRUE(failure.has_value()) << fault.name;
    EXPECT_FALSE(failure->difference.empty());
    // The number alone brings it back, and the sound engine passes there.
    const VerifyOptions again{.seed = 1, .cases = 0, .only = failure->index, .architecture = {}};
    const auto found = verify(again, {faulty, *systemc, *count}, ignore_case);
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->difference, failure->difference);
    EXPECT_FALSE(verify(again, {*sound, *systemc, *count}, ignore_case).has_value());
  }
}

// Cases that told the plan of a memory from its modules: on three channels of a device, the last
// block was stored before the one before it, and sums came before what they take the place of had
// left.
TEST(Verify, FindsNoDifferenceWhereTransfersPassEachOtherOnChannels) {
  WorkerPool pool(1);
  const auto fast = make_engine("fast", pool);
  const auto systemc = make_engine_with_memory("systemc", pool);
  const auto count = make_engine("count", pool);
  Architecture machine;
  machine.array = {6, 4};
  machine.dataflow = Dataflow::kInputStationary;
  machine.issue = Issue::kPipelined;
  MemoryConfig& memory = machine.memory.emplace();
  for (ScratchpadConfig* scratchpad : {&memory.first, &memory.second, &memory.results}) {
    scratchpad->kib = 1;
    scratchpad->double_buffered = scratchpad != &memory.first;
  }
  memory.objective = TileObjective::kTraffic;
  DramConfig& dram = memory.dram.emplace();
  dram.preset = "lpddr4-3200";
  dram.device = load_dram_preset(dram.preset);
  dram.channels = 3;
  dram.lookahead = 3;
  dram.mapping = DramMapping::kPlain;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    const auto failure = verify({.seed = seed, .cases = 160, .only = {}, .architecture = machine},
                                {*fast, *systemc, *count}, ignore_case);
    EXPECT_FALSE(failure.has_value())
        << seed << ", " << failure->index << ": " << failure->difference;
  }
  for (const auto& [seed, index] :
       {std::pair{std::uint64_t{1}, std::uint64_t{845}}, {20261129, 9505}, {20261129, 9842}}) {
    const auto failure = verify({.seed = seed, .cases = 0, .only = index, .architecture = {}},
                                {*fast, *systemc, *count}, ignore_case);
    EXPECT_FALSE(failure.has_value()) << seed << ", " << index << ": " << failure->difference;
  }
}

}  // namespace
}  // namespace potomac::sim
