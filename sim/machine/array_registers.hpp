// The registers that an array is made of.
#pragma once

#include <cstdint>

#include "sim/machine/architecture.hpp"
#include "sim/machine/machine.hpp"

namespace potomac::sim {

// The data bits of a machine's registers: in os two operands, a sum and its shadow in each PE; in
// ws and is two operands (pipelined, the stationary one twice) and a sum; and the skew registers, i
// of them in front of lane i of either edge.
std::uint64_t register_bits(const Machine& machine, const Architecture& architecture);

}  // namespace potomac::sim
