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
  // A transfer that was asked for in a cycle, and is over in another.
  virtual void transferred(const DramRequest& request, std::int64_t asked, std::int64_t end) = 0;
  // Its data pass a channel's bus (the only one, if DRAM is a bandwidth) from `begin` to `end`.
  virtual void passed(std::size_t channel, bool write, double begin, double end) = 0;
  // Whether it has seen all that it wants: nothing behind that is told.
  virtual bool has_enough() const = 0;
};

}  // namespace potomac::sim
