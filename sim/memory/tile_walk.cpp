#include "sim/memory/tile_walk.hpp"

namespace potomac::sim {

TileWalk::TileWalk(const Schedule& schedule, Issue issue)
    : schedule_(&schedule),
      issue_(issue),
      indices_(array_indices(schedule.dataflow())),
      os_(keeps_sums(schedule.dataflow())),
      alone_(!os_ && issue == Issue::kSerial ? schedule.array().rows : 0),
      slot_(os_ ? 0 : schedule.array().rows) {
  if (!done()) {
    begin_gemm();
  }
}

void TileWalk::begin_gemm() {
  blocks_.emplace(extents_of(schedule_->gemms()[entry_]), schedule_->blocking(entry_));
  rows_ = cols_ = -1;
  set_now();
}

// The folds of a tile of so many rows, columns and slots.
void TileWalk::set_folds(std::int64_t rows, std::int64_t cols, std::int64_t slots) {
  if (rows != rows_ || cols != cols_) {  // else no division for each tile
    rows_ = rows;
    cols_ = cols;
    folds_ = ceil_div(rows, schedule_->array().rows) * ceil_div(cols, schedule_->array().cols);
  }
  share_ = share_before(*schedule_, issue_, slots, slots) + alone_;
}

void TileWalk::set_now() {
  const ByIndex<Range>& block = blocks_->block();
  const Range& streamed = block[indices_.streamed];
  // In os a fold's slots are those of the whole depth, whichever of them are the tile's.
  const std::int64_t slots = os_ ? schedule_->gemms()[entry_].k : streamed.size();
  set_folds(block[indices_.rows].size(), block[indices_.cols].size(), slots);
  last_fold_ = slot_ + (folds_ - 1) * share_;
  now_.entry = entry_;
  now_.copy = copy_;
  now_.gemm = gemm_;
  now_.block = block;
  now_.first_fold = fold_;
  now_.last_fold = fold_ + static_cast<std::uint64_t>(folds_) - 1;
  now_.first_row = slot_ - schedule_->array().rows;
  now_.last_row = last_fold_ - 1;
  now_.first_slot = slot_ + (os_ ? streamed.begin : 0);
  now_.last_slot = last_fold_ + (os_ ? streamed.end : slots) - 1;
}

void TileWalk::next() {
  const workloads::GemmShape& gemm = schedule_->gemms()[entry_];
  const bool in_fold = os_ && now_.block[Index::kK].end < gemm.k;
  const std::int64_t slots = os_ ? gemm.k : now_.block[indices_.streamed].size();
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
    slot_ = last_fold_ +
            (level_ == Level::kEntries
                 ? share_before(*schedule_, issue_, slots, schedule_->gemms()[entry_].k) + alone_
                 : share_);
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
  return level_ == Level::kEntries
             ? static_cast<std::int64_t>(schedule_->gemms().size() - entry_) - 1
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
