// The output-stationary array: exact cycles of every PE and of every result, at both edges.
#include "rtl_models/systemc/output_stationary_array.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <compare>
#include <cstdint>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "rtl_models/systemc/mac_units.hpp"
#include "tests/rtl_models/systemc/clocked_bench.hpp"

namespace potomac::rtl {
namespace {

// A result that left column c at an edge.
struct Departure {
  int edge;
  int col;
  std::int64_t value;

  friend bool operator==(const Departure&, const Departure&) = default;
  friend auto operator<=>(const Departure&, const Departure&) = default;
};

// One fold's operands: small integers that are powers of two, so that sums are exact and plain.
struct Fold {
  int begin;  // the edge at which (row 0, k = 0) enters
  int m, n, k;
  std::vector<int> a;  // [m][k] exponents
  std::vector<int> b;  // [n][k]

  Fold(int begin_at, int rows, int cols, int depth, unsigned seed)
      : begin(begin_at), m(rows), n(cols), k(depth) {
    std::mt19937 random(seed);
    for (int i = 0; i < m * k; ++i) {
      a.push_back(static_cast<int>(random() % 8));
    }
    for (int i = 0; i < n * k; ++i) {
      b.push_back(static_cast<int>(random() % 8));
    }
  }

  std::int64_t result(int r, int c) const {
    std::int64_t sum = 0;
    for (int i = 0; i < k; ++i) {
      sum += std::int64_t{1} << (a[static_cast<std::size_t>(r * k + i)] +
                                 b[static_cast<std::size_t>(c * k + i)]);
    }
    return sum;
  }
};

// The rule of docs/timing.md: the last operand is at the bottom PE at begin + k-1 + R-1 + c; row r
// leaves R - r edges later.
std::vector<Departure> departures_of(const Fold& fold, int rows) {
  std::vector<Departure> list;
  for (int r = 0; r < fold.m; ++r) {
    for (int c = 0; c < fold.n; ++c) {
      list.push_back({fold.begin + fold.k - 1 + rows - 1 + c + rows - r, c, fold.result(r, c)});
    }
  }
  return list;
}

// An array whose edges a test drives; operands enter unskewed, as its own skew lines want them.
template <typename Unit>
class ArrayBench {
 public:
  using Array = OutputStationaryArray<Unit>;
  using Operand = typename Unit::Operand;

  ArrayBench(int rows, int cols, const typename Unit::Config& config)
      : rows_(rows),
        cols_(cols),
        config_(config),
        west("west", static_cast<std::size_t>(rows)),
        north("north", static_cast<std::size_t>(cols)),
        result("result", static_cast<std::size_t>(cols)),
        drain("drain", static_cast<std::size_t>(cols)),
        array("array", static_cast<std::size_t>(rows), static_cast<std::size_t>(cols), config_) {
    array.clk(bench_.clk);
    array.west(west);
    array.north(north);
    array.result(result);
    array.drain(drain);
  }

  const PeCounters& counters(int r, int c) const {
    const std::string name = fmt::format("array.pe_{}_{}", r, c);
    auto* pe = dynamic_cast<OutputStationaryPe<Unit>*>(sc_core::sc_find_object(name.c_str()));
    EXPECT_NE(pe, nullptr) << name;
    return pe->counters();
  }

  // Runs `edges` edges; `at_edge(e)` is called after each. Returns what left, in order.
  template <typename ToOperand, typename AtEdge>
  std::vector<Departure> run(const std::vector<Fold>& folds, int edges, ToOperand to_operand,
                             AtEdge at_edge) {
    std::vector<Departure> left;
    for (int e = 0; e < edges; ++e) {
      drive(folds, e, to_operand);
      for (int c = 0; c < cols_; ++c) {
        const auto column = static_cast<std::size_t>(c);
        if (drain[column].read().shift && result[column].read().valid) {
          left.push_back({e, c, static_cast<std::int64_t>(result[column].read().value)});
        }
      }
      bench_.edge();
      at_edge(e);
    }
    return left;
  }

