// Power-of-two (PoT) codes: a sign bit above a two's-complement exponent, b bits in all.
#pragma once

#include <cstdint>

namespace potomac::rtl {

// One code in the low b bits of a byte; the bits above are zero.
using PotCode = std::uint8_t;

inline constexpr int kMinPotBits = 3;
inline constexpr int kMaxPotBits = 8;
inline constexpr int kDefaultPotBits = 5;

constexpr bool is_pot_width(int bits) {
  return bits >= kMinPotBits && bits <= kMaxPotBits;
}

// The codes of one width b. Bit b-1 is the sign; bits b-2..0 are the exponent e in
// -e_max..e_max, e_max = 2^(b-2) - 1. The exponent pattern that is left (1 then zeros) is the value
// zero; its canonical form has the sign bit 0. b = 5: exponents -7..7, zero = 0x08.
class PotFormat {
 public:
  // Precondition: is_pot_width(bits).
  constexpr explicit PotFormat(int bits) : bits_(bits) {}

  constexpr int bits() const { return bits_; }
  constexpr int exponent_bits() const { return bits_ - 1; }
  constexpr int e_max() const { return (1 << (bits_ - 2)) - 1; }
  constexpr int code_count() const { return 1 << bits_; }

  constexpr PotCode zero() const { return static_cast<PotCode>(1 << (bits_ - 2)); }
  constexpr PotCode sign_mask() const { return static_cast<PotCode>(1 << (bits_ - 1)); }
  constexpr PotCode exponent_mask() const { return static_cast<PotCode>((1 << (bits_ - 1)) - 1); }

  // True for either sign of the zero pattern: hardware looks at the exponent only.
  constexpr bool is_zero(PotCode code) const { return (code & exponent_mask()) == zero(); }
  constexpr bool is_negative(PotCode code) const { return (code & sign_mask()) != 0; }
  // Precondition: !is_zero(code).
  constexpr int exponent(PotCode code) const {
    const int field = code & exponent_mask();
    return field >= zero() ? field - (1 << (bits_ - 1)) : field;
  }
  // False for bits above b and for the zero pattern with its sign set.
  constexpr bool is_canonical(PotCode code) const {
    return code < code_count() && code != (sign_mask() | zero());
  }

  // Precondition: -e_max <= exponent <= e_max.
  constexpr PotCode encode(bool negative, int exponent) const {
    return static_cast<PotCode>((negative ? sign_mask() : 0) | (exponent & exponent_mask()));
  }

  // The same value in a format at least as wide: sign moved, exponent sign-extended, zero kept
  // zero.
  constexpr PotCode widen(PotCode code, PotFormat to) const {
    return is_zero(code) ? to.zero() : to.encode(is_negative(code), exponent(code));
  }

  friend constexpr bool operator==(const PotFormat&, const PotFormat&) = default;

 private:
  int bits_;
};

}  // namespace potomac::rtl
