// DRAM as a bandwidth and a latency. Transfers pass its bus one after the other, in the order in
// which they are asked for, reads and writes alike. A read's first bit comes a latency behind its
// request at the earliest; requests need not wait for each other's data.
//
// The bus keeps exact time: what a transfer takes is a fraction of whole cycles, and only when the
// array sees it, is it the next edge. No floating point is in it once the figures of the
// architecture have been read, to 1 kB/s, 1 kHz and 1 ps.
#pragma once

#include <cstdint>

#include "sim/machine/architecture.hpp"
#include "sim/machine/bus_rate.hpp"

namespace potomac::sim {

class DramBus {
 public:
  DramBus(const DramConfig& dram, double clock_mhz);

  // A transfer of `bits` (0: no transfer, done at once), asked for in `cycle` or, if that is later,
  // with the one before. Returns the first cycle in which all of it is there, or has been taken.
  std::int64_t read(std::int64_t cycle, std::int64_t bits) {
    return transfer(cycle, bits, latency_cycles_);
  }
  std::int64_t write(std::int64_t cycle, std::int64_t bits) { return transfer(cycle, bits, 0); }

  std::int64_t latency_cycles() const { return latency_cycles_; }

 private:
  std::int64_t transfer(std::int64_t cycle, std::int64_t bits, std::int64_t latency);

  BusRate rate_;
  std::int64_t latency_cycles_;
  std::int64_t requested_ = 0;  // when the last transfer was asked for
  std::int64_t end_ = 0;        // when the bus is free: a cycle,
  std::int64_t end_part_ = 0;   // and parts of the next
};

}  // namespace potomac::sim
