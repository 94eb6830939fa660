// The passes and layers of a workload that are wanted.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workloads/layers/gemm_shape.hpp"

namespace potomac::sim {

struct Selection {
  std::vector<std::string> layers{"*"};  // shell patterns over layer names: any may match
  std::vector<workloads::Pass> passes{workloads::kPasses.begin(), workloads::kPasses.end()};

  // The wanted ones of a layer's passes, in their order.
  std::vector<workloads::Pass> passes_of(const workloads::LayerShape& layer) const;
  // Whether anything is wanted of a workload.
  bool selects_any(const std::vector<workloads::LayerShape>& all) const;
  // How many of a workload's passes are not wanted.
  std::int64_t left_out_of(const std::vector<workloads::LayerShape>& all) const;
  // "layers '*conv*', '*fc*', passes forward": for messages and reports.
  std::string text() const;
  // The MACs of the wanted passes of one layer, or of all.
  std::uint64_t macs_of(const workloads::LayerShape& layer,
                        const workloads::Lowering& lowering) const;
  std::uint64_t macs_of(const std::vector<workloads::LayerShape>& all,
                        const workloads::Lowering& lowering) const;
};

}  // namespace potomac::sim
