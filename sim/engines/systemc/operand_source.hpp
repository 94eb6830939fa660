// The operands that a feeder feeds: one operand of every GEMM of a pass, as the unit in the PEs
// wants them.
#pragma once

#include <array>
#include <type_traits>

#include "rtl_models/arithmetic/pot_code.hpp"
#include "sim/engines/stepping/edge_operands.hpp"

namespace potomac::sim {

// The lowered operand's codes, and the table that translates them to what MF-MACs multiply: the
// PE's own (wider) PoT format, or aligned words.
template <typename Operand>
struct OperandSource {
  using Element = rtl::PotCode;
  using Translation = std::array<Operand, 256>;

  OperandSource(const workloads::LoweredPass& pass, WhichOperand which, const Translation& table)
      : elements(pass, which), translation(table) {}

  Operand translate(Element code) const { return translation[code]; }

  OperandElements<Element> elements;
  Translation translation;
};

// The baseline's values, as they are.
template <>
struct OperandSource<float> {
  using Element = float;

  OperandSource(const workloads::LoweredPass& pass, WhichOperand which) : elements(pass, which) {}

  static float translate(Element value) { return value; }

  OperandElements<Element> elements;
};

}  // namespace potomac::sim
