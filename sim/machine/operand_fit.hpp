// Whether the PEs of a machine can take a pass's operands.
#pragma once

#include <string>

#include "rtl_models/arithmetic/accumulator.hpp"
#include "rtl_models/arithmetic/pot_code.hpp"
#include "sim/machine/architecture.hpp"

namespace potomac::sim {

// Whether a shell pattern matches a layer's name as the model has it: of "003-fc#2", a layer's
// third and second use, "fc".
bool matches_layer(const std::string& pattern, const std::string& layer);

// The number of the override that counts for a pass of a layer, in pe.overrides; none: -1.
int override_of(const PeConfig& pe, const std::string& layer, workloads::Pass pass);
// The PE's accumulator, as that override changes it (-1: as it is).
rtl::AccumulatorConfig accumulator_of(const PeConfig& pe, int override_number);

// The deepest reduction that `lsb: auto` reckons with: of the pass's GEMMs as phases, padding
// included, whatever the machine's lowering.
std::int64_t deepest_reduction(const workloads::LayerShape& layer, workloads::Pass pass);

// The PE's accumulator for a pass of a layer with operands of these formats. Throws InputError,
// naming what would work, if a tensor is wider than pe.operand_bits or if the accumulator cannot
// hold one largest product.
rtl::Accumulator require_fit(const Architecture& architecture, const workloads::LayerShape& layer,
                             workloads::Pass pass, rtl::PotFormat first, rtl::PotFormat second);

}  // namespace potomac::sim
