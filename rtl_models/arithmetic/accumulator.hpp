// The two's-complement accumulator of a MF-MAC: width, weight of its lowest bit, overflow rule.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string_view>

#include "rtl_models/arithmetic/pot_code.hpp"

namespace potomac::rtl {

inline constexpr int kMinAccumulatorBits = 8;
inline constexpr int kMaxAccumulatorBits = 64;
// The range of an lsb that a user may ask for: beyond +-252 no product of two codes lies.
inline constexpr int kMaxAbsLsb = 256;

enum class Overflow { kWrap, kSaturate };
inline constexpr std::array<Overflow, 2> kOverflows = {Overflow::kWrap, Overflow::kSaturate};
// "wrap", "saturate".
constexpr std::string_view name_of(Overflow overflow) {
  return overflow == Overflow::kWrap ? "wrap" : "saturate";
}

// Where an accumulator's lowest bit lies: as a number, or as a rule that the operands at hand make
// one (see resolve()).
class Lsb {
 public:
  // `exact`: every product has a bit of its own.
  constexpr Lsb() = default;
  constexpr Lsb(int fixed)  // NOLINT(google-explicit-constructor)
      : rule_(Rule::kFixed), fixed_(fixed) {}
  // `auto`: as low as it can lie without a partial sum that could leave the range.
  static constexpr Lsb automatic() {
    Lsb lsb;
    lsb.rule_ = Rule::kAuto;
    return lsb;
  }

  constexpr bool is_exact() const { return rule_ == Rule::kExact; }
  constexpr bool is_auto() const { return rule_ == Rule::kAuto; }
  // Precondition: neither of these.
  constexpr int fixed() const { return fixed_; }

  friend constexpr auto operator<=>(const Lsb&, const Lsb&) = default;

 private:
  enum class Rule { kExact, kAuto, kFixed };
  Rule rule_ = Rule::kExact;
  int fixed_ = 0;
};

// What a user configures.
struct AccumulatorConfig {
  int bits = 32;
  Lsb lsb;
  Overflow overflow = Overflow::kWrap;

  friend bool operator==(const AccumulatorConfig&, const AccumulatorConfig&) = default;
};

// A configuration made definite for two operand formats: the lowest bit weighs 2^lsb.
struct Accumulator {
  int bits = 32;
  int lsb = 0;
  Overflow overflow = Overflow::kWrap;

  constexpr std::int64_t max() const {
    return bits == 64 ? INT64_MAX : (std::int64_t{1} << (bits - 1)) - 1;
  }
  constexpr std::int64_t min() const { return -max() - 1; }

  friend constexpr bool operator==(const Accumulator&, const Accumulator&) = default;
};

// The lsb at which every product of the two formats is exact: -(e_max + e_max).
constexpr int exact_lsb(PotFormat first, PotFormat second) {
  return -(first.e_max() + second.e_max());
}

// Makes `config` definite for GEMMs of these operand formats that reduce over at most `depth`. With
// P = e_max + e_max, log2 of the largest product, `auto` is
//   lsb = max(-P, P + bit_width(depth) - bits + 1):
// a partial sum is less than 2^(P + bit_width(depth)), whatever is dropped. Throws InputError,
// naming a width or an lsb that works, if the accumulator cannot hold one largest product.
Accumulator resolve(const AccumulatorConfig& config, PotFormat first, PotFormat second,
                    std::int64_t depth);

// A sum in the accumulator's range. If the true one lay outside, it was wrapped modulo 2^bits, or
// clamped, and `turns` tells: 1 where it was clamped or lay above, -1 where it wrapped from below;
// else 0. Added up over a result's steps, turns are 0 where it wraps if and only if its exact sum
// lies in the range; where it saturates, if and only if no step was clamped.
struct Sum {
  std::int64_t value;
  int turns;

  constexpr bool overflowed() const { return turns != 0; }
};

// value + addend. Precondition: both inside of the range.
constexpr Sum add(const Accumulator& accumulator, std::int64_t value, std::int64_t addend) {
  std::int64_t sum = 0;
  const bool overflowed64 = __builtin_add_overflow(value, addend, &sum);
  if (!overflowed64 && sum >= accumulator.min() && sum <= accumulator.max()) {
    return {sum, 0};
  }
  if (accumulator.overflow == Overflow::kSaturate) {
    return {addend < 0 ? accumulator.min() : accumulator.max(), 1};
  }
  const int spare = 64 - accumulator.bits;
  const auto lifted = static_cast<std::int64_t>(static_cast<std::uint64_t>(sum) << spare);
  return {lifted >> spare, addend < 0 ? -1 : 1};
}

}  // namespace potomac::rtl
