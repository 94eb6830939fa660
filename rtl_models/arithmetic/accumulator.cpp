#include "rtl_models/arithmetic/accumulator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <string>

#include "support/error.hpp"

namespace potomac::rtl {

namespace {

int lsb_of(const AccumulatorConfig& config, int top_exponent, std::int64_t depth) {
  if (config.lsb.is_exact()) {
    return -top_exponent;
  }
  if (!config.lsb.is_auto()) {
    return config.lsb.fixed();
  }
  const auto deepest = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(depth)));
  const int lsb = std::max(-top_exponent, top_exponent + deepest - config.bits + 1);
  if (lsb > top_exponent) {
    throw InputError({"", "pe.accumulator",
                      fmt::format("{} bits with lsb auto cannot hold {} products of up to 2^{}",
                                  config.bits, depth, top_exponent),
                      fmt::format("set pe.accumulator.bits to {} or more, or a lsb", deepest + 1)});
  }
  return lsb;
}

}  // namespace

Accumulator resolve(const AccumulatorConfig& config, PotFormat first, PotFormat second,
                    std::int64_t depth) {
  const int exact = exact_lsb(first, second);
  const Accumulator accumulator{config.bits, lsb_of(config, -exact, depth), config.overflow};
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
