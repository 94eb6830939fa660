#include "sim/memory/memory_pace.hpp"

#include "sim/machine/cycles.hpp"

namespace potomac::sim {
namespace {

// The streamed slots of its last fold that are the tile's: in os a part of the depth, else all.
Range slots_of(const TimedTile& tile, Dataflow dataflow) {
  const Range& streamed = tile.block[array_indices(dataflow).streamed];
  return dataflow == Dataflow::kOutputStationary ? streamed : Range{0, streamed.size()};
}

}  // namespace

MemoryPace::MemoryPace(const Architecture& architecture, const Schedule& schedule,
                       std::span<GemmOperands> operands, const ElementBits& bits)
    : architecture_(architecture),
      program_(schedule, architecture.issue, operands, bits),
      memory_(architecture),
      has_rows_(architecture.dataflow != Dataflow::kOutputStationary) {}

std::uint64_t MemoryPace::total_stalls(const Schedule& schedule, Issue issue) {
  std::int64_t held = 0;
  TimedTile before;
  bool is_first = true;
  for (; !program_.done(); program_.next()) {
    const TileDemand& demand = program_.now();
    const TimedTile& tile = demand.tile;
    const std::int64_t held_before = held;
    if (has_rows_) {
      held = memory_.rows(demand, tile.first_row + held) - tile.first_row;
    }
    if (!is_first) {
      // The last slot of the tile before may come behind this one's first rows.
      const bool behind = has_rows_ && before.last_slot >= tile.first_row;
      memory_.slots_taken(before.last_slot + (behind ? held : held_before));
    }
    const bool rows_first = tile.last_row < tile.first_slot;
    if (has_rows_ && rows_first) {
      memory_.rows_taken(tile.last_row + held);
    }
    held = memory_.slots(demand, tile.first_slot + held) - tile.first_slot;
    if (has_rows_ && !rows_first) {
      memory_.rows_taken(tile.last_row + held);
    }
    before = tile;
    is_first = false;
  }
  if (is_first) {
    return 0;
  }
  memory_.slots_taken(before.last_slot + held);
  const auto cycles = static_cast<std::int64_t>(cycles_of(schedule, issue).total());
  return static_cast<std::uint64_t>(memory_.finish(cycles + held) - cycles);
}

bool MemoryPace::may_step(const Step& step) {
  if (!may_pass_gates(step)) {
    return false;
  }
  take(step);
  return true;
}

// Gates are a tile's first row and its first slot. A step may come to two of them: the first slot
// of a tile, and the first row of the next.
bool MemoryPace::may_pass_gates(const Step& step) {
  const auto cycle = static_cast<std::int64_t>(step.cycle);
  while (!program_.done()) {
    const TileDemand& demand = program_.now();
    const TimedTile& tile = demand.tile;
    const bool at_rows = has_rows_ && !rows_passed_;
    const bool is_gate =
        at_rows ? step.row == architecture_.array.rows - 1 && step.loading_number == tile.first_fold
                : step.slot == slots_of(tile, architecture_.dataflow).begin &&
                      step.fold_number == tile.first_fold;
    if (!is_gate) {
      return true;
    }
    if (!until_) {
      until_ = at_rows ? memory_.rows(demand, cycle) : memory_.slots(demand, cycle);
    }
    if (cycle < *until_) {
      return false;
    }
    until_.reset();
    if (at_rows) {
      rows_passed_ = true;
      rows_tile_ = tile;
    } else {
      rows_passed_ = false;
      slots_tile_ = tile;
      program_.next();
    }
  }
  return true;
}

void MemoryPace::take(const Step& step) {
  const auto cycle = static_cast<std::int64_t>(step.cycle);
  if (step.row == 0 && step.loading_number == rows_tile_.last_fold) {
    memory_.rows_taken(cycle);
  }
  if (step.slot != Step::kNone &&
      step.slot == slots_of(slots_tile_, architecture_.dataflow).end - 1 &&
      step.fold_number == slots_tile_.last_fold) {
    memory_.slots_taken(cycle);
  }
}

bool MemoryPace::may_end(std::uint64_t cycle) {
  const auto now = static_cast<std::int64_t>(cycle);
  if (!end_) {
    end_ = memory_.finish(now);
  }
  return now >= *end_;
}

}  // namespace potomac::sim
