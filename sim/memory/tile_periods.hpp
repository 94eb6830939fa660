// Finds where a walk over a pass's tiles comes back to what it was, so that what follows need not
// be walked. A loop over equal blocks settles into a period, in few iterations where the array is
// what takes longest, and otherwise after so many as make whole cycles of the bus's fractions; then
// each period takes as long as the one before, to the cycle.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "sim/memory/tile_memory.hpp"
#include "sim/memory/tile_program.hpp"

namespace potomac::sim {

class TilePeriods {
 public:
  // A place between two tiles, and what led to it.
  struct Moment {
    TileMemory::Outlook outlook{};
    std::int64_t behind_last = 0;  // from the last slot of the tile before to what comes next
    TileWalk::Mark mark;
    std::int64_t held = 0;  // cycles that the array has waited
    StallCycles stalls;
  };

  // Called behind each tile, with the program at the next. The moment behind which all came as it
  // is about to come again, if there is one, at the program's level. `lead`: the first number of
  // the outlook; `make`: makes a Moment.
  template <typename Make>
  const Moment* since(const TileProgram& program, std::int64_t lead, const Make& make,
                      Moment& now) {
    const auto level = static_cast<std::size_t>(program.walk().level());
    for (std::size_t inner = level + 1; inner < levels_.size(); ++inner) {
      levels_.at(inner).steps = 0;
    }
    Level& here = levels_.at(level);
    // Of what is walked in any case, nothing is to be had.
    if (program.left() < program.period()) {
      return nullptr;
    }
    if (here.steps > 0 &&
        (program.walk().number() - here.first.mark.number) % program.period() != 0) {
      return nullptr;
    }
    const bool is_kept = here.steps == 0 || here.steps == here.limit;
    if (!is_kept && here.first.outlook[0] != lead) {  // nearly always
      ++here.steps;
      return nullptr;
    }
    now = make();
    if (here.steps > 0 && here.first.behind_last == now.behind_last &&
        here.first.outlook == now.outlook) {
      return &here.first;
    }
    // Brent's way: what is compared with is taken anew after 1, 2, 4, ... steps.
    if (is_kept) {
      here.limit = here.steps == 0 ? 1 : 2 * here.limit;
      here.steps = 1;
      here.first = now;
    } else {
      ++here.steps;
    }
    return nullptr;
  }

 private:
  struct Level {
    Moment first;
    std::int64_t steps = 0;  // from there on, and 1; 0: there is none
    std::int64_t limit = 1;
  };
  std::array<Level, TileWalk::kLevels> levels_;
};

}  // namespace potomac::sim
