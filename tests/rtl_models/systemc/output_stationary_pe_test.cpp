// One output-stationary PE: what each edge does to its registers.
#include "rtl_models/systemc/output_stationary_pe.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>

#include "tests/rtl_models/systemc/clocked_bench.hpp"

namespace potomac::rtl {
namespace {

using Row = RowSlot<PotCode>;
using Column = ColumnSlot<PotCode>;
using Result = ResultSlot<std::int64_t>;

constexpr PotFormat kPeFormat(5);
constexpr PotCode kOne = kPeFormat.encode(false, 0);
constexpr PotCode kTwo = kPeFormat.encode(false, 1);
constexpr PotCode kFour = kPeFormat.encode(false, 2);
constexpr PotCode kMinusTwo = kPeFormat.encode(true, 1);
constexpr PotCode kZero = kPeFormat.zero();
constexpr Row kNoRow{};
constexpr Column kNoColumn{};
constexpr DrainCommand kHold{};
constexpr DrainCommand kShift{true, false};
constexpr DrainCommand kStart{true, true};

struct OutputStationaryPeTest : testing::Test {
  OutputStationaryPeTest() {
    pe.clk.bind(bench.clk);
    pe.west.bind(west);
    pe.north.bind(north);
    pe.shadow_above.bind(above);
    pe.drain.bind(drain);
    pe.east.bind(east);
    pe.south.bind(south);
    pe.shadow.bind(shadow);
  }

  void edge(const Row& row, const Column& column, const DrainCommand& command = kHold,
            const Result& from_above = {}) {
    west.write(row);
    north.write(column);
    drain.write(command);
    above.write(from_above);
    bench.edge();
  }

  // A fold of one product: `a` * `b` is captured.
  void capture(PotCode a, PotCode b, const DrainCommand& command = kHold,
               const Result& from_above = {}) {
    edge({a, true}, {b, true, true, true}, command, from_above);
  }

