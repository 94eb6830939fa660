// The codes of a tensor as the codes that a PE's wider operand registers hold.
#pragma once

#include <algorithm>
#include <array>

#include "rtl_models/arithmetic/aligned_code.hpp"
#include "rtl_models/arithmetic/pot_code.hpp"
#include "sim/engines/interface/engine.hpp"
#include "sim/machine/array_registers.hpp"

namespace potomac::sim {

// Indexed by code. Precondition: `to` is at least as wide as `from`.
inline std::array<rtl::PotCode, 256> widening(rtl::PotFormat from, rtl::PotFormat to) {
  std::array<rtl::PotCode, 256> table{};
  for (int code = 0; code < from.code_count(); ++code) {
    const auto pot = static_cast<rtl::PotCode>(code);
    table[pot] = from.widen(pot, to);
  }
  return table;
}

// The first operand's format in its registers.
inline rtl::AlignedFormat aligned_format(const Job& job) {
  const PeConfig& pe = job.architecture->pe;
  const int extra = aligned_bits(pe);
  return {rtl::PotFormat(pe.operand_bits), extra, extra == 0 ? 0 : job.accumulator.lsb};
}

// What registers of a format hold of PE codes, which are given by code of the tensor.
inline std::array<rtl::AlignedCode, 256> aligned_words(const rtl::AlignedFormat& format,
                                                       const std::array<rtl::PotCode, 256>& codes) {
  std::array<rtl::AlignedCode, 256> words{};
  std::ranges::transform(codes, words.begin(),
                         [&format](rtl::PotCode code) { return format.align(code); });
  return words;
}

}  // namespace potomac::sim
