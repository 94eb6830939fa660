// What blocks of an operand touch of their tensor, against a set of the elements one by one.
#include "workloads/layers/touched_elements.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <tuple>
#include <vector>

#include "tests/sim/engines/random_passes.hpp"

namespace potomac::workloads {
namespace {

using Mapping = OperandMapping;
using Place = std::array<std::int64_t, 5>;

// Adds the element that stands at (row, k): by the two outer coordinates and those of the axes.
void add_element(const Mapping& map, std::int64_t row, std::int64_t k, std::set<Place>& touched) {
  const auto split = [](std::int64_t index, const std::array<std::int64_t, 4>& extents) {
    std::array<std::int64_t, 4> at{};
    for (std::size_t i = 4; i-- > 0;) {
      at.at(i) = index % extents.at(i);
      index /= extents.at(i);
    }
    return at;
  };
  const auto r = split(row, map.row_extents);
  const auto d = split(k, map.depth_extents);
  Place place{r[0], d[0], 0, 0, 0};
  std::size_t i = 1;
  for (const PatchAxis* axis : {&map.z, &map.y, &map.x}) {
    const std::int64_t scaled =
        r.at(i) * axis->row_step + d.at(i) * axis->depth_step + axis->origin;
    if (scaled < 0 || scaled % axis->divisor != 0 || scaled / axis->divisor >= axis->extent) {
      return;
    }
    place.at(++i) = scaled / axis->divisor;
  }
  touched.insert(place);
}

std::int64_t touched_one_by_one(const Mapping& map, std::int64_t row, std::int64_t row_end,
                                std::int64_t k, std::int64_t k_end) {
  std::set<Place> touched;
  for (std::int64_t r = row; r < row_end; ++r) {
    for (std::int64_t d = k; d < k_end; ++d) {
      add_element(map, r, d, touched);
    }
  }
  return static_cast<std::int64_t>(touched.size());
}

void expect_those_of_a_set(TouchedElements& touched, const Mapping& map) {
  const std::int64_t rows = touched.rows();
  const std::int64_t depth = touched.depth();
  RC_TAG(touched.dense() ? "dense" : "patches");
  RC_PRE(rows * depth <= 20000);
  for (int i = 0; i < 4; ++i) {
    const std::int64_t row = *rc::gen::inRange<std::int64_t>(0, rows);
    const std::int64_t row_end = *rc::gen::inRange<std::int64_t>(row + 1, rows + 1);
    const std::int64_t k = *rc::gen::inRange<std::int64_t>(0, depth);
    const std::int64_t k_end = *rc::gen::inRange<std::int64_t>(k + 1, depth + 1);
    RC_ASSERT(touched.of_block(row, row_end, k, k_end) ==
              touched_one_by_one(map, row, row_end, k, k_end));
  }
  // Many lengths for one number of taps are summed otherwise than few; either side has the taps.
  const std::int64_t few_rows = test::extent(std::min<std::int64_t>(rows, 9));
  const std::int64_t few_depth = test::extent(std::min<std::int64_t>(depth, 20));
  for (int i = 0; i < 24; ++i) {
    const std::int64_t row_block = i < 12 ? test::extent(rows) : few_rows;
    const std::int64_t k_block = i < 12 ? few_depth : test::extent(depth);
    std::int64_t sum = 0;
    for (std::int64_t row = 0; row < rows; row += row_block) {
      for (std::int64_t k = 0; k < depth; k += k_block) {
        sum += touched_one_by_one(map, row, std::min(row + row_block, rows), k,
                                  std::min(k + k_block, depth));
      }
    }
    RC_ASSERT(touched.of_blocks(row_block, k_block) == sum);
  }
}

RC_GTEST_PROP(TouchedElements, AreThoseOfASet, ()) {
  const LayerShape shape = test::random_layer_shape();
  const auto pass = *rc::gen::elementOf(passes_of(shape));
  const auto runs = mapping_runs(shape, pass, test::random_lowering());
  RC_PRE(!runs.empty());
  const MappingRun run = *rc::gen::elementOf(runs);
  const bool of_first = *rc::gen::arbitrary<bool>();
  const Mapping map = of_first ? run.mappings.first : run.mappings.second;
  TouchedElements touched(map, *rc::gen::element<std::int64_t>(0, TouchedElements::kLargeImage));
  expect_those_of_a_set(touched, map);
}

// Long images, most of whose lines are alike, one of which is left out at least. Either side may
// have the places.
Mapping drawn_long_image() {
  const auto up_to = [](std::int64_t most) { return test::extent(most); };
  Mapping map;
  std::array<std::int64_t, 4> places = {up_to(3), 1, 1, 1};
  std::array<std::int64_t, 4> taps = {up_to(2), 1, 1, 1};
  const bool places_are_rows = *rc::gen::arbitrary<bool>();
  const auto outermost = *rc::gen::inRange<std::size_t>(0, 3);
  const std::array<PatchAxis*, 3> axes = {&map.z, &map.y, &map.x};
  for (std::size_t i = outermost; i < axes.size(); ++i) {
    PatchAxis& axis = *axes.at(i);
    places.at(i + 1) = i == outermost ? *rc::gen::inRange<std::int64_t>(20, 80) : up_to(3);
    taps.at(i + 1) = up_to(4);
    const std::int64_t step = up_to(3);
    const std::int64_t tap_step = up_to(3) * *rc::gen::element<std::int64_t>(1, -1);
    axis.row_step = places_are_rows ? step : tap_step;
    axis.depth_step = places_are_rows ? tap_step : step;
    axis.divisor = up_to(3);
    axis.origin = *rc::gen::inRange<std::int64_t>(-6, 7) + (tap_step < 0 ? 4 : 0);
    const std::int64_t reached = places.at(i + 1) * step / axis.divisor;
    axis.extent = std::max<std::int64_t>(1, reached + *rc::gen::inRange<std::int64_t>(-5, 6));
  }
  map.row_extents = places_are_rows ? places : taps;
  map.depth_extents = places_are_rows ? taps : places;
  return map;
}

RC_GTEST_PROP(TouchedElements, OfLongImagesAreThoseOfASet, ()) {
  const Mapping map = drawn_long_image();
  TouchedElements touched(map, 0);
  expect_those_of_a_set(touched, map);
}

// So long that no table of all of its places could be made in time: each line of an image that is
// cut between lines touches what one of a shorter one does.
TEST(TouchedElements, OfAHugeImage) {
  const auto of_image = [](std::int64_t height) {
    LayerShape shape;
    shape.kind = LayerKind::kConv2d;
    shape.a = {2, 2, height, 24};
    shape.w = {4, 2, 3, 3};
    shape.g = {2, 4, height, 24};
    shape.conv.padding = Padding::around({1, 1});
    TouchedElements touched(mapping_runs(shape, Pass::kForward, {}).front().mappings.first);
    std::vector<std::int64_t> counts;
    for (const std::int64_t lines : {1, 2, 5, 10}) {
      for (const std::int64_t depth : {9, 18}) {
        counts.push_back(touched.of_blocks(lines * 24, depth));
      }
    }
    return counts;
  };
  const std::vector<std::int64_t> small = of_image(1000);
  const std::vector<std::int64_t> huge = of_image(10000000);
  ASSERT_EQ(small.size(), huge.size());
  for (std::size_t i = 0; i < small.size(); ++i) {
    // But for the border, where two images of two channels touch one line less above and below.
    const std::int64_t border = std::int64_t{2} * 2 * 2 * 24;
    EXPECT_EQ(huge[i] + border, (small[i] + border) * 10000);
  }
}

TEST(TouchedElements, OfAThreeByThreeKernelByHand) {
  // Four by four pixels, padding 1: a row of four places touches two rows of pixels at the border,
  // three inside.
  LayerShape shape;
  shape.kind = LayerKind::kConv2d;
  shape.a = {2, 3, 4, 4};
  shape.w = {5, 3, 3, 3};
  shape.g = {2, 5, 4, 4};
  shape.conv.padding = Padding::around({1, 1});
  TouchedElements touched(mapping_runs(shape, Pass::kForward, {}).front().mappings.first);
  EXPECT_FALSE(touched.dense());
  EXPECT_EQ(touched.of_block(0, 4, 0, 9), 8);
  EXPECT_EQ(touched.of_block(4, 8, 0, 9), 12);
  EXPECT_EQ(touched.of_block(4, 8, 0, 27), 36);
  EXPECT_EQ(touched.of_block(5, 6, 0, 9), 9);  // one place: its patch
  EXPECT_EQ(touched.of_block(0, 1, 0, 9), 4);  // of which padding is no element
  EXPECT_EQ(touched.of_block(0, 1, 0, 1), 0);
  EXPECT_EQ(touched.of_blocks(4, 27), 2 * 3 * (8 + 12 + 12 + 8));
  EXPECT_EQ(touched.of_blocks(32, 27), 2 * 3 * 16);
  TouchedElements weights(mapping_runs(shape, Pass::kForward, {}).front().mappings.second);
  EXPECT_TRUE(weights.dense());
  EXPECT_EQ(weights.of_blocks(1, 1), 5 * 27);
}

}  // namespace
}  // namespace potomac::workloads
