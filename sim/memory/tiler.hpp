// The tiles that a GEMM is worked off in: of the blocks that fit the scratchpads and that the array
// can work off (is_workable()), in all orders of the loops, those that are done first, or those
// with the least traffic to DRAM.
//
// Candidates do not depend on the scratchpads. For each index they have the smallest extent for
// each number of blocks; from kAllCounts blocks on, for numbers a sixteenth apart. So with a larger
// scratchpad there are the same and more, and with more bandwidth none of them takes longer:
// neither ever costs what the tiler looks at.
//
// The search is exact. What a candidate costs is bounded from below, at first by what all its tiles
// together take of the array and of DRAM; the one with the least bound is looked at more closely,
// and at last walked through tile by tile, until one that was walked is no more than any bound.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "sim/machine/architecture.hpp"
#include "sim/machine/bus_rate.hpp"
#include "sim/memory/device_estimate.hpp"
#include "sim/memory/memory_pace.hpp"
#include "sim/memory/scratchpad_room.hpp"
#include "sim/memory/traffic.hpp"

namespace potomac::sim {

// Blocks, and what they cost by themselves: all of an entry's GEMMs, one behind the other, and
// nothing else in the pass. A device counts as the bandwidth and latency that it has at best, and
// blocks as device_estimate.hpp says.
struct JudgedBlocking {
  Blocking blocking;
  std::uint64_t cycles = 0;  // till the last results are in DRAM,
  StallCycles stalls;        // of which the array waits
  std::int64_t traffic_bits = 0;
  // The bits of the bursts that a DRAM device is to serve, about; 0 if there is none.
  std::int64_t device_bits = 0;

  friend bool operator==(const JudgedBlocking&, const JudgedBlocking&) = default;
};

class Tiler {
 public:
  // Up to so many blocks of an index, each number is tried.
  static constexpr std::int64_t kAllCounts = 64;

  // Of one entry of a pass's GEMMs, on a machine that moves elements of `bits`. All must outlive
  // it. Precondition: require_room() passed.
  Tiler(GemmOperands& operands, const Architecture& architecture, const ElementBits& bits);

  // What costs least; by time, with a device, of what takes no more than a 64th longer than that
  // the one with the least traffic: no finer can it be judged so. Of equal ones, that with less of
  // the other cost, then with fewer tiles, then the first in the order of the loops: m, n, k before
  // m, k, n, and so on.
  JudgedBlocking best(TileObjective objective);
  // Precondition: the blocks are workable.
  JudgedBlocking judge(const Blocking& blocking);

  // All that it chooses from, whatever fits.
  std::vector<Blocking> candidates() const;

 private:
  // Blocks, and what is known of them.
  struct Candidate {
    Blocking blocking;
    std::int64_t tiles = 0;
    std::size_t number = 0;  // in the order in which they are found
    // At least so much, and no more where it was walked through.
    std::uint64_t cycles = 0;
    std::int64_t traffic_bits = 0;
    StallCycles stalls;  // where it was walked through
    enum class Known { kTraffic, kFirstAndLast, kAll } known = Known::kTraffic;
  };

  // An index's extents, the largest first.
  using Choices = std::vector<std::int64_t>;
  static Choices choices_of(std::int64_t extent, std::int64_t unit);
  // Calls body(extents) for all extents of `choices` that fit into `room`.
  template <typename Body>
  void for_each_extents(const ByIndex<Choices>& choices, const TileRoom& room,
                        const Body& body) const;
  // Calls body(blocking) for all orders that are not like one before.
  template <typename Body>
  void for_each_order(const ByIndex<std::int64_t>& extents, const Body& body) const;

  std::uint64_t array_cycles(const ByIndex<std::int64_t>& extents);
  std::uint64_t bus_cycles(std::int64_t bits) const;
  // What of a GEMM's blocks is moved by the first tile, at the most by the last, and by all.
  struct Moved {
    std::int64_t first = 0, second = 0;  // of the first tile
    std::int64_t stored = 0;             // results of the last
    std::int64_t left = 0;               // at most, of results when the last tile begins
    std::int64_t all = 0;
    bool loads_last = false;  // the last tile has both operands
  };
  Moved moved_by(const Candidate& candidate);
  std::int64_t traffic_bits(const Blocking& blocking, std::int64_t first,
                            std::int64_t second) const;
  std::int64_t tiles_of(const ByIndex<std::int64_t>& extents) const;
  JudgedBlocking search(TileObjective objective, std::uint64_t limit);
  Blocking least_cut(const TileRoom& room) const;
  Candidate first_look(const Blocking& blocking);
  ByIndex<std::int64_t> rest_of(const ByIndex<std::int64_t>& extents) const;
  std::uint64_t array_cycles_of_last(const ByIndex<std::int64_t>& extents) const;
  void look_closer(Candidate& candidate);
  std::int64_t all_of(const Blocking& blocking, const BlockBits& each) const;
  JudgedBlocking judged(const Candidate& candidate);
  void walk(Candidate& candidate, std::uint64_t most);

  GemmOperands& operands_;
  std::optional<DeviceEstimate> device_;
  Architecture architecture_;  // with a bandwidth and a latency in place of a device
  ElementBits bits_;
  ByIndex<std::int64_t> gemm_;
  ByIndex<Choices> choices_;
  std::int64_t uncut_first_;  // elements
  std::int64_t uncut_second_;
  std::map<std::int64_t, std::uint64_t> array_cycles_;  // by the streamed extent
  std::optional<BusRate> rate_;                         // none: ideal
  std::uint64_t latency_ = 0;
};

}  // namespace potomac::sim
