// Whether the PEs of a machine can take a pass's operands.
#pragma once

#include <string>

#include "rtl_models/arithmetic/accumulator.hpp"
#include "rtl_models/arithmetic/pot_code.hpp"
#include "sim/machine/architecture.hpp"

namespace potomac::sim {

// The PE's accumulator for operands of these formats. Throws InputError, naming what would work, if
// a tensor is wider than pe.operand_bits or if the accumulator cannot hold one largest product.
rtl::Accumulator require_fit(const Architecture& architecture, const std::string& layer,
                             rtl::PotFormat first, rtl::PotFormat second);

}  // namespace potomac::sim
