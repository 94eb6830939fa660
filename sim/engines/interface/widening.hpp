// The codes of a tensor as the codes that a PE's wider operand registers hold.
#pragma once

#include <array>

#include "rtl_models/arithmetic/pot_code.hpp"

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

}  // namespace potomac::sim
