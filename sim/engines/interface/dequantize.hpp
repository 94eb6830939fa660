// The binary32 value that each code of a tensor stands for: what the FP32 baseline computes with.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "rtl_models/arithmetic/pot_code.hpp"

namespace potomac::sim {

// Indexed by code: +-2^(e + beta); beyond binary32, its largest or its smallest (subnormal)
// magnitude. So a value is zero exactly where its code is, and the baseline's zeros are the MF-MAC
// array's.
inline std::array<float, 256> dequantized_values(rtl::PotFormat format, int beta) {
  std::array<float, 256> table{};
  for (int i = 0; i < format.code_count(); ++i) {
    const auto code = static_cast<rtl::PotCode>(i);
    if (!format.is_zero(code)) {
      const float magnitude = std::min(std::max(std::ldexp(1.0F, format.exponent(code) + beta),
                                                std::numeric_limits<float>::denorm_min()),
                                       std::numeric_limits<float>::max());
      table[code] = format.is_negative(code) ? -magnitude : magnitude;
    }
  }
  return table;
}

}  // namespace potomac::sim
