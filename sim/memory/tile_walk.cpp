#include "sim/memory/tile_walk.hpp"

namespace potomac::sim {

TileWalk::TileWalk(const Schedule& schedule, Issue issue)
    : schedule_(&schedule), issue_(issue), indices_(array_indices(schedule.dataflow())) {
  const bool os = keeps_sums(schedule.dataflow());
  alone_ = !os && issue == Issue::kSerial ? schedule.array().rows : 0;
  slot_ = os ? 0 : schedule.array().rows;
  if (!done()) {
    begin_gemm();
  }
}

void TileWalk::begin_gemm() {
  blocks_.emplace(extents_of(schedule_->gemms()[entry_]), schedule_->blocking(entry_));
  set_now();
}

void TileWalk::set_now() {
  const ArrayShape array = schedule_->array();
  const ByIndex<Range>& block = blocks_->block();
  const Range& streamed = block[indices_.streamed];
  const bool os = keeps_sums(schedule_->dataflow());
  const std::int64_t folds = ceil_div(block[indices_.rows].size(), array.rows) *
                             ceil_div(block[indices_.cols].size(), array.cols);
  // In os a fold's slots are those of the whole depth, whichever of them are the tile's.
  const std::int64_t slots = os ? schedule_->gemms()[entry_].k : streamed.size();
  last_fold_ = slot_ + (folds - 1) * (share_before(*schedule_, issue_, slots, slots) + alone_);
  now_ = {.entry = entry_,
          .copy = copy_,
          .gemm = gemm_,
          .block = block,
          .first_fold = fold_,
          .last_fold = fold_ + static_cast<std::uint64_t>(folds) - 1,
          .first_row = slot_ - array.rows,
          .last_row = last_fold_ - 1,
          .first_slot = slot_ + (os ? streamed.begin : 0),
          .last_slot = last_fold_ + (os ? streamed.end : slots) - 1};
}

void TileWalk::next() {
  const bool os = keeps_sums(schedule_->dataflow());
  const workloads::GemmShape& gemm = schedule_->gemms()[entry_];
  const bool in_fold = os && now_.block[Index::kK].end < gemm.k;
  const std::int64_t slots = os ? gemm.k : now_.block[indices_.streamed].size();
  const bool same_gemm = blocks_->next();
  if (same_gemm) {
    level_ = static_cast<Level>(static_cast<std::size_t>(Level::kOuter) + blocks_->loop());
  } else {
    ++gemm_;
    level_ = Level::kCopies;
    if (++copy_ == gemm.count) {
      copy_ = 0;
      ++entry_;
      level_ = Level::kEntries;
    }
  }
  if (done()) {
    return;
  }
  if (!in_fold) {
    // Only in os does a share depend on the slots behind it.
    slot_ =
        last_fold_ + share_before(*schedule_, issue_, slots, schedule_->gemms()[entry_].k) + alone_;
    fold_ = now_.last_fold + 1;
  }
  if (same_gemm) {
    set_now();
  } else {
    begin_gemm();
  }
}

std::int64_t TileWalk::number() const {
  return level_ == Level::kEntries  ? static_cast<std::int64_t>(entry_)
         : level_ == Level::kCopies ? copy_
                                    : blocks_->number();
}

std::int64_t TileWalk::left() const {
  return level_ == Level::kEntries ? static_cast<std::int64_t>(schedule_->gemms().size() - entry_) - 1
         : level_ == Level::kCopies ? schedule_->gemms()[entry_].count - copy_ - 1
                                    : blocks_->left();
}

void TileWalk::repeat(const Mark& since, std::int64_t times) {
  const std::int64_t more = times * (number() - since.number);
  slot_ += times * (slot_ - since.slot);
  fold_ += static_cast<std::uint64_t>(times) * (fold_ - since.fold);
  if (level_ == Level::kCopies) {
    copy_ += more;
    gemm_ += more;
  } else {
    blocks_->skip(more);
  }
  set_now();
}

}  // namespace potomac::sim
