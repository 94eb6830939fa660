// Codes on their way to PEs whose accumulators' lowest bits differ from pass to pass: the exponent
// field of one operand carries e - lsb, so that a PE's adder yields a place in the accumulator
// without knowing it. A lowest bit that is the same for all passes is wired into the decoder.
#pragma once

#include <cstdint>

#include "rtl_models/arithmetic/pot_code.hpp"

namespace potomac::rtl {

// What such a register holds: a sign bit above a two's-complement exponent.
using AlignedCode = std::uint16_t;

class AlignedFormat {
 public:
  // Codes of `format`, with `extra_bits` more for the exponent, less `lsb`. With 0 and 0 they are
  // what they are. Precondition: each exponent less the lowest bit fits, beside the pattern of
  // zero.
  constexpr AlignedFormat(PotFormat format, int extra_bits, int lsb)
      : format_(format), exponent_bits_(format.exponent_bits() + extra_bits), lsb_(lsb) {}
  constexpr explicit AlignedFormat(PotFormat format) : AlignedFormat(format, 0, 0) {}

  constexpr AlignedCode align(PotCode code) const {
    if (format_.is_zero(code)) {
      return zero();
    }
    const int field = (format_.exponent(code) - lsb_) & mask();
    return static_cast<AlignedCode>((format_.is_negative(code) ? mask() + 1 : 0) | field);
  }

  constexpr PotCode code(AlignedCode aligned) const {
    const int field = aligned & mask();
    if (field == zero()) {
      return format_.zero();
    }
    const int exponent = (field >= zero() ? field - mask() - 1 : field) + lsb_;
    return format_.encode((aligned & (mask() + 1)) != 0, exponent);
  }

 private:
  constexpr int mask() const { return (1 << exponent_bits_) - 1; }
  constexpr AlignedCode zero() const { return static_cast<AlignedCode>(1 << (exponent_bits_ - 1)); }

  PotFormat format_;
  int exponent_bits_;
  int lsb_;
};

}  // namespace potomac::rtl
