#include "sim/memory/dram_bus.hpp"

#include <cmath>

namespace potomac::sim {
namespace {

__extension__ using Int128 = __int128;

}  // namespace

DramBus::DramBus(const DramConfig& dram, double clock_mhz) : rate_(bus_rate(dram, clock_mhz)) {
  constexpr std::int64_t kPsPerMs = 1000000000;
  const std::int64_t khz = std::llround(clock_mhz * 1e3);
  const std::int64_t latency_ps = std::llround(dram.latency_ns * 1e3);
  latency_cycles_ = static_cast<std::int64_t>((Int128{latency_ps} * khz + kPsPerMs - 1) / kPsPerMs);
}

std::int64_t DramBus::transfer(std::int64_t cycle, std::int64_t bits, std::int64_t latency) {
  if (bits == 0) {
    return cycle;
  }
  if (cycle + latency > end_) {  // else, if there are parts, the bus is free later
    end_ = cycle + latency;
    end_part_ = 0;
  }
  std::int64_t parts = 0;
  if (!__builtin_mul_overflow(bits, rate_.parts_of_bit, &parts) &&
      !__builtin_add_overflow(parts, end_part_, &parts)) {  // nearly always, and much quicker
    end_ += parts / rate_.parts_of_cycle;
    end_part_ = parts % rate_.parts_of_cycle;
  } else {
    const Int128 wide = Int128{bits} * rate_.parts_of_bit + end_part_;
    end_ += static_cast<std::int64_t>(wide / rate_.parts_of_cycle);
    end_part_ = static_cast<std::int64_t>(wide % rate_.parts_of_cycle);
  }
  return end_ + (end_part_ > 0 ? 1 : 0);
}

}  // namespace potomac::sim
