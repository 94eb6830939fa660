// The drain: R shifts, from the edge behind the last operand's arrival at the bottom row.
#include "rtl_models/systemc/column_drain.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <vector>

#include "rtl_models/arithmetic/pot_code.hpp"
#include "tests/rtl_models/systemc/clocked_bench.hpp"

namespace potomac::rtl {
namespace {

using Column = ColumnSlot<PotCode>;

// The command that the column's PEs see at each edge, with the tagged operand at the bottom row at
// the edges `lasts`.
std::vector<DrainCommand> commands(std::size_t rows, const std::set<int>& lasts, int edges) {
  test::ClockedBench bench;
  sc_core::sc_signal<Column> bottom{"bottom"};
  sc_core::sc_signal<DrainCommand> drain{"drain"};
  ColumnDrain<PotCode> unit("drain_unit", rows);
  unit.clk.bind(bench.clk);
  unit.bottom_operand.bind(bottom);
  unit.drain.bind(drain);
  std::vector<DrainCommand> seen;
  for (int at = 0; at < edges; ++at) {
    // Other valid operands, and a tag on an invalid one, mean nothing.
    bottom.write({0, at % 2 == 0 || lasts.contains(at), false, true});
    if (!lasts.contains(at)) {
      bottom.write({0, at % 2 == 0, false, at % 2 == 1});
    }
    seen.push_back(drain.read());
    bench.edge();
  }
  return seen;
}

class EveryHeight : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(ColumnDrain, EveryHeight, testing::Values(1, 2, 3, 7));

TEST_P(EveryHeight, ShiftsAtTheREdgesBehindTheLastOperandAndStartsAtTheFirst) {
  const int rows = GetParam();
  const int last = 4;
  const auto seen = commands(static_cast<std::size_t>(rows), {last}, last + rows + 6);
  for (int at = 0; at < static_cast<int>(seen.size()); ++at) {
    const DrainCommand& command = seen[static_cast<std::size_t>(at)];
    EXPECT_EQ(command.shift, at > last && at <= last + rows) << "edge " << at;
    EXPECT_EQ(command.start, at == last + 1) << "edge " << at;
  }
}

TEST_P(EveryHeight, FoldsRApartShiftWithoutAGap) {
  const int rows = GetParam();
  const int first = 2;
  const auto seen = commands(static_cast<std::size_t>(rows),
                             {first, first + rows, first + 2 * rows}, first + 3 * rows + 4);
  for (int at = 0; at < static_cast<int>(seen.size()); ++at) {
    const DrainCommand& command = seen[static_cast<std::size_t>(at)];
    EXPECT_EQ(command.shift, at > first && at <= first + 3 * rows) << "edge " << at;
    EXPECT_EQ(command.start, command.shift && (at - first - 1) % rows == 0) << "edge " << at;
  }
}

}  // namespace
}  // namespace potomac::rtl
