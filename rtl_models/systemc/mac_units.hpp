// The two arithmetic units that a PE can hold, in one form: MF-MAC, and FP32 MAC for the baseline.
#pragma once

#include <cstdint>

#include "rtl_models/arithmetic/aligned_code.hpp"
#include "rtl_models/arithmetic/fp32_mac.hpp"
#include "rtl_models/arithmetic/mf_mac.hpp"
#include "rtl_models/arithmetic/pe_counters.hpp"
#include "rtl_models/arithmetic/toggles.hpp"

namespace potomac::rtl {

// A unit has Operand, Value (of its accumulator), Config (quasi-static: set between GEMMs) and
//   Value step(const Config&, Value sum, bool first, Operand, Operand, PeCounters&, int32& turns)
// which does one MAC slot: `first` starts from zero instead of `sum`. It counts what it did, and
// adds to the sum's turns (accumulator.hpp), of which hardware knows nothing; the writes of
// registers are the PE's own to count, with their toggles, which of a Value are
//   std::uint64_t value_toggles(const Config&, Value from, Value to)

struct MfMacUnit {
  using Operand = PotCode;
  using Value = std::int64_t;
  struct Config {
    PotFormat format{kDefaultPotBits};
    Accumulator accumulator;
    bool zero_gating = true;
  };

  static Value step(const Config& config, Value sum, bool first, Operand a, Operand b,
                    PeCounters& counters, std::int32_t& turns) {
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
    turns += done.turns;
    return done.value;
  }

  static std::uint64_t value_toggles(const Config& config, Value from, Value to) {
    return toggles(config.accumulator, from, to);
  }
};

// MF-MACs whose accumulators differ from pass to pass: operands come as aligned codes, and a
// register for sums is as wide as the widest.
struct AlignedMacUnit {
  using Operand = AlignedCode;
  using Value = MfMacUnit::Value;
  struct Config {
    MfMacUnit::Config unit;
    AlignedFormat along_rows{PotFormat(kDefaultPotBits)};  // what moves along rows
    AlignedFormat along_columns{PotFormat(kDefaultPotBits)};
    int sum_bits = 32;
  };

  static Value step(const Config& config, Value sum, bool first, Operand a, Operand b,
                    PeCounters& counters, std::int32_t& turns) {
    return MfMacUnit::step(config.unit, sum, first, config.along_rows.code(a),
                           config.along_columns.code(b), counters, turns);
  }

  static std::uint64_t value_toggles(const Config& config, Value from, Value to) {
    return toggles(Accumulator{.bits = config.sum_bits}, from, to);
  }
};

struct Fp32MacUnit {
  using Operand = float;
  using Value = float;
  struct Config {
    bool zero_gating = false;
  };

  static Value step(const Config& config, Value sum, bool first, Operand a, Operand b,
                    PeCounters& counters, std::int32_t& /*turns*/) {
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

  static std::uint64_t value_toggles(const Config&, Value from, Value to) {
    return toggles(from, to);
  }
};

}  // namespace potomac::rtl
