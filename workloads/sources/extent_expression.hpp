// Extents as a model description writes them: whole numbers, names of dimensions, + - * / and
// brackets ("batch * heads", "(length + 1) / 2").
#pragma once

#include <cstdint>

#include "support/yaml_reader.hpp"
#include "workloads/workload/workload.hpp"

namespace potomac::workloads {

// Throws InputError at `value`: not such an expression, an unknown name (the known ones are
// listed, and how one is bound), a division that leaves a rest, a result that does not fit 64 bits.
std::int64_t evaluate(const YamlValue& value, const Dimensions& dimensions);

// The same, and the result must lie in [low, high].
std::int64_t evaluate(const YamlValue& value, const Dimensions& dimensions, std::int64_t low,
                      std::int64_t high);

}  // namespace potomac::workloads
