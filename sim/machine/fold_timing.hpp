// When the folds of a pass begin, cycle by cycle: what a controller does, and whoever must count as
// it does. (cycles.hpp has the sums in closed form.)
//
// A fold's share lasts from its first slot to the next fold's first slot, less the preload between:
//   issue     | os                              | ws, is                     | the pass's last fold
//   serial    | S + R + C - 2                   | S + R + C - 2              | S + R + C - 2
//   pipelined | S + max(0, R - S of the next)   | max(S, R)                  | S + R + C - 2
// S: slots that it streams (K in os, M in ws, N in is). Serial: the fold before has left the far
// corner. Pipelined os: its results have begun to drain R cycles before those of the next end.
// Pipelined ws, is: the next tile's R rows are loaded in the last R cycles of the share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "sim/machine/architecture.hpp"
#include "sim/machine/schedule.hpp"

namespace potomac::sim {

// The extents of a GEMM, or of one fold's part of it, by what the array does with them.
struct ArrayExtents {
  std::int64_t rows = 0, cols = 0;  // of the two indices that are tiled
  std::int64_t streamed = 0;        // of the one that streams past the PEs, slot by slot
};
ArrayExtents array_extents(const workloads::GemmShape& gemm, Dataflow dataflow);
ArrayExtents array_extents(const Fold& fold, Dataflow dataflow);

// The share of a fold of `slots` in front of one of `next_slots`.
std::int64_t share_before(const Schedule& schedule, Issue issue, std::int64_t slots,
                          std::int64_t next_slots);
// PEs that the last fold of a GEMM uses.
std::uint64_t last_tile(const workloads::GemmShape& gemm, ArrayShape array, Dataflow dataflow);
// The share of the pass's last fold.
std::int64_t last_share(const Schedule& schedule, std::int64_t slots);

// Folds with the same share, and how many PEs they use together.
struct Shares {
  std::uint64_t folds = 0;
  std::uint64_t used = 0;  // PEs, added up over the folds
  std::int64_t share = 0;  // cycles of each
};

// Calls body(Shares) so that each fold of the pass is in one: once for each run of equal blocks,
// and once more for the last fold of an entry of the schedule's GEMMs. Only there does a share
// depend on the fold behind it: in os all folds of a GEMM stream its depth, and in ws and is a
// share is the fold's own.
template <typename Body>
void for_each_share(const Schedule& schedule, Issue issue, const Body& body) {
  const std::vector<workloads::GemmShape>& gemms = schedule.gemms();
  for (std::size_t i = 0; i < gemms.size(); ++i) {
    const Pieces pieces = schedule.pieces_of(i);
    for (const workloads::GemmShape& piece : pieces) {
      const std::int64_t slots = array_extents(piece, schedule.dataflow()).streamed;
      const auto folds = static_cast<std::uint64_t>(piece.count) *
                         static_cast<std::uint64_t>(
                             Schedule::folds_of(piece, schedule.array(), schedule.dataflow()));
      // The two tiled indices of all folds together make the block's own.
      const auto used = static_cast<std::uint64_t>(piece.macs() / slots);
      const std::int64_t share = share_before(schedule, issue, slots, slots);
      if (&piece != &pieces.back()) {
        body(Shares{folds, used, share});
        continue;
      }
      const std::uint64_t used_last = last_tile(piece, schedule.array(), schedule.dataflow());
      const std::int64_t at_the_end =
          i + 1 == gemms.size()
              ? last_share(schedule, slots)
              : share_before(schedule, issue, slots,
                             array_extents(gemms[i + 1], schedule.dataflow()).streamed);
      body(Shares{folds - 1, used - used_last, share});
      body(Shares{1, used_last, at_the_end});
    }
  }
}

struct FoldTiming {
  Fold fold;
  std::uint64_t number = 0;   // of the fold in the pass
  std::int64_t preload = 0;   // cycles in front of its first slot that are its tile's alone
  std::int64_t slots = 0;     // in the first cycles of its share
  std::int64_t share = 0;     // cycles from its first slot on
  std::optional<Fold> loads;  // whose tile is loaded in the last R cycles of the share
};

// Walks the folds of a pass with their timing. The schedule must outlive it.
class FoldWalk {
 public:
  // Precondition: the schedule has a fold.
  FoldWalk(const Schedule& schedule, Issue issue);

  bool done() const { return done_; }
  // Precondition: not done().
  const FoldTiming& now() const { return now_; }
  void next();

 private:
  void set_now(std::int64_t preload);

  const Schedule* schedule_;
  Issue issue_;
  Schedule::Walk behind_;  // the fold after the one in hand
  FoldTiming now_;
  bool done_ = false;
};

}  // namespace potomac::sim
