// The place of an array that steps among the tiles of its pass: at which steps it takes up a tile's
// first row (of stationary tiles: ws, is) or first slot, and at which it takes the last of them.
#pragma once

#include <optional>

#include "sim/engines/interface/pace.hpp"
#include "sim/memory/tile_program.hpp"

namespace potomac::sim {

// What of a tile is taken in.
enum class Intake { kRows, kSlots };

class TileCursor {
 public:
  TileCursor(const Schedule& schedule, Issue issue, std::span<GemmOperands> operands,
             const ElementBits& bits)
      : program_(schedule, issue, operands, bits),
        rows_(schedule.array().rows),
        os_(keeps_sums(schedule.dataflow())),
        streamed_(array_indices(schedule.dataflow()).streamed),
        next_(os_ ? Intake::kSlots : Intake::kRows) {}

  // What the step begins to take in, or nothing. It may be two things, one behind the other:
  // the first slot of a tile, and the first row of the next.
  std::optional<Intake> intake(const ArrayStep& step) const {
    if (program_.done()) {
      return std::nullopt;
    }
    const TimedTile& tile = program_.now().tile;
    const bool at_it =
        next_ == Intake::kRows
            ? step.row == rows_ - 1 && step.loading_number == tile.first_fold
            : step.slot == slots_of(tile).begin && step.fold_number == tile.first_fold;
    return at_it ? std::optional(next_) : std::nullopt;
  }
  // The tile whose intake comes next. Precondition: there is one.
  const TileDemand& tile() const { return program_.now(); }

  void pass() {
    if (next_ == Intake::kRows) {
      loaded_ = program_.now().tile;
      next_ = Intake::kSlots;
      return;
    }
    streaming_ = program_.now().tile;
    next_ = os_ ? Intake::kSlots : Intake::kRows;
    program_.next();
  }

  // Whether the step takes the last row, or the last slot, of the tile that was passed last.
  bool takes_last_row(const ArrayStep& step) const {
    return loaded_ && step.row == 0 && step.loading_number == loaded_->last_fold;
  }
  bool takes_last_slot(const ArrayStep& step) const {
    return streaming_ && step.slot == slots_of(*streaming_).end - 1 &&
           step.fold_number == streaming_->last_fold;
  }

 private:
  // The streamed slots of a fold that are the tile's: in os a part of the depth, else all.
  Range slots_of(const TimedTile& tile) const {
    const Range& streamed = tile.block[streamed_];
    return os_ ? streamed : Range{0, streamed.size()};
  }

  TileProgram program_;
  std::int64_t rows_;
  bool os_;
  Index streamed_;
  Intake next_;
  std::optional<TimedTile> loaded_;
  std::optional<TimedTile> streaming_;
};

}  // namespace potomac::sim
