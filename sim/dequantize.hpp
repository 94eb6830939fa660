// The binary32 value that each code of a tensor stands for: what the FP32 baseline computes with.
#pragma once

#include <array>
#include <cmath>

#include "rtl_models/arithmetic/pot_code.hpp"

namespace potomac::sim {

// Indexed by code: +-2^(e + beta), rounded to binary32 where that is out of its range.
inline std::array<float, 256> dequantized_values(rtl::PotFormat format, int beta) {
  std::array<float, 256> table{};
  for (int i = 0; i < format.code_count(); ++i) {
    const auto code = static_cast<rtl::PotCode>(i);
    if (!format.is_zero(code)) {
      table[code] =
          std::ldexp(format.is_negative(code) ? -1.0F : 1.0F, format.exponent(code) + beta);
    }
  }
  return table;
}

}  // namespace potomac::sim
