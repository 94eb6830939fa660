// The operands that a feeder feeds: one operand of every GEMM of a pass, as the unit in the PEs
// wants them.
#pragma once

#include <array>

#include "rtl_models/arithmetic/pot_code.hpp"
#include "sim/engines/stepping/edge_operands.hpp"

namespace potomac::sim {

// The lowered operand's codes, and the table that translates them: to the PE's own (wider) PoT
// format for MF-MACs, to binary32 values for the baseline.
template <typename Operand>
struct OperandSource {
  using Translation = std::array<Operand, 256>;

  OperandSource(const workloads::LoweredPass& pass, WhichOperand which, const Translation& table)
      : codes(pass, which), translation(table) {}

  Operand translate(rtl::PotCode code) const { return translation[code]; }

  OperandCodes codes;
  Translation translation;
};

}  // namespace potomac::sim
