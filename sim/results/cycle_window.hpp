// A part of what has cycles.
#pragma once

#include <cstdint>

namespace potomac::sim {

// Cycles [begin, end) that somebody wants to see.
struct CycleWindow {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

}  // namespace potomac::sim
