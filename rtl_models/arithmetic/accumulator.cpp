#include "rtl_models/arithmetic/accumulator.hpp"

#include <fmt/format.h>

#include <string>

#include "support/error.hpp"

namespace potomac::rtl {

Accumulator resolve(const AccumulatorConfig& config, PotFormat first, PotFormat second) {
  const int exact = exact_lsb(first, second);
  const Accumulator accumulator{config.bits, config.lsb.value_or(exact), config.overflow};
  // Bit position of the largest product. Its positive value needs one bit more, and the sign one.
  const int top_exponent = -exact;
  const int top = top_exponent - accumulator.lsb;
  if (top <= accumulator.bits - 2) {
    return accumulator;
  }
  const int needed_bits = top + 2;
  const int needed_lsb = top_exponent - (accumulator.bits - 2);
  const std::string by_lsb = fmt::format("pe.accumulator.lsb to {} or more", needed_lsb);
  const std::string remedy =
      needed_bits <= kMaxAccumulatorBits
          ? fmt::format("set pe.accumulator.bits to {} or more, or {}", needed_bits, by_lsb)
          : fmt::format("set {}", by_lsb);
  throw InputError(
      {"", "pe.accumulator",
       fmt::format("{} bits with lsb {} cannot hold 2^{}, the largest product of a "
                   "{}-bit and a {}-bit code",
                   accumulator.bits, accumulator.lsb, top_exponent, first.bits(), second.bits()),
       remedy});
}

}  // namespace potomac::rtl
