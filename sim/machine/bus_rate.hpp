// DRAM's bandwidth beside the array's clock, exact: no floating point is in it once the figures of
// the architecture have been read, to 1 kB/s and 1 kHz.
#pragma once

#include <cstdint>

#include "sim/machine/architecture.hpp"

namespace potomac::sim {

// A bit takes parts_of_bit / parts_of_cycle of a cycle.
struct BusRate {
  std::int64_t parts_of_bit = 1;
  std::int64_t parts_of_cycle = 1;

  // The cycles that so many bits take, rounded up.
  std::int64_t cycles_for(std::int64_t bits) const;
};

// The rate of DRAM with a bandwidth, or of a device at its best (without_device()).
BusRate bus_rate(const DramConfig& dram, double clock_mhz);

}  // namespace potomac::sim
