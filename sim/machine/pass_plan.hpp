// All that is decided of a pass on a machine before it runs. It is made once (sim/plan); engines,
// memory and results read it, and derive nothing of it again.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "rtl_models/arithmetic/accumulator.hpp"
#include "sim/machine/machine.hpp"
#include "sim/machine/schedule.hpp"
#include "workloads/layers/gemm_shape.hpp"

namespace potomac::sim {

struct PassPlan {
  // The layer; where passes that are alike share the plan, one of theirs. It must outlive the plan.
  const workloads::LayerShape* layer = nullptr;
  workloads::Pass pass = workloads::Pass::kForward;
  const Machine* machine = nullptr;
  // Whether the machine has the pass: an activation's second power is MF-MAC's alone. If not, the
  // schedule has no GEMM.
  bool runs = true;
  // The widths of what moves: codes at their tensors' width or a unit's operands, results at the
  // accumulator's.
  int first_bits = 0;
  int second_bits = 0;
  int result_bits = 0;
  rtl::Accumulator accumulator;  // MF-MAC's
  std::uint64_t macs = 0;
  // MACs with an operand that is padding or a hole, whatever the values.
  std::uint64_t structural_zero_macs = 0;
  // The pass's GEMMs, and with a memory their tiles. Machines whose folds are the same share it.
  std::shared_ptr<const Schedule> schedule;
};

}  // namespace potomac::sim
