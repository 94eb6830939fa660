// DRAM as a bandwidth and a latency. Transfers pass its bus one after the other, in the order of
// the calls, reads and writes alike. A read's first bit comes a latency behind its request at the
// earliest; a request need not wait for the data, nor for the requests, of those before it.
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

  // A transfer of `bits` (0: none, over at once) that is asked for in `cycle`. Returns the first
  // cycle in which all of it is there, or has been taken.
  std::int64_t read(std::int64_t cycle, std::int64_t bits) {
    return transfer(cycle, bits, latency_cycles_);
  }
  std::int64_t write(std::int64_t cycle, std::int64_t bits) { return transfer(cycle, bits, 0); }

  std::int64_t latency_cycles() const { return latency_cycles_; }

  // When the bus is free: in a cycle, and a part of the next (of BusRate's parts_of_cycle).
  std::int64_t end() const { return end_; }
  std::int64_t end_part() const { return end_part_; }
  double end_cycles() const {
    return static_cast<double>(end_) +
           static_cast<double>(end_part_) / static_cast<double>(rate_.parts_of_cycle);
  }
  // As if all so far had happened so many cycles later.
  void shift(std::int64_t cycles) { end_ += cycles; }

 private:
  std::int64_t transfer(std::int64_t cycle, std::int64_t bits, std::int64_t latency);

  BusRate rate_;
  std::int64_t latency_cycles_;
  std::int64_t end_ = 0;
  std::int64_t end_part_ = 0;
};

}  // namespace potomac::sim
