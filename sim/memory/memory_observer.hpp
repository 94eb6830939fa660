// Who looks on while the memory of a pass is computed tile by tile: for timelines. Times are cycles
// of the array from the pass's first on.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sim/memory/dram_request.hpp"

namespace potomac::sim {

class MemoryObserver {
 public:
  virtual ~MemoryObserver() = default;

  // The array waits for a block, or for room for it, in cycles [begin, end).
  virtual void stalled(DramBlock block, std::int64_t begin, std::int64_t end) = 0;
  // A transfer that was asked for in cycle `asked`: its data pass DRAM's bus from `begin` to `end`.
  // Of a device that is from when it turns to the transfer; it may end behind those that follow.
  // No later one begins before.
  virtual void transferred(const DramRequest& request, std::int64_t asked, double begin,
                           double end) = 0;
  // The part of its data that a channel of a device has.
  virtual void passed(std::size_t channel, bool write, double begin, double end) = 0;
  // The array takes up a tile in cycle `now`: no later stall begins before. Whether all is seen
  // that is wanted: no more is told then.
  virtual bool has_enough(std::int64_t now) = 0;
};

}  // namespace potomac::sim
