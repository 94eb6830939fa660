// The elements that a block touches, against a set of them one by one; and where results lie,
// against the rows and columns that a pass's result has.
#include "workloads/layers/block_runs.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "tests/sim/engines/random_passes.hpp"
#include "workloads/layers/conv_extents.hpp"
#include "workloads/layers/lowering.hpp"
#include "workloads/layers/touched_elements.hpp"

namespace potomac::workloads {
namespace {

using Mapping = OperandMapping;

std::int64_t volume(const std::array<std::int64_t, 4>& extents) {
  return extents[0] * extents[1] * extents[2] * extents[3];
}

// The element that stands at (row, k), unless it is padding or a hole.
std::optional<std::int64_t> element_at(const Mapping& map, std::int64_t row, std::int64_t k) {
  std::int64_t at = map.base;
  const std::array<const PatchAxis*, 4> axes = {nullptr, &map.z, &map.y, &map.x};
  for (std::size_t i = 4; i-- > 0;) {
    const std::int64_t r = row % map.row_extents.at(i);
    const std::int64_t d = k % map.depth_extents.at(i);
    row /= map.row_extents.at(i);
    k /= map.depth_extents.at(i);
    if (i == 0) {
      return at + r * map.row_stride + d * map.depth_stride;
    }
    const PatchAxis& axis = *axes.at(i);
    const std::int64_t scaled = r * axis.row_step + d * axis.depth_step + axis.origin;
    if (scaled < 0 || scaled % axis.divisor != 0 || scaled / axis.divisor >= axis.extent) {
      return std::nullopt;
    }
    at += scaled / axis.divisor * axis.stride;
  }
  return std::nullopt;
}

RC_GTEST_PROP(BlockRuns, AreTheElementsOfASetInOrder, ()) {
  const LayerShape shape = test::random_layer_shape();
  const auto pass = *rc::gen::elementOf(passes_of(shape));
  const auto runs = mapping_runs(shape, pass, test::random_lowering());
  RC_PRE(!runs.empty());
  const MappingRun run = *rc::gen::elementOf(runs);
  const Mapping map =
      *rc::gen::element(run.mappings.first, run.mappings.second, run.mappings.result);
  BlockRuns blocks(map);
  TouchedElements counted(map);
  for (int i = 0; i < 4; ++i) {
    const std::int64_t row = *rc::gen::inRange<std::int64_t>(0, volume(map.row_extents));
    const std::int64_t row_end = *rc::gen::inRange(row, volume(map.row_extents)) + 1;
    const std::int64_t k = *rc::gen::inRange<std::int64_t>(0, volume(map.depth_extents));
    const std::int64_t k_end = *rc::gen::inRange(k, volume(map.depth_extents)) + 1;
    std::set<std::int64_t> touched;
    for (std::int64_t r = row; r < row_end; ++r) {
      for (std::int64_t d = k; d < k_end; ++d) {
        if (const auto element = element_at(map, r, d)) {
          touched.insert(*element + 1000);
        }
      }
    }
    std::vector<ElementRun> found;
    blocks.append(row, row_end, k, k_end, 1000, found);
    std::vector<std::int64_t> elements;
    for (std::size_t j = 0; j < found.size(); ++j) {
      RC_ASSERT(found[j].begin < found[j].end);
      if (j > 0) {
        RC_ASSERT(found[j - 1].end < found[j].begin);
      }
      for (std::int64_t at = found[j].begin; at < found[j].end; ++at) {
        elements.push_back(at);
      }
    }
    RC_ASSERT(elements == std::vector<std::int64_t>(touched.begin(), touched.end()));
    RC_ASSERT(counted.of_block(row, row_end, k, k_end) ==
              static_cast<std::int64_t>(elements.size()));
  }
}

// The place of an element of a pass's result, by its matrix, row and column.
std::int64_t result_element(const LayerShape& shape, Pass pass, std::int64_t matrix,
                            std::int64_t row, std::int64_t col, const ResultShape& result) {
  if (!is_convolution(shape.kind)) {
    return (matrix * result.rows + row) * result.cols + col;
  }
  const AsConvolution as = as_convolution(shape, pass);
  if (as.pass == Pass::kBackwardWeight) {
    return (matrix * result.rows + row) * result.cols + col;
  }
  const ConvExtents e(as.layer);
  const std::int64_t image = as.pass == Pass::kForward ? e.places() : e.pixels();
  const std::int64_t channel = matrix * result.cols + col;
  return (row / image * as.layer.conv.groups * result.cols + channel) * image + row % image;
}

RC_GTEST_PROP(Lowering, ResultsLieInTheTensorOfThePass, ()) {
  const Layer layer = test::random_layer(5);
  const Lowering lowering = test::random_lowering();
  const auto pass = *rc::gen::elementOf(passes_of(layer.shape));
  const LoweredPass lowered(layer, pass, lowering);
  std::set<std::int64_t> seen;
  std::int64_t gemm = 0;
  for (const MappingRun& run : mapping_runs(layer.shape, pass, lowering)) {
    for (std::int64_t copy = 0; copy < run.count; ++copy, ++gemm) {
      Mapping map = run.mappings.result;
      map.base += copy * run.result_step;
      const Gemm one = lowered.gemm(gemm);
      RC_ASSERT(volume(map.row_extents) == one.m);
      RC_ASSERT(volume(map.depth_extents) == one.n);
      for (std::int64_t m = 0; m < one.m; ++m) {
        const ResultRows rows = lowered.result_rows(gemm, m);
        for (std::int64_t n = 0; n < one.n; ++n) {
          const auto element = element_at(map, m, n);
          RC_ASSERT(element.has_value());
          RC_ASSERT(*element == result_element(layer.shape, pass, rows.matrix, rows.row, n,
                                               lowered.result_shape()));
          RC_ASSERT(seen.insert(*element).second);
        }
      }
    }
  }
  RC_ASSERT(gemm == lowered.count());
  const Shape& tensor = layer.shape.of(tensors_of(layer.shape.kind, pass).result);
  seen.insert(0);
  RC_ASSERT(*seen.rbegin() < element_count(tensor));
}

}  // namespace
}  // namespace potomac::workloads
