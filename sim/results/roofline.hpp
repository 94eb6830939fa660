// The roofline of a machine's work: what DRAM's bandwidth allows, and what was made of it (S.
// Williams, A. Waterman, D. Patterson, "Roofline", CACM 52(4), 2009).
#pragma once

#include <optional>

#include "sim/machine/architecture.hpp"
#include "sim/machine/machine.hpp"
#include "sim/results/pass_record.hpp"

namespace potomac::sim {

struct Roofline {
  double macs_per_byte = 0.0;  // operational intensity: MACs for each byte of DRAM traffic
  double peak_share = 1.0;     // of the array's peak, that DRAM allows at this intensity; 0 to 1
  std::optional<double> bandwidth_used =
      std::nullopt;            // 0 to 1; without, DRAM is ideal or nothing ran
  bool bound_by_dram = false;  // its traffic at full bandwidth takes longer than the array's work
};

// Nothing where the work's DRAM traffic is not known, or is none.
std::optional<Roofline> roofline_of(const Quantities& quantities, const Machine& machine,
                                    const Architecture& architecture);

}  // namespace potomac::sim
