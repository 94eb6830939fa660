#include "sim/memory/memory_pace.hpp"

#include "sim/machine/cycles.hpp"

namespace potomac::sim {

MemoryPace::MemoryPace(const Architecture& architecture, const Schedule& schedule,
                       std::span<GemmOperands> operands, const ElementBits& bits)
    : operands_(operands),
      bits_(bits),
      memory_(architecture, schedule, operands, bits),
      cursor_(schedule, architecture.issue, operands, bits) {}

std::uint64_t MemoryPace::total_stalls(const Schedule& schedule, Issue issue) {
  const bool has_rows = !keeps_sums(schedule.dataflow());
  std::int64_t held = 0;
  std::optional<TimedTile> before;
  for (TileProgram program(schedule, issue, operands_, bits_); !program.done(); program.next()) {
    const TileDemand& demand = program.now();
    const TimedTile& tile = demand.tile;
    const std::int64_t held_before = held;
    if (has_rows) {
      held = memory_.rows(demand, tile.first_row + held) - tile.first_row;
    }
    if (before) {
      // The last slot of the tile before may come behind this one's first rows.
      const bool behind = has_rows && before->last_slot >= tile.first_row;
      memory_.slots_taken(before->last_slot + (behind ? held : held_before));
    }
    const bool rows_first = tile.last_row < tile.first_slot;
    if (has_rows && rows_first) {
      memory_.rows_taken(tile.last_row + held);
    }
    held = memory_.slots(demand, tile.first_slot + held) - tile.first_slot;
    if (has_rows && !rows_first) {
      memory_.rows_taken(tile.last_row + held);
    }
    before = tile;
  }
  memory_.slots_taken(before->last_slot + held);
  const auto cycles = static_cast<std::int64_t>(cycles_of(schedule, issue).total());
  return static_cast<std::uint64_t>(memory_.finish(cycles + held) - cycles);
}

bool MemoryPace::may_step(const ArrayStep& step) {
  const auto cycle = static_cast<std::int64_t>(step.cycle);
  while (const std::optional<Intake> intake = cursor_.intake(step)) {
    if (!until_) {
      until_ = *intake == Intake::kRows ? memory_.rows(cursor_.tile(), cycle)
                                        : memory_.slots(cursor_.tile(), cycle);
    }
    if (cycle < *until_) {
      return false;
    }
    until_.reset();
    cursor_.pass();
  }
  if (cursor_.takes_last_row(step)) {
    memory_.rows_taken(cycle);
  }
  if (cursor_.takes_last_slot(step)) {
    memory_.slots_taken(cycle);
  }
  return true;
}

bool MemoryPace::may_end(std::uint64_t cycle) {
  const auto now = static_cast<std::int64_t>(cycle);
  if (!end_) {
    end_ = memory_.finish(now);
  }
  return now >= *end_;
}

}  // namespace potomac::sim
