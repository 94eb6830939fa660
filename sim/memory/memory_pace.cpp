#include "sim/memory/memory_pace.hpp"

#include <algorithm>

#include "sim/machine/cycles.hpp"

namespace potomac::sim {

MemoryPace::MemoryPace(const Architecture& architecture, const Schedule& schedule,
                       std::span<GemmOperands> operands, const ElementBits& bits)
    : operands_(operands),
      bits_(bits),
      has_rows_(!keeps_sums(architecture.dataflow)),
      memory_(architecture, schedule, operands, bits),
      cursor_(schedule, architecture.issue, operands, bits) {}

std::uint64_t MemoryPace::total_stalls(const Schedule& schedule, Issue issue) {
  std::int64_t held = 0;
  std::int64_t last_slot = 0;  // of the tile before
  const bool may_repeat = repeats_ && memory_.has_outlook();
  TilePeriods periods;
  bool first = true;
  for (TileProgram program(schedule, issue, operands_, bits_, alike_); !program.done();) {
    const TileDemand& demand = program.now();
    const TimedTile& tile = demand.tile;
    const std::int64_t held_before = held;
    if (has_rows_) {
      held = memory_.rows(demand, tile.first_row + held) - tile.first_row;
    }
    if (!first) {
      // The last slot of the tile before may come behind this one's first rows.
      const bool behind = has_rows_ && last_slot >= tile.first_row;
      memory_.slots_taken(last_slot + (behind ? held : held_before));
    }
    first = false;
    const bool rows_first = tile.last_row < tile.first_slot;
    if (has_rows_ && rows_first) {
      memory_.rows_taken(tile.last_row + held);
    }
    held = memory_.slots(demand, tile.first_slot + held) - tile.first_slot;
    if (has_rows_ && !rows_first) {
      memory_.rows_taken(tile.last_row + held);
    }
    last_slot = tile.last_slot;
    const std::int64_t taken_up = tile.first_slot + held;
    program.next();
    ++tiles_walked_;
    if (static_cast<std::uint64_t>(held) > most_ ||
        (observer_ != nullptr && observer_->has_enough(taken_up))) {
      return static_cast<std::uint64_t>(held);
    }
    if (told_ && tiles_walked_ % kTellEvery == 0) {
      tell();
    }
    if (may_repeat && !program.done()) {
      repeat(program, periods, held, last_slot);
    }
  }
  memory_.slots_taken(last_slot + held);
  const auto cycles = static_cast<std::int64_t>(cycles_of(schedule, issue).total());
  const std::int64_t end = memory_.finish(cycles + held);
  if (told_) {
    tell();
  }
  return static_cast<std::uint64_t>(end - cycles);
}

void MemoryPace::tell() {
  const std::uint64_t bursts = memory_.dram_counts().bursts();
  told_(bursts - told_bursts_);
  told_bursts_ = bursts;
}

// Goes on over as many periods as are left, if one is found.
void MemoryPace::repeat(TileProgram& program, TilePeriods& periods, std::int64_t& held,
                        std::int64_t& last_slot) {
  const auto next = [&] {
    const TimedTile& tile = program.now().tile;
    return has_rows_ ? tile.first_row : tile.first_slot;
  };
  const std::int64_t comes_next = next();
  TilePeriods::Moment now;
  const TilePeriods::Moment* const since = periods.since(
      program, memory_.lead(comes_next + held),
      [&] {
        return TilePeriods::Moment{.outlook = memory_.outlook(comes_next + held),
                                   .behind_last = comes_next - last_slot,
                                   .mark = program.walk().mark(),
                                   .held = held,
                                   .stalls = memory_.stalls()};
      },
      now);
  if (since == nullptr) {
    return;
  }
  const std::int64_t times = program.left() / (now.mark.number - since->mark.number);
  if (times == 0) {
    return;
  }
  program.repeat(since->mark, times);
  const std::int64_t more_held = times * (held - since->held);
  const auto more = [&](std::uint64_t till, std::uint64_t from) {
    return static_cast<std::uint64_t>(times) * (till - from);
  };
  memory_.shift(next() - comes_next + more_held, {more(now.stalls.first, since->stalls.first),
                                                  more(now.stalls.second, since->stalls.second),
                                                  more(now.stalls.results, since->stalls.results)});
  held += more_held;
  last_slot += next() - comes_next;
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
