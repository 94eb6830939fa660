// The `structural` accounting: arithmetic as `operation` charges it, and what stands around it:
// registers, their clock, scratchpads, DRAM (docs/energy.md derives each, with its assumptions).
// No control, no wires between PEs, no quantizer, and no leakage: no table has a source for it.
#pragma once

#include "energy/pricing/accounting.hpp"

namespace potomac::energy {

inline constexpr std::string_view kStructuralAccounting = "structural";

const Accounting& structural_accounting();

}  // namespace potomac::energy
