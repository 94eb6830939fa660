// The tiles, traffic and stalls of every pass of a workload, on a machine with a memory. They
// depend on shapes and widths alone; passes that are alike share one plan.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "sim/engines/interface/worker_pool.hpp"
#include "sim/machine/architecture.hpp"
#include "sim/memory/pass_memory.hpp"
#include "sim/results/pass_record.hpp"
#include "sim/results/selection.hpp"
#include "workloads/workload/workload.hpp"

namespace potomac::sim {

// Of one pass: the MF-MAC array's, and where the FP32 array runs the pass, its own and, if they
// are asked for, those of arrays with narrower operands.
struct PassPlans {
  PassMemory mf_mac;
  std::optional<PassMemory> baseline;
  std::map<int, PassMemory> others;  // by kOtherOperandBits
};

// How wide the operands and results of a pass are.
ElementBits mf_mac_bits(const Architecture& architecture, const workloads::Workload& workload,
                        std::size_t layer, workloads::Pass pass);
inline constexpr ElementBits kFp32Bits{32, 32, 32};
inline ElementBits other_bits(int operand_bits) {
  return {operand_bits, operand_bits, 32};
}

// Throws InputError if a scratchpad cannot hold one fold of a pass that is selected.
void require_memory(const Architecture& architecture, const workloads::Workload& workload,
                    const Selection& selection);

class MemoryPlans {
 public:
  // Plans all that is selected, side by side; nothing if the architecture has no memory. Throws
  // InputError as require_memory() does.
  MemoryPlans(const workloads::Workload& workload, const Architecture& architecture,
              const Selection& selection, WorkerPool& pool, bool others = false);

  // Null if there is no memory. Precondition: the pass is selected.
  const PassPlans* find(std::size_t layer, workloads::Pass pass) const;

 private:
  std::map<std::pair<std::size_t, workloads::Pass>, const PassPlans*> by_pass_;
  std::map<std::string, std::unique_ptr<PassPlans>> plans_;  // by all that they depend on
};

}  // namespace potomac::sim
