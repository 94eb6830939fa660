// The work list of a study: the selected passes of a workload, in their order, and what their
// shapes are. It is made once for all machines that are tried on it. Passes that are alike (their
// tensors' extents and formats, their geometry) are one as far as a machine can tell.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/results/selection.hpp"
#include "workloads/layers/gemm_shape.hpp"
#include "workloads/layers/lowering.hpp"
#include "workloads/workload/workload.hpp"

namespace potomac::sim {

// What a pass is before a machine is in sight.
struct PassShape {
  const workloads::LayerShape* layer = nullptr;  // which must outlive it
  workloads::Pass pass = workloads::Pass::kForward;
  workloads::OperandFormats formats;
  std::vector<workloads::GemmShape> gemms;
  std::uint64_t macs = 0;
  std::uint64_t structural_zero_macs = 0;
};
PassShape shape_of(const workloads::LayerShape& layer, const workloads::LayerFormats& formats,
                   workloads::Pass pass, const workloads::Lowering& lowering);

struct PassItem {
  std::size_t layer = 0;  // position in the workload
  workloads::Pass pass = workloads::Pass::kForward;
  std::size_t distinct = 0;  // number of the pass that it is alike
  std::size_t number = 0;    // position in the list
};

class PassList {
 public:
  // The workload must outlive it. Throws InputError if nothing is selected.
  PassList(const workloads::Workload& workload, Selection selection);

  const workloads::Workload& workload() const { return *workload_; }
  const Selection& selection() const { return selection_; }
  const std::vector<PassItem>& items() const { return items_; }
  // One of each of the passes that are alike, by their number.
  const std::vector<PassShape>& distinct(const workloads::Lowering& lowering) const;
  const PassShape& shape(const PassItem& item, const workloads::Lowering& lowering) const {
    return distinct(lowering)[item.distinct];
  }
  const workloads::LayerShape& layer(const PassItem& item) const {
    return workload_->layers()[item.layer];
  }
  // The MACs of all items.
  std::uint64_t macs(const workloads::Lowering& lowering) const;

 private:
  const workloads::Workload* workload_;
  Selection selection_;
  std::vector<PassItem> items_;
  std::array<std::vector<PassShape>, 2> distinct_;  // by form of a strided backward-data
};

}  // namespace potomac::sim
