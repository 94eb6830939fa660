#include "sim/machine/schedule.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace potomac::sim {
namespace {

using workloads::GemmShape;

// The two indices of which the array takes tiles, the outer and the inner of the order.
struct Tiling {
  Index outer;
  std::int64_t outer_tile;
  Index inner;
  std::int64_t inner_tile;
};

Tiling tiling_of(ArrayShape array, Dataflow dataflow) {
  switch (dataflow) {
    case Dataflow::kOutputStationary:
      break;
    case Dataflow::kWeightStationary:
      return {Index::kN, array.cols, Index::kK, array.rows};
    case Dataflow::kInputStationary:
      return {Index::kM, array.cols, Index::kK, array.rows};
  }
  return {Index::kM, array.rows, Index::kN, array.cols};
}

// Blocks of one extent: those in front of the last one, if there are any, and the last.
struct Blocks {
  std::int64_t count;
  std::int64_t extent;
};
boost::container::static_vector<Blocks, 2> blocks_of(std::int64_t extent, std::int64_t block) {
  const std::int64_t before = ceil_div(extent, block) - 1;
  boost::container::static_vector<Blocks, 2> blocks;
  if (before > 0) {
    blocks.push_back({before, block});
  }
  blocks.push_back({1, extent - before * block});
  return blocks;
}

}  // namespace

ArrayIndices array_indices(Dataflow dataflow) {
  switch (dataflow) {
    case Dataflow::kOutputStationary:
      break;
    case Dataflow::kWeightStationary:
      return {Index::kK, Index::kN, Index::kM};
    case Dataflow::kInputStationary:
      return {Index::kK, Index::kM, Index::kN};
  }
  return {Index::kM, Index::kN, Index::kK};
}

bool is_workable(const GemmShape& gemm, const Blocking& blocking, ArrayShape array,
                 Dataflow dataflow) {
  const ByIndex<std::int64_t> extents = extents_of(gemm);
  const auto holds_tiles = [&](Index index, std::int64_t tile) {
    return blocking.extents[index] % tile == 0 || blocking.extents[index] == extents[index];
  };
  for (const Index index : blocking.order) {
    if (blocking.extents[index] < 1 || blocking.extents[index] > extents[index]) {
      return false;
    }
  }
  const ArrayIndices indices = array_indices(dataflow);
  if (!holds_tiles(indices.rows, array.rows) || !holds_tiles(indices.cols, array.cols)) {
    return false;
  }
  const bool one_fold =
      blocking.extents[Index::kM] <= array.rows && blocking.extents[Index::kN] <= array.cols;
  return !keeps_sums(dataflow) || blocking.extents[Index::kK] == gemm.k ||
         (one_fold && blocking.order.back() == Index::kK);
}

Schedule::Schedule(std::vector<GemmShape> gemms, ArrayShape array, Dataflow dataflow)
    : gemms_(std::move(gemms)), array_(array), dataflow_(dataflow) {
  std::erase_if(gemms_, [](const GemmShape& gemm) { return gemm.count <= 0; });
}

Schedule::Schedule(std::vector<GemmShape> gemms, ArrayShape array, Dataflow dataflow,
                   std::vector<Blocking> blockings)
    : array_(array), dataflow_(dataflow) {
  assert(blockings.size() == gemms.size());
  for (std::size_t i = 0; i < gemms.size(); ++i) {
    if (gemms[i].count > 0) {
      assert(is_workable(gemms[i], blockings[i], array, dataflow));
      gemms_.push_back(gemms[i]);
      blockings_.push_back(blockings[i]);
    }
  }
}

std::int64_t Schedule::folds_of(const GemmShape& gemm, ArrayShape array, Dataflow dataflow) {
  const Tiling tiling = tiling_of(array, dataflow);
  const ByIndex<std::int64_t> extents = extents_of(gemm);
  return ceil_div(extents[tiling.outer], tiling.outer_tile) *
         ceil_div(extents[tiling.inner], tiling.inner_tile);
}

