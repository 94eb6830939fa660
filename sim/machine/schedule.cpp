#include "sim/machine/schedule.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace potomac::sim {
namespace {

using workloads::GemmShape;

// The two tiled indices of a GEMM, the outer and the inner of the order, and their tiles.
struct Tiling {
  std::int64_t outer_extent;
  std::int64_t outer_tile;
  std::int64_t inner_extent;
  std::int64_t inner_tile;
};

Tiling tiling_of(const GemmShape& gemm, ArrayShape array, Dataflow dataflow) {
  switch (dataflow) {
    case Dataflow::kOutputStationary:
      break;
    case Dataflow::kWeightStationary:
      return {gemm.n, array.cols, gemm.k, array.rows};
    case Dataflow::kInputStationary:
      return {gemm.m, array.cols, gemm.k, array.rows};
  }
  return {gemm.m, array.rows, gemm.n, array.cols};
}

}  // namespace

Schedule::Schedule(std::vector<GemmShape> gemms, ArrayShape array, Dataflow dataflow)
    : gemms_(std::move(gemms)), array_(array), dataflow_(dataflow) {
  std::erase_if(gemms_, [](const GemmShape& gemm) { return gemm.count == 0; });
}

std::int64_t Schedule::folds_of(const GemmShape& gemm, ArrayShape array, Dataflow dataflow) {
  const Tiling tiling = tiling_of(gemm, array, dataflow);
  return ceil_div(tiling.outer_extent, tiling.outer_tile) *
         ceil_div(tiling.inner_extent, tiling.inner_tile);
}

std::uint64_t Schedule::folds() const {
  std::uint64_t sum = 0;
  for (const GemmShape& gemm : gemms_) {
    sum += static_cast<std::uint64_t>(gemm.count) *
           static_cast<std::uint64_t>(folds_of(gemm, array_, dataflow_));
  }
  return sum;
}

std::uint64_t Schedule::macs() const {
  return static_cast<std::uint64_t>(workloads::macs_of(gemms_));
}

Schedule::Walk::Walk(const Schedule& schedule) : schedule_(&schedule) {}

Fold Schedule::Walk::fold() const {
  assert(!done());
  const GemmShape& gemm = schedule_->gemms_[shape_];
  const Tiling tiling = tiling_of(gemm, schedule_->array_, schedule_->dataflow_);
  const Range outer{outer_, std::min(outer_ + tiling.outer_tile, tiling.outer_extent)};
  const Range inner{inner_, std::min(inner_ + tiling.inner_tile, tiling.inner_extent)};
  Fold fold{.gemm = gemm_, .m = {0, gemm.m}, .n = {0, gemm.n}, .k = {0, gemm.k}};
  switch (schedule_->dataflow_) {
    case Dataflow::kOutputStationary:
      fold.m = outer;
      fold.n = inner;
      break;
    case Dataflow::kWeightStationary:
      fold.n = outer;
      fold.k = inner;
      break;
    case Dataflow::kInputStationary:
      fold.m = outer;
      fold.k = inner;
      break;
  }
  fold.first = fold.k.begin == 0;
  fold.last = fold.k.end == gemm.k;
  return fold;
}

Schedule::Run Schedule::Walk::run() const {
  const GemmShape& gemm = schedule_->gemms_[shape_];
  const Tiling tiling = tiling_of(gemm, schedule_->array_, schedule_->dataflow_);
  const std::int64_t whole = (tiling.inner_extent - inner_) / tiling.inner_tile;
  return {fold(), std::max<std::int64_t>(whole, 1)};
}

void Schedule::Walk::advance(std::int64_t folds) {
  const GemmShape& gemm = schedule_->gemms_[shape_];
  const Tiling tiling = tiling_of(gemm, schedule_->array_, schedule_->dataflow_);
  number_ += static_cast<std::uint64_t>(folds);
  inner_ += folds * tiling.inner_tile;
  if (inner_ < tiling.inner_extent) {
    return;
  }
  inner_ = 0;
  outer_ += tiling.outer_tile;
  if (outer_ < tiling.outer_extent) {
    return;
  }
  outer_ = 0;
  ++gemm_;
  if (++copy_ == gemm.count) {
    copy_ = 0;
    ++shape_;
  }
}

}  // namespace potomac::sim
