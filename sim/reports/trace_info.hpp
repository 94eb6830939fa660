// What a trace holds, for `potomac trace info`: its origin, and of each layer the GEMMs it becomes
// and how its codes are spread.
#pragma once

#include <iosfwd>

#include "workloads/workload/workload.hpp"

namespace potomac::sim {

enum class TraceInfoFormat { kTable, kJson };

// Reads the workload layer by layer and prints to `out` as it goes (table), or all at the end
// (JSON). The table fits 100 columns, long names aside. Throws InputError as Workload::read() does.
void print_trace_info(const workloads::Workload& workload, TraceInfoFormat format,
                      std::ostream& out);

}  // namespace potomac::sim
