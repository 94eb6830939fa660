#include "sim/results/roofline.hpp"

#include <algorithm>

namespace potomac::sim {

std::optional<Roofline> roofline_of(const Quantities& quantities, const Machine& machine,
                                    const Architecture& architecture) {
  const energy::MemoryAccesses& accesses = quantities.memory;
  if (!accesses.known() || accesses.bus_bits().value() == 0) {
    return std::nullopt;
  }
  const auto macs = static_cast<double>(quantities.macs);
  const auto bits = static_cast<double>(accesses.bus_bits().value());
  Roofline roofline{.macs_per_byte = macs * 8.0 / bits};
  if (!architecture.memory || !architecture.memory->dram) {
    return roofline;
  }
  const double bits_per_cycle = peak_gb_s(*architecture.memory->dram) * 8e3 / machine.clock_mhz;
  const auto cycles = static_cast<double>(quantities.cycles.total());
  const auto busy = static_cast<double>(quantities.cycles.total() - quantities.cycles.stall);
  roofline.peak_share =
      std::min(1.0, macs / bits * bits_per_cycle / static_cast<double>(machine.array.pes()));
  if (cycles > 0.0) {
    roofline.bandwidth_used = bits / (bits_per_cycle * cycles);
  }
  roofline.bound_by_dram = bits / bits_per_cycle > busy;
  return roofline;
}

}  // namespace potomac::sim