 private:
  template <typename ToOperand>
  void drive(const std::vector<Fold>& folds, int e, ToOperand to_operand) {
    for (auto& wire : west) {
      wire.write({});
    }
    for (auto& wire : north) {
      wire.write({});
    }
    for (const Fold& fold : folds) {
      const int k = e - fold.begin;
      if (k < 0 || k >= fold.k) {
        continue;
      }
      for (int r = 0; r < fold.m; ++r) {
        west[static_cast<std::size_t>(r)].write(
            {to_operand(fold.a[static_cast<std::size_t>(r * fold.k + k)]), true});
      }
      for (int c = 0; c < fold.n; ++c) {
        north[static_cast<std::size_t>(c)].write(
            {to_operand(fold.b[static_cast<std::size_t>(c * fold.k + k)]), true, k == 0,
             k == fold.k - 1});
      }
    }
  }

  test::ClockedBench bench_;
  int rows_;
  int cols_;
  typename Unit::Config config_;

 public:
  sc_core::sc_vector<sc_core::sc_signal<typename Array::Row>> west;
  sc_core::sc_vector<sc_core::sc_signal<typename Array::Column>> north;
  sc_core::sc_vector<sc_core::sc_signal<typename Array::Result>> result;
  sc_core::sc_vector<sc_core::sc_signal<DrainCommand>> drain;
  Array array;
};

constexpr PotFormat kFormat(5);
const MfMacUnit::Config kConfig{kFormat, {64, 0, Overflow::kWrap}, true};
PotCode to_code(int exponent) {
  return kFormat.encode(false, exponent);
}

std::vector<Departure> sorted(std::vector<Departure> list) {
  std::sort(list.begin(), list.end());
  return list;
}

template <typename Body>
void for_every_shape(Body body) {
  for (const int rows : {1, 2, 3, 5}) {
    for (const int cols : {1, 2, 4}) {
      for (const int depth : {1, 2, 3, 6}) {
        SCOPED_TRACE(fmt::format("{} x {} array, K {}", rows, cols, depth));
        body(rows, cols, depth);
      }
    }
  }
}

TEST(OutputStationaryArray, ElementKIsAtPeRcExactlyInCycleKPlusRPlusC) {
  for_every_shape([](int rows, int cols, int depth) {
    const int begin = 2;
    ArrayBench<MfMacUnit> bench(rows, cols, kConfig);
    const std::vector<Fold> folds = {{begin, rows, cols, depth, 1}};
    bench.run(folds, begin + depth + rows + cols + 2, to_code, [&](int e) {
      for (int r = 0; r < rows; ++r) {
        for (int c = 0; c < cols; ++c) {
          const int due = std::clamp(e - begin - r - c + 1, 0, depth);
          ASSERT_EQ(bench.counters(r, c).slots, static_cast<std::uint64_t>(due))
              << "PE (" << r << ", " << c << ") after edge " << e;
        }
      }
    });
  });
}

TEST(OutputStationaryArray, ResultsLeaveEachColumnBottomRowFirstAtTheirExactEdges) {
  for_every_shape([](int rows, int cols, int depth) {
    const int begin = 1;
    ArrayBench<MfMacUnit> bench(rows, cols, kConfig);
    const std::vector<Fold> folds = {{begin, rows, cols, depth, 2}};
    const int edges = begin + depth + 2 * rows + cols + 5;
    const auto left = bench.run(folds, edges, to_code, [](int) {});
    EXPECT_EQ(sorted(left), sorted(departures_of(folds[0], rows)));
    // The fold's first operand entered at `begin`; its last result left K + 2R + C - 3 edges later.
    EXPECT_EQ(left.back().edge, begin + depth + 2 * rows + cols - 3);
  });
}

TEST(OutputStationaryArray, EmptyRowsAndColumnsOfAPartialFoldDeliverNothing) {
  for_every_shape([](int rows, int cols, int depth) {
    const int m = (rows + 1) / 2;
    const int n = (cols + 1) / 2;
    ArrayBench<MfMacUnit> bench(rows, cols, kConfig);
    const std::vector<Fold> folds = {{0, m, n, depth, 3}};
    const auto left = bench.run(folds, depth + 2 * rows + cols + 5, to_code, [](int) {});
    EXPECT_EQ(sorted(left), sorted(departures_of(folds[0], rows)));
  });
}

// R edges apart where K allows it: one fold's results are out just before the next one's begin.
TEST(OutputStationaryArray, FoldsAsCloseAsRAndKAllowKeepTheirResultsApart) {
  for_every_shape([](int rows, int cols, int depth) {
    const int interval = std::max(rows, depth);
    ArrayBench<MfMacUnit> bench(rows, cols, kConfig);
    std::vector<Fold> folds;
    std::vector<Departure> expected;
    for (unsigned f = 0; f < 4; ++f) {
      folds.emplace_back(static_cast<int>(f) * interval, rows, cols, depth, 10 + f);
      for (const Departure& departure : departures_of(folds.back(), rows)) {
        expected.push_back(departure);
      }
    }
    const auto left = bench.run(folds, 4 * interval + 2 * rows + cols + 5, to_code, [](int) {});
    EXPECT_EQ(sorted(left), sorted(expected));
  });
}

TEST(OutputStationaryArray, FoldsAnyFurtherApartDoToo) {
  for_every_shape([](int rows, int cols, int depth) {
    for (const int gap : {1, 2, 5}) {
      ArrayBench<MfMacUnit> bench(rows, cols, kConfig);
      std::vector<Fold> folds;
      std::vector<Departure> expected;
      int begin = 0;
      for (unsigned f = 0; f < 3; ++f) {
        // Partial folds in between, as at a GEMM's rim.
        folds.emplace_back(begin, f == 1 ? 1 : rows, cols, depth, 20 + f);
        for (const Departure& departure : departures_of(folds.back(), rows)) {
          expected.push_back(departure);
        }
        begin += std::max(rows, depth) + gap;
      }
      const auto left = bench.run(folds, begin + 2 * rows + cols + 5, to_code, [](int) {});
      EXPECT_EQ(sorted(left), sorted(expected)) << "gap " << gap;
    }
  });
}

TEST(OutputStationaryArray, Fp32ArrayKeepsTheSameCycles) {
  ArrayBench<Fp32MacUnit> bench(3, 2, {});
  const std::vector<Fold> folds = {{0, 3, 2, 4, 5}, {4, 3, 2, 4, 6}};
  auto expected = departures_of(folds[0], 3);
  for (const Departure& departure : departures_of(folds[1], 3)) {
    expected.push_back(departure);
  }
  const auto left = bench.run(
      folds, 20, [](int exponent) { return std::ldexp(1.0F, exponent); }, [](int) {});
  EXPECT_EQ(sorted(left), sorted(expected));
}

TEST(OutputStationaryArray, CountsRegisterWritesOfTheWholeArray) {
  // 3 x 2 array, a fold of 2 x 2 outputs, K = 4: row 2 stays empty.
  ArrayBench<MfMacUnit> bench(3, 2, kConfig);
  bench.run({{0, 2, 2, 4, 7}}, 20, to_code, [](int) {});
  const PeCounters counters = bench.array.counters();
  EXPECT_EQ(counters.slots, 16U);
  // 2 rows x 4 operands pass 2 PEs each; 2 columns x 4 operands pass 3 PEs each.
  EXPECT_EQ(counters.operand_writes, 2U * 4 * 2 + 2U * 4 * 3);
  // Row 1 and column 1 have one skew register each.
  EXPECT_EQ(bench.array.skew_register_writes(), 4U + 4U);
  // Row 0's results are captured and move twice, row 1's once; two columns.
  EXPECT_EQ(counters.shadow_writes, 2U * (3 + 2));
  bench.array.reset();
  EXPECT_EQ(bench.array.counters().slots, 0U);
  EXPECT_EQ(bench.array.skew_register_writes(), 0U);
}

}  // namespace
}  // namespace potomac::rtl
