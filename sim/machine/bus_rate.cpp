#include "sim/machine/bus_rate.hpp"

#include <cmath>
#include <numeric>

namespace potomac::sim {
namespace {

__extension__ using Int128 = __int128;

}  // namespace

std::int64_t BusRate::cycles_for(std::int64_t bits) const {
  std::int64_t parts = 0;
  if (!__builtin_mul_overflow(bits, parts_of_bit, &parts) &&
      !__builtin_add_overflow(parts, parts_of_cycle - 1, &parts)) {  // nearly always, and quicker
    return parts / parts_of_cycle;
  }
  return static_cast<std::int64_t>((Int128{bits} * parts_of_bit + parts_of_cycle - 1) /
                                   parts_of_cycle);
}

BusRate bus_rate(const DramConfig& dram, double clock_mhz) {
  const std::int64_t khz = std::llround(clock_mhz * 1e3);
  const std::int64_t bits_per_ms = 8 * std::llround(peak_gb_s(dram) * 1e6);
  const std::int64_t common = std::gcd(khz, bits_per_ms);
  return {khz / common, bits_per_ms / common};
}

}  // namespace potomac::sim
