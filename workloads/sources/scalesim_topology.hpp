// Topologies of SCALE-Sim (CSV): convolutions or GEMMs, a row each, read as that simulator reads
// them, so that cycles can be laid side by side.
//
//   conv   Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num
//   Filter,
//          Strides,[N:M,]     output ceil((H - kh + stride) / stride): a last window that hangs
//                             over the edge counts, and is held by padding below and to the right;
//                             "DP" in the name: a convolution of each channel alone
//   GEMM   Layer, M, N, K,
#pragma once

#include <filesystem>
#include <string>

#include "workloads/sources/extent_expression.hpp"
#include "workloads/sources/shape_workload.hpp"

namespace potomac::workloads {

// `bound` may bind "batch" (images at once; the file has one), which only convolutions have. The
// first convolution has no backward-data. Throws InputError (file and line): a header that is
// neither, a row that is too short or holds no number, N:M sparsity, which is not simulated.
ShapeWorkload load_scalesim_topology(const std::filesystem::path& path, const Dimensions& bound);
ShapeWorkload parse_scalesim_topology(const std::string& text, const std::filesystem::path& path,
                                      const Dimensions& bound);

}  // namespace potomac::workloads