  test::ClockedBench bench;
  MfMacUnit::Config config{kPeFormat, {32, 0, Overflow::kWrap}, true};
  sc_core::sc_signal<Row> west{"west"};
  sc_core::sc_signal<Column> north{"north"};
  sc_core::sc_signal<Result> above{"above"};
  sc_core::sc_signal<DrainCommand> drain{"drain"};
  sc_core::sc_signal<Row> east{"east"};
  sc_core::sc_signal<Column> south{"south"};
  sc_core::sc_signal<Result> shadow{"shadow"};
  OutputStationaryPe<MfMacUnit> pe{"pe", config};
};

TEST_F(OutputStationaryPeTest, HandsOperandsOnAfterOneEdgeAndHoldsThemWhileInvalid) {
  EXPECT_FALSE(east.read().valid);
  edge({kTwo, true}, {kFour, true, true, false});
  EXPECT_EQ(east.read(), (Row{kTwo, true}));
  EXPECT_EQ(south.read(), (Column{kFour, true, true, false}));
  edge({kOne, false}, {kOne, false, true, true});
  EXPECT_EQ(east.read(), (Row{kTwo, false})) << "the register keeps its operand";
  EXPECT_EQ(south.read(), (Column{kFour, false, false, false}));
  EXPECT_EQ(pe.counters().operand_writes, 2U);
  edge({kOne, true}, kNoColumn);
  EXPECT_EQ(east.read(), (Row{kOne, true}));
  EXPECT_FALSE(south.read().valid);
  EXPECT_EQ(pe.counters().operand_writes, 3U);
}

TEST_F(OutputStationaryPeTest, MultipliesOnlyWhereBothOperandsAreValid) {
  edge({kTwo, true}, kNoColumn);
  edge(kNoRow, {kTwo, true, true, true});
  EXPECT_EQ(pe.counters().slots, 0U);
  EXPECT_FALSE(shadow.read().valid) << "an operand tagged last captures nothing without a partner";
  edge({kTwo, true}, {kFour, true, true, true});
  EXPECT_EQ(pe.counters().slots, 1U);
  EXPECT_EQ(shadow.read().value, 8);
}

TEST_F(OutputStationaryPeTest, SumsFromTheOperandTaggedFirstToTheOneTaggedLast) {
  edge({kTwo, true}, {kTwo, true, true, false});        // 4
  edge(kNoRow, kNoColumn);                              // a bubble changes nothing
  edge({kOne, true}, {kMinusTwo, true, false, false});  // 2
  EXPECT_FALSE(shadow.read().valid) << "one edge before the last operand";
  edge({kFour, true}, {kFour, true, false, true});  // 18
  EXPECT_EQ(shadow.read(), (Result{18, true, true})) << "at the last operand's own edge";
  edge({kOne, true}, {kOne, true, true, true});  // a new sum
  EXPECT_EQ(shadow.read(), (Result{1, true, true}));
  EXPECT_EQ(pe.counters().shadow_writes, 2U);
  EXPECT_EQ(pe.counters().accumulator_writes, 4U);
}

TEST_F(OutputStationaryPeTest, AGatedFirstOperandStillClearsTheSum) {
  capture(kFour, kFour);
  edge({kZero, true}, {kTwo, true, true, false});
  EXPECT_EQ(pe.counters().accumulated, 1U);
  EXPECT_EQ(pe.counters().accumulator_writes, 2U) << "the clearing is a write";
  edge({kZero, true}, {kTwo, true, false, true});
  EXPECT_EQ(shadow.read().value, 0);
  EXPECT_EQ(pe.counters().gated, 2U);
  EXPECT_EQ(pe.counters().accumulator_writes, 2U) << "a gated slot within a sum is none";
}

TEST_F(OutputStationaryPeTest, TogglesAreTheBitsThatEachWriteChanges) {
  // kTwo is 00001, kFour 00010, kMinusTwo 10001; 8 is 01000, -4 ...11100, 4 ...00100.
  edge({kTwo, true}, {kFour, true, true, true});
  EXPECT_EQ(pe.counters().operand_toggles, 1U + 1U);
  EXPECT_EQ(pe.counters().accumulator_toggles, 1U);
  EXPECT_EQ(pe.counters().shadow_toggles, 1U);
  edge({kFour, false}, {kOne, false, true, true});
  EXPECT_EQ(pe.counters().operand_toggles, 2U) << "a slot that is not valid changes nothing";
  edge({kTwo, true}, {kMinusTwo, true, true, true});
  EXPECT_EQ(pe.counters().operand_toggles, 2U + 0U + 3U);
  EXPECT_EQ(pe.counters().accumulator_toggles, 1U + 29U) << "a new sum: from 8 to -4, 32 bits wide";
  EXPECT_EQ(pe.counters().shadow_toggles, 1U + 29U);
  edge(kNoRow, kNoColumn, kStart, {4, true, true});
  EXPECT_EQ(pe.counters().shadow_toggles, 30U + 29U);
  edge(kNoRow, kNoColumn, kShift, {});
  edge({kTwo, true}, kNoColumn);
  EXPECT_EQ(pe.counters().shadow_toggles, 59U) << "emptied, it holds its data";
  pe.reset();
  edge({kTwo, true}, kNoColumn);
  EXPECT_EQ(pe.counters().operand_toggles, 1U) << "all bits are 0 again when a pass begins";
}

TEST_F(OutputStationaryPeTest, WithoutACommandTheShadowHolds) {
  capture(kTwo, kTwo);
  edge(kNoRow, kNoColumn, kHold, {99, true, false});
  EXPECT_EQ(shadow.read(), (Result{4, true, true}));
}

TEST_F(OutputStationaryPeTest, ShiftTakesTheResultAboveOrEmpties) {
  capture(kTwo, kTwo);
  edge(kNoRow, kNoColumn, kStart, {99, true, true});
  EXPECT_EQ(shadow.read(), (Result{99, true, false})) << "no longer fresh";
  edge(kNoRow, kNoColumn, kShift, {-5, true, false});
  EXPECT_EQ(shadow.read(), (Result{-5, true, false}));
  edge(kNoRow, kNoColumn, kShift, {});
  EXPECT_FALSE(shadow.read().valid);
  EXPECT_EQ(pe.counters().shadow_writes, 3U) << "emptying is not a write";
}

TEST_F(OutputStationaryPeTest, AFreshResultWaitsUntilItsOwnDrainStarts) {
  capture(kTwo, kTwo, kShift, {99, true, false});
  EXPECT_EQ(shadow.read(), (Result{4, true, true})) << "capture comes before the shift";
  edge(kNoRow, kNoColumn, kShift, {98, true, false});
  EXPECT_EQ(shadow.read(), (Result{4, true, true})) << "waits while the fold before drains";
  edge(kNoRow, kNoColumn, kStart, {97, true, true});
  EXPECT_EQ(shadow.read(), (Result{97, true, false})) << "moves on at its own start";
}

TEST_F(OutputStationaryPeTest, AFreshResultAboveStaysThereUntilTheStart) {
  edge(kNoRow, kNoColumn, kShift, {50, true, true});
  EXPECT_FALSE(shadow.read().valid);
  edge(kNoRow, kNoColumn, kStart, {50, true, true});
  EXPECT_EQ(shadow.read(), (Result{50, true, false}));
}

}  // namespace
}  // namespace potomac::rtl
