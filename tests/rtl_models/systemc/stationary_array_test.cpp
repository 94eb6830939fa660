// The stationary array: exact cycles and values of every partial sum that leaves, the wavefront of
// a tile that is loaded behind the one in use, and what the registers count.
#include "rtl_models/systemc/stationary_array.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <tuple>
#include <vector>

#include "rtl_models/systemc/mac_units.hpp"
#include "tests/rtl_models/systemc/clocked_bench.hpp"

namespace potomac::rtl {
namespace {

constexpr PotFormat kStationaryFormat(5);
constexpr MfMacUnit::Config kStationaryConfig{kStationaryFormat, {.bits = 32, .lsb = -14}, true};

// One fold: a k x n tile stays, m x k operands stream by. `load` and `begin` are the edges at which
// the tile's first row and the first streaming operand enter.
struct StationaryFold {
  int load;
  int begin;
  int m, n, k;
  std::vector<PotCode> stream;  // [m][k]
  std::vector<PotCode> tile;    // [k][n]

  StationaryFold(int load_at, int begin_at, int rows, int cols, int depth, unsigned seed)
      : load(load_at), begin(begin_at), m(rows), n(cols), k(depth) {
    std::mt19937 random(seed);
    const auto draw = [&random] {
      return random() % 4 == 0
                 ? kStationaryFormat.zero()
                 : kStationaryFormat.encode(random() % 2 == 0, static_cast<int>(random() % 15) - 7);
    };
    stream.resize(static_cast<std::size_t>(m * k));
    std::ranges::generate(stream, draw);
    tile.resize(static_cast<std::size_t>(k * n));
    std::ranges::generate(tile, draw);
  }

  PotCode streamed(int i, int r) const { return stream[static_cast<std::size_t>(i * k + r)]; }
  PotCode kept(int r, int c) const { return tile[static_cast<std::size_t>(r * n + c)]; }

  // What (i, c) has become below row `r` - 1, from the sum that entered at the top.
  std::int64_t sum(int i, int c, std::int64_t entered, int r) const {
    for (int row = 0; row < std::min(r, k); ++row) {
      entered = mf_mac(kStationaryConfig.accumulator, kStationaryFormat, true, entered,
                       streamed(i, row), kept(row, c))
                    .value;
    }
    return entered;
  }
};

struct StationaryDeparture {
  int edge;
  int col;
  std::int64_t value;

  friend bool operator==(const StationaryDeparture&, const StationaryDeparture&) = default;
};

// The sum that enters at the top for (i, c): something to recognise.
std::int64_t entering(int i, int c) {
  return 1000 * i + c;
}

class StationaryBench {
 public:
  using Array = StationaryArray<MfMacUnit>;

  StationaryBench(int rows, int cols, bool double_buffered)
      : rows_(rows),
        cols_(cols),
        west_("west", static_cast<std::size_t>(rows)),
        north_("north", static_cast<std::size_t>(cols)),
        top_("top", static_cast<std::size_t>(cols)),
        bottom_("bottom", static_cast<std::size_t>(cols)),
        array_("array", static_cast<std::size_t>(rows), static_cast<std::size_t>(cols),
               kStationaryConfig, double_buffered) {
    array_.clk(bench_.clk);
    array_.west(west_);
    array_.north(north_);
    array_.top(top_);
    array_.bottom(bottom_);
  }

  // Runs `edges` edges. Returns the sums that are seen at the bottom after each.
  std::vector<StationaryDeparture> run(const std::vector<StationaryFold>& folds, int edges) {
    std::vector<StationaryDeparture> left;
    for (int e = 0; e < edges; ++e) {
      drive(folds, e);
      bench_.edge();
      for (int c = 0; c < cols_; ++c) {
        const auto& sum = bottom_[static_cast<std::size_t>(c)].read();
        if (sum.valid) {
          left.push_back({e, c, sum.value});
        }
      }
    }
    return left;
  }

  const Array& array() const { return array_; }

 private:
  void drive(const std::vector<StationaryFold>& folds, int e) {
    for (auto& wire : west_) {
      wire.write({});
    }
    for (auto& wire : north_) {
      wire.write({});
    }
    for (auto& wire : top_) {
      wire.write({});
    }
    for (const StationaryFold& fold : folds) {
      const int row = rows_ - 1 - (e - fold.load);  // the tile's bottom row comes first
      if (row >= 0 && row < rows_) {
        for (int c = 0; c < cols_; ++c) {
          const bool valid = row < fold.k && c < fold.n;
          north_[static_cast<std::size_t>(c)].write(
              {valid ? fold.kept(row, c) : PotCode{0}, valid, true, row == 0});
        }
      }
      const int i = e - fold.begin;
      for (int r = 0; i >= 0 && i < fold.m && r < fold.k; ++r) {
        west_[static_cast<std::size_t>(r)].write({fold.streamed(i, r), true, i == 0});
      }
      for (int c = 0; c < fold.n; ++c) {
        if (i - c >= 0 && i - c < fold.m) {
          top_[static_cast<std::size_t>(c)].write({entering(i - c, c), true});
        }
      }
    }
  }

