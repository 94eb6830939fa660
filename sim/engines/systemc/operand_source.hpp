// Where a feeder gets its operands: one side of a GEMM, as the unit in the PEs wants them.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "rtl_models/arithmetic/pot_code.hpp"
#include "workloads/layers/lowering.hpp"

namespace potomac::sim {

// A lowered operand with its codes translated by a table: to the PE's own (wider) PoT format for
// MF-MACs, to binary32 values for the baseline.
template <typename Operand>
class OperandSource {
 public:
  using Translation = std::array<Operand, 256>;

  OperandSource(const workloads::LoweredOperand& operand, const Translation& translation)
      : operand_(&operand), translation_(translation) {}

  std::int64_t rows() const { return operand_->rows(); }

  Operand translate(rtl::PotCode code) const { return translation_[code]; }
  void fetch(std::int64_t row, std::int64_t k_begin, std::span<rtl::PotCode> out) const {
    operand_->fetch(row, k_begin, out);
  }

 private:
  const workloads::LoweredOperand* operand_;
  Translation translation_;
};

// Codes of `from` as codes of the at least as wide `to`.
inline OperandSource<rtl::PotCode>::Translation widening(rtl::PotFormat from, rtl::PotFormat to) {
  OperandSource<rtl::PotCode>::Translation table{};
  for (int code = 0; code < from.code_count(); ++code) {
    const auto pot = static_cast<rtl::PotCode>(code);
    table[pot] = from.widen(pot, to);
  }
  return table;
}

}  // namespace potomac::sim
