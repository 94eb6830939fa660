// The tiles of a pass in their order, with the cycles in which the array takes them up and leaves
// them, if it never has to wait. A tile is a block of a GEMM: in os it may be a part of a fold's
// depth, else it is one fold or many.
#pragma once

#include <cstdint>
#include <optional>

#include "sim/machine/fold_timing.hpp"
#include "sim/machine/schedule.hpp"

namespace potomac::sim {

// The part of one of the pass's GEMMs that a tile is.
struct TilePlace {
  std::size_t entry = 0;  // of the schedule's GEMMs
  std::int64_t copy = 0;  // which of the entry's equal GEMMs
  ByIndex<Range> block;
};

struct TimedTile {
  std::size_t entry = 0;  // of the schedule's GEMMs
  std::int64_t copy = 0;  // which of the entry's equal GEMMs
  std::int64_t gemm = 0;  // its number in the pass
  ByIndex<Range> block;
  std::uint64_t first_fold = 0;  // numbers in the pass
  std::uint64_t last_fold = 0;

  // Cycles of a pass without stalls. Rows of stationary tiles (ws, is), streamed slots.
  std::int64_t first_row = 0;
  std::int64_t last_row = 0;
  std::int64_t first_slot = 0;
  std::int64_t last_slot = 0;

  TilePlace place() const { return {entry, copy, block}; }
};

class TileWalk {
 public:
  // The schedule must outlive it.
  TileWalk(const Schedule& schedule, Issue issue);

  bool done() const { return entry_ == schedule_->gemms().size(); }
  // Preconditions: not done().
  const TimedTile& now() const { return now_; }
  void next();

  // What went on with the last next(): to another entry, another of its equal GEMMs, or one of the
  // loops over a GEMM's blocks, the outermost first.
  enum class Level { kEntries, kCopies, kOuter, kMiddle, kInner };
  static constexpr std::size_t kLevels = 5;
  Level level() const { return level_; }
  Blocking blocking() const { return schedule_->blocking(entry_); }

  // At that level: the number of what is in hand, and how many come behind it.
  std::int64_t number() const;
  std::int64_t left() const;

  // A place in the pass, to measure from.
  struct Mark {
    std::int64_t slot = 0;
    std::uint64_t fold = 0;
    std::int64_t number = 0;
  };
  Mark mark() const { return {slot_, fold_, number()}; }
  // Goes on as from `since` to here, so many times more. Preconditions: both are at this level, in
  // the same loop, and so much is left.
  void repeat(const Mark& since, std::int64_t times);

 private:
  void begin_gemm();
  void set_folds(std::int64_t rows, std::int64_t cols, std::int64_t slots);
  void set_now();

  const Schedule* schedule_;
  Issue issue_;
  ArrayIndices indices_;
  bool os_;
  std::int64_t alone_;  // rows that are loaded in front of each fold
  std::size_t entry_ = 0;
  std::int64_t copy_ = 0;
  std::int64_t gemm_ = 0;
  std::optional<BlockWalk> blocks_;
  std::int64_t rows_ = -1, cols_ = -1;  // of the tile
  std::int64_t folds_ = 0;              // in it
  std::int64_t share_ = 0;              // of each, in front of an equal one
  std::int64_t slot_;                   // the first of the fold that the tile begins with or is in
  std::uint64_t fold_ = 0;              // its number
  std::int64_t last_fold_ = 0;          // the first slot of the tile's last fold
  Level level_ = Level::kEntries;
  TimedTile now_;
};

}  // namespace potomac::sim
