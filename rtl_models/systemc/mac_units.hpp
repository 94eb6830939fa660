// The two arithmetic units that a PE can hold, in one form: MF-MAC, and FP32 MAC for the baseline.
#pragma once

#include <cstdint>

#include "rtl_models/arithmetic/fp32_mac.hpp"
#include "rtl_models/arithmetic/mf_mac.hpp"

namespace potomac::rtl {

// Events of one PE, or of many added up.
struct PeCounters {
  std::uint64_t slots = 0;         // MAC slots: both operands valid
  std::uint64_t zero_operand = 0;  // slots with a zero operand
  std::uint64_t zero_starts = 0;   // of these: the first of a sum
  std::uint64_t gated = 0;
  std::uint64_t multiplied = 0;   // exponent add and sign XOR, or FP32 multiplication
  std::uint64_t accumulated = 0;  // integer or FP32 addition
  std::uint64_t overflowed = 0;
  std::uint64_t dropped = 0;
  std::uint64_t operand_writes = 0;
  std::uint64_t accumulator_writes = 0;
  std::uint64_t shadow_writes = 0;
  std::uint64_t psum_writes = 0;

  PeCounters& operator+=(const PeCounters& other) {
    slots += other.slots;
    zero_operand += other.zero_operand;
    zero_starts += other.zero_starts;
    gated += other.gated;
    multiplied += other.multiplied;
    accumulated += other.accumulated;
    overflowed += other.overflowed;
    dropped += other.dropped;
    operand_writes += other.operand_writes;
    accumulator_writes += other.accumulator_writes;
    shadow_writes += other.shadow_writes;
    psum_writes += other.psum_writes;
    return *this;
  }
};

// A unit has Operand, Value (of its accumulator), Config (quasi-static: set between GEMMs) and
//   Value step(const Config&, Value sum, bool first, Operand, Operand, PeCounters&)
// which does one MAC slot: `first` starts from zero instead of `sum`. It counts what it did; the
// writes of registers are the PE's own to count.

struct MfMacUnit {
  using Operand = PotCode;
  using Value = std::int64_t;
  struct Config {
    PotFormat format{kDefaultPotBits};
    Accumulator accumulator;
    bool zero_gating = true;
  };

  static Value step(const Config& config, Value sum, bool first, Operand a, Operand b,
                    PeCounters& counters) {
    const MfMacStep done =
        mf_mac(config.accumulator, config.format, config.zero_gating, first ? 0 : sum, a, b);
    counters.slots += 1;
    const bool zero = config.format.is_zero(a) || config.format.is_zero(b);
    counters.zero_operand += zero ? 1 : 0;
    counters.zero_starts += zero && first ? 1 : 0;
    counters.gated += done.gated ? 1 : 0;
    counters.multiplied += done.multiplied ? 1 : 0;
    counters.accumulated += done.accumulated ? 1 : 0;
    counters.dropped += done.dropped ? 1 : 0;
    counters.overflowed += done.overflowed ? 1 : 0;
    return done.value;
  }
};

struct Fp32MacUnit {
  using Operand = float;
  using Value = float;
  struct Config {
    bool zero_gating = false;
  };

  static Value step(const Config& config, Value sum, bool first, Operand a, Operand b,
                    PeCounters& counters) {
    const bool zero = a == 0.0F || b == 0.0F;
    const bool gated = zero && config.zero_gating;
    const Value from = first ? 0.0F : sum;
    counters.slots += 1;
    counters.zero_operand += zero ? 1 : 0;
    counters.zero_starts += zero && first ? 1 : 0;
    counters.gated += gated ? 1 : 0;
    counters.multiplied += gated ? 0 : 1;
    counters.accumulated += gated ? 0 : 1;
    return gated ? from : fp32_mac(from, a, b);
  }
};

}  // namespace potomac::rtl
