// The GEMMs of a pass in a few words: "6272x64x288", "4*1568x32x64..256".
#pragma once

#include <span>
#include <string>

#include "workloads/layers/gemm_shape.hpp"

namespace potomac::sim {

// COUNT*MxNxK; an extent that differs between the GEMMs is a range.
std::string gemm_text(std::span<const workloads::GemmShape> gemms);

}  // namespace potomac::sim
