// What the arithmetic of one MAC of each unit is made of, and which entry of a table prices it.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "energy/counts/actions.hpp"
#include "energy/pricing/energy_report.hpp"
#include "energy/pricing/price_list.hpp"

namespace potomac::energy {

// How wide an integer addition is: as the exponents are, or as the accumulator is.
enum class AddWidth { kNone, kExponent, kAccumulator };

struct MacOperation {
  std::string_view action;  // a name of kActions; empty: none
  Count ActionCounts::*fired = nullptr;
  std::string_view entry;            // of the table; empty: an integer addition
  AddWidth width = AddWidth::kNone;  // of an integer addition
};

struct MacArithmetic {
  std::string_view unit;   // the name of the unit, and of a machine of it
  std::string_view label;  // for people, with what it accumulates in
  std::array<MacOperation, kMostMacOperations> operations;
};

// All of them, from the FP32 MAC down to MF-MAC. Narrow floats are summed in binary32, integers in
// 32 bits.
std::span<const MacArithmetic> mac_arithmetics();
// Precondition: there is a unit of that name.
const MacArithmetic& mac_arithmetic(std::string_view unit);

// One MAC that sums integers that wide. Nothing if the table lacks an entry, which `missing` then
// names. Precondition: the unit has no exponent adder.
std::optional<double> try_mac_pj(PriceList& prices, const MacArithmetic& mac, int sum_bits,
                                 std::string& missing);

}  // namespace potomac::energy