  test::ClockedBench bench_;
  int rows_;
  int cols_;
  sc_core::sc_vector<sc_core::sc_signal<Array::Stream>> west_;
  sc_core::sc_vector<sc_core::sc_signal<Array::Tile>> north_;
  sc_core::sc_vector<sc_core::sc_signal<Array::Sum>> top_;
  sc_core::sc_vector<sc_core::sc_signal<Array::Sum>> bottom_;
  Array array_;
};

// The rule: (i, c) passes the bottom PE at begin + i + R - 1 + c, and is seen behind that edge.
std::vector<StationaryDeparture> departures_of(const std::vector<StationaryFold>& folds, int rows) {
  std::vector<StationaryDeparture> list;
  for (const StationaryFold& fold : folds) {
    for (int i = 0; i < fold.m; ++i) {
      for (int c = 0; c < fold.n; ++c) {
        list.push_back({fold.begin + i + rows - 1 + c, c, fold.sum(i, c, entering(i, c), rows)});
      }
    }
  }
  std::ranges::sort(list, {},
                    [](const StationaryDeparture& d) { return std::tuple(d.edge, d.col); });
  return list;
}

using Shape = std::tuple<int, int, int, int, int>;  // rows, cols, m, n, k

class StationaryShapes : public testing::TestWithParam<Shape> {};

TEST_P(StationaryShapes, serial_folds_leave_row_by_row_one_register_for_the_tile) {
  const auto [rows, cols, m, n, k] = GetParam();
  const int length = rows + m + rows + cols - 2;
  std::vector<StationaryFold> folds;
  folds.reserve(3);
  for (int f = 0; f < 3; ++f) {
    folds.emplace_back(f * length, f * length + rows, m, n, k, static_cast<unsigned>(f));
  }
  StationaryBench bench(rows, cols, false);
  EXPECT_EQ(bench.run(folds, 3 * length), departures_of(folds, rows));
}

TEST_P(StationaryShapes, pipelined_folds_follow_each_other_every_max_m_r_edges) {
  const auto [rows, cols, m, n, k] = GetParam();
  const int interval = std::max(m, rows);
  // The next tile loads just in time, or as early as its column allows: right behind `first`.
  for (const bool early : {false, true}) {
    std::vector<StationaryFold> folds;
    folds.reserve(4);
    for (int f = 0; f < 4; ++f) {
      const int begin = rows + f * interval;
      const int load = early && f > 0 ? begin - interval : begin - rows;
      folds.emplace_back(load, begin, m, n, k, static_cast<unsigned>(f));
    }
    StationaryBench bench(rows, cols, true);
    EXPECT_EQ(bench.run(folds, rows + 4 * interval + rows + cols), departures_of(folds, rows));
  }
}

TEST_P(StationaryShapes, counts_are_the_closed_forms) {
  const auto [rows, cols, m, n, k] = GetParam();
  const std::vector<StationaryFold> folds{{0, rows, m, n, k, 7}};
  const auto u = [](int value) { return static_cast<std::uint64_t>(value); };
  for (const bool double_buffered : {false, true}) {
    StationaryBench bench(rows, cols, double_buffered);
    bench.run(folds, rows + m + rows + cols);
    const PeCounters counted = bench.array().counters();
    EXPECT_EQ(counted.slots, u(m * n * k));
    EXPECT_EQ(counted.psum_writes, u(m * n * rows));
    // Streaming operands pass all columns; row r of the tile is written r + 1 times on its way
    // down, and once more when it becomes active.
    EXPECT_EQ(counted.operand_writes,
              u(m * k * cols + n * k * (k + 1) / 2 + (double_buffered ? n * k : 0)));
    EXPECT_EQ(bench.array().skew_register_writes(), u(m * k * (k - 1) / 2 + k * n * (n - 1) / 2));
    EXPECT_EQ(counted.accumulator_writes, 0U);
    EXPECT_EQ(counted.multiplied + counted.gated, counted.slots);
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, StationaryShapes,
                         testing::Values(Shape{1, 1, 1, 1, 1}, Shape{1, 3, 2, 3, 1},
                                         Shape{3, 1, 2, 1, 2}, Shape{2, 2, 5, 2, 2},
                                         Shape{4, 3, 1, 2, 3}, Shape{3, 5, 7, 4, 2},
                                         Shape{5, 4, 3, 1, 5}));

// A tile that does not fill the array leaves nothing of the one before in the rows beyond it.
TEST(StationaryArray, a_smaller_tile_clears_what_a_larger_one_left) {
  for (const bool double_buffered : {false, true}) {
    std::vector<StationaryFold> folds{
        {0, 3, 4, 3, 3, 1}, {20, 23, 4, 1, 1, 2}, {40, 43, 4, 2, 3, 3}};
    StationaryBench bench(3, 3, double_buffered);
    EXPECT_EQ(bench.run(folds, 60), departures_of(folds, 3));
  }
}

}  // namespace
}  // namespace potomac::rtl
