// Where a feeder gets its operands: one operand of every GEMM of a pass, as the unit in the PEs
// wants them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "rtl_models/arithmetic/pot_code.hpp"
#include "workloads/layers/lowering.hpp"

namespace potomac::sim {

enum class WhichOperand { kFirst, kSecond };

// The lowered operand with its codes translated by a table: to the PE's own (wider) PoT format for
// MF-MACs, to binary32 values for the baseline.
template <typename Operand>
class OperandSource {
 public:
  using Translation = std::array<Operand, 256>;

  OperandSource(const workloads::LoweredPass& pass, WhichOperand which,
                const Translation& translation)
      : pass_(&pass), which_(which), translation_(translation) {}

  Operand translate(rtl::PotCode code) const { return translation_[code]; }

  // Of GEMM number `gemm`; folds come GEMM by GEMM, so the view in hand is kept.
  void fetch(std::int64_t gemm, std::int64_t row, std::int64_t k_begin,
             std::span<rtl::PotCode> out) {
    if (!gemm_ || gemm_->index != gemm) {
      gemm_.emplace(pass_->gemm(gemm));
    }
    (which_ == WhichOperand::kFirst ? gemm_->first : gemm_->second).fetch(row, k_begin, out);
  }

 private:
  const workloads::LoweredPass* pass_;
  WhichOperand which_;
  Translation translation_;
  std::optional<workloads::Gemm> gemm_;
};

}  // namespace potomac::sim
