// A random way to cut a GEMM into blocks that an array can work off.
#pragma once

#include <rapidcheck.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "sim/machine/schedule.hpp"

namespace potomac::test {

inline sim::Blocking drawn_blocking(const workloads::GemmShape& gemm, sim::ArrayShape array,
                                    sim::Dataflow dataflow) {
  using sim::Index;
  const auto upto = [](std::int64_t most) { return *rc::gen::inRange<std::int64_t>(1, most + 1); };
  const sim::ByIndex<std::int64_t> extents = sim::extents_of(gemm);
  const sim::ArrayIndices indices = sim::array_indices(dataflow);
  sim::Blocking blocking;
  const auto tiles = [&](Index index, std::int64_t tile) {
    return std::min(tile * upto(sim::ceil_div(extents[index], tile)), extents[index]);
  };
  blocking.extents[indices.rows] = tiles(indices.rows, array.rows);
  blocking.extents[indices.cols] = tiles(indices.cols, array.cols);
  blocking.extents[indices.streamed] = upto(extents[indices.streamed]);
  for (std::size_t i = 2; i > 0; --i) {
    std::swap(blocking.order[i],
              blocking.order[static_cast<std::size_t>(upto(static_cast<std::int64_t>(i) + 1) - 1)]);
  }
  if (!sim::is_workable(gemm, blocking, array, dataflow)) {  // os: a depth that may not be cut
    blocking.extents[Index::kK] = gemm.k;
  }
  return blocking;
}

}  // namespace potomac::test
