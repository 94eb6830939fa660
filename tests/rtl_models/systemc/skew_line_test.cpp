// The skew line: a slot comes out exactly `depth` edges after it went in.
#include "rtl_models/systemc/skew_line.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "rtl_models/arithmetic/pot_code.hpp"
#include "tests/rtl_models/systemc/clocked_bench.hpp"

namespace potomac::rtl {
namespace {

using Row = RowSlot<PotCode>;
using Column = ColumnSlot<PotCode>;

template <typename Slot>
struct Bench {
  explicit Bench(std::size_t depth) : line(std::make_unique<SkewLine<Slot>>("line", depth)) {
    line->clk.bind(clocked.clk);
    line->in.bind(in);
    line->out.bind(out);
  }

  // One edge with `slot` on the input; returns what a module behind the line sees at that edge.
  Slot step(const Slot& slot) {
    in.write(slot);
    const Slot seen = out.read();
    clocked.edge();
    return seen;
  }

  test::ClockedBench clocked;
  sc_core::sc_signal<Slot> in{"in"};
  sc_core::sc_signal<Slot> out{"out"};
  std::unique_ptr<SkewLine<Slot>> line;
};

class EveryDepth : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(SkewLine, EveryDepth, testing::Values(1, 2, 3, 5, 8));

TEST_P(EveryDepth, OneSlotIsSeenAfterDepthEdgesAndNotBeforeOrAfter) {
  const std::size_t depth = GetParam();
  Bench<Row> bench(depth);
  for (std::size_t at = 0; at < 2 * depth + 2; ++at) {
    const Row seen = bench.step(at == 0 ? Row{0x13, true} : Row{});
    EXPECT_EQ(seen.valid, at == depth) << "edge " << at;
    if (at == depth) {
      EXPECT_EQ(seen.operand, 0x13);
    }
  }
}

TEST_P(EveryDepth, AnyPatternIsDelayedAndHeldWhileInvalidAndItsWritesCounted) {
  const std::size_t depth = GetParam();
  Bench<Row> bench(depth);
  std::mt19937 random(7);
  std::vector<Row> sent;
  Row expected{};
  std::uint64_t writes = 0;
  for (std::size_t at = 0; at < 200; ++at) {
    const bool burst = at / 20 % 2 == 0;
    sent.push_back({static_cast<PotCode>(random() % 32), burst && random() % 3 != 0});
    const Row seen = bench.step(sent.back());
    if (at >= depth) {
      const Row& due = sent[at - depth];
      // An invalid slot leaves the operand that the register holds.
      expected = due.valid ? due : Row{expected.operand, false};
    }
    ASSERT_EQ(seen, expected) << "edge " << at;
    // Stage i takes the slot that was sent i edges ago.
    for (std::size_t i = 0; i < depth && i <= at; ++i) {
      writes += sent[at - i].valid ? 1 : 0;
    }
    ASSERT_EQ(bench.line->register_writes(), writes) << "edge " << at;
  }
  bench.line->reset();
  EXPECT_EQ(bench.line->register_writes(), 0U);
}

TEST(SkewLine, TagsTravelWithTheirOperand) {
  Bench<Column> bench(2);
  const std::vector<Column> sent = {{0x01, true, true, false},
                                    {0x02, true, false, false},
                                    {0x03, true, false, true},
                                    {0x04, true, true, true}};
  std::vector<Column> seen;
  for (std::size_t at = 0; at < sent.size() + 2; ++at) {
    seen.push_back(bench.step(at < sent.size() ? sent[at] : Column{}));
  }
  EXPECT_EQ(std::vector<Column>(seen.begin() + 2, seen.end()), sent);
}

}  // namespace
}  // namespace potomac::rtl
