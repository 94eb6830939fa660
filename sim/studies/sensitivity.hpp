// How the saving of MF-MAC moves as one thing after the other is changed: what it is compared with,
// what is counted, and the machine.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/studies/run.hpp"

namespace potomac::sim {

// The figures of one machine; what is not known is empty.
struct SensitivityFigure {
  std::string machine;
  std::optional<double> energy_pj;
  std::uint64_t cycles = 0;
};

struct SensitivityRow {
  std::string change;
  std::string refusal;  // why the changed machine cannot run the workload; else empty
  std::vector<SensitivityFigure> figures;  // mf_mac, fp32_mac, int8_mac; none where it is refused
};

// The machine as it is in front, then each change by itself, by the `structural` accounting of one
// table, against INT8 besides. Of the options, `prices` has that table alone. Throws InputError as
// run() does, and if the machine has no memory.
std::vector<SensitivityRow> sensitivity(const workloads::Workload& workload,
                                        const RunOptions& options, const Caller& caller);

}  // namespace potomac::sim
