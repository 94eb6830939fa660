// The registers that an array is made of.
#pragma once

#include <cstdint>

#include "sim/machine/architecture.hpp"
#include "sim/machine/machine.hpp"

namespace potomac::sim {

// The data bits of a machine's registers: in os two operands, a sum and its shadow in each PE; in
// ws and is two operands (pipelined, the stationary one twice) and a sum; and the skew registers, i
// of them in front of lane i of either edge.
//
// A MF-MAC whose accumulators' lowest bits differ from pass to pass has wider registers on the
// first operand's way, which carry e - lsb (rtl::AlignedFormat): by aligned_bits(), 0 where one
// lowest bit serves all. That is what the range of e - lsb needs, over all exponents of
// pe.operand_bits and all lowest bits that the machine may have.
int aligned_bits(const PeConfig& pe);
int aligned_bits(const Machine& machine, const Architecture& architecture);

std::uint64_t register_bits(const Machine& machine, const Architecture& architecture);

}  // namespace potomac::sim
