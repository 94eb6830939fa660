// How the saving of MF-MAC moves as one thing after the other is changed: what it is compared with,
// what is counted, and the machine.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/studies/run.hpp"

namespace potomac::sim {

struct SensitivityRow {
  std::string change;
  std::string refusal;  // why the changed machine cannot run the workload; else empty
  energy::MachinePair energy;
  std::optional<double> int8_pj;  // an array of INT8 MACs; empty where it is not known
  std::uint64_t cycles = 0;
  std::uint64_t baseline_cycles = 0;
};

// The machine as it is in front, then each change by itself, by the `structural` accounting of one
// table. Of the options, `engine` is `count`, and `tables` has that table alone. Throws InputError
// as run() does, and if the machine has no memory.
std::vector<SensitivityRow> sensitivity(const workloads::Workload& workload,
                                        const RunOptions& options);

}  // namespace potomac::sim