std::uint64_t Schedule::folds() const {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < gemms_.size(); ++i) {
    for (const GemmShape& piece : pieces_of(i)) {
      sum += static_cast<std::uint64_t>(piece.count) *
             static_cast<std::uint64_t>(folds_of(piece, array_, dataflow_));
    }
  }
  return sum;
}

std::uint64_t Schedule::macs() const {
  return static_cast<std::uint64_t>(workloads::macs_of(gemms_));
}

Pieces Schedule::pieces_of(std::size_t i) const {
  const GemmShape& gemm = gemms_[i];
  const ByIndex<std::int64_t> extents = fold_blocking(i).extents;
  Pieces pieces;
  for (const Blocks& m : blocks_of(gemm.m, extents[Index::kM])) {
    for (const Blocks& n : blocks_of(gemm.n, extents[Index::kN])) {
      for (const Blocks& k : blocks_of(gemm.k, extents[Index::kK])) {
        pieces.push_back({gemm.count * m.count * n.count * k.count, m.extent, n.extent, k.extent});
      }
    }
  }
  return pieces;
}

Blocking Schedule::fold_blocking(std::size_t i) const {
  Blocking blocking = this->blocking(i);
  if (keeps_sums(dataflow_)) {
    blocking.extents[Index::kK] = gemms_[i].k;
  }
  return blocking;
}

Schedule::Walk::Walk(const Schedule& schedule) : schedule_(&schedule) {
  if (!done()) {
    begin_gemm();
  }
}

Fold Schedule::Walk::fold() const {
  assert(!done());
  const Tiling tiling = tiling_of(schedule_->array_, schedule_->dataflow_);
  ByIndex<Range> ranges = blocks_->block();
  ranges[tiling.outer] = {outer_, std::min(outer_ + tiling.outer_tile, ranges[tiling.outer].end)};
  ranges[tiling.inner] = {inner_, std::min(inner_ + tiling.inner_tile, ranges[tiling.inner].end)};
  const Range& k = ranges[Index::kK];
  return {.gemm = gemm_,
          .m = ranges[Index::kM],
          .n = ranges[Index::kN],
          .k = k,
          .first = k.begin == 0,
          .last = k.end == schedule_->gemms_[shape_].k};
}

Schedule::Run Schedule::Walk::run() const {
  const Tiling tiling = tiling_of(schedule_->array_, schedule_->dataflow_);
  const std::int64_t whole = (blocks_->block()[tiling.inner].end - inner_) / tiling.inner_tile;
  return {fold(), std::max<std::int64_t>(whole, 1)};
}

void Schedule::Walk::advance(std::int64_t folds) {
  const Tiling tiling = tiling_of(schedule_->array_, schedule_->dataflow_);
  const ByIndex<Range>& block = blocks_->block();
  number_ += static_cast<std::uint64_t>(folds);
  inner_ += folds * tiling.inner_tile;
  if (inner_ < block[tiling.inner].end) {
    return;
  }
  inner_ = block[tiling.inner].begin;
  outer_ += tiling.outer_tile;
  if (outer_ < block[tiling.outer].end) {
    return;
  }
  if (blocks_->next()) {
    begin_block();
    return;
  }
  ++gemm_;
  if (++copy_ == schedule_->gemms_[shape_].count) {
    copy_ = 0;
    if (++shape_ == schedule_->gemms_.size()) {
      return;
    }
  }
  begin_gemm();
}

void Schedule::Walk::begin_gemm() {
  blocks_.emplace(extents_of(schedule_->gemms_[shape_]), schedule_->fold_blocking(shape_));
  begin_block();
}

void Schedule::Walk::begin_block() {
  const Tiling tiling = tiling_of(schedule_->array_, schedule_->dataflow_);
  outer_ = blocks_->block()[tiling.outer].begin;
  inner_ = blocks_->block()[tiling.inner].begin;
}

}  // namespace potomac::sim
