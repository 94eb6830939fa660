// The GEMMs of a pass in a few words: "6272 x 64 x 288", "4 * 1568 x 32 x 64..256".
#pragma once

#include <span>
#include <string>

#include "workloads/layers/gemm_shape.hpp"

namespace potomac::sim {

// COUNT * M x N x K; an extent that differs between the GEMMs is a range.
std::string gemm_text(std::span<const workloads::GemmShape> gemms);

}  // namespace potomac::sim
