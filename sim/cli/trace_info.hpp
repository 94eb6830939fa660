// What a trace holds, for `potomac trace info`: its origin, and of each layer the GEMMs it becomes
// and how its codes are spread.
#pragma once

#include <iosfwd>

#include "workloads/sources/trace_reader.hpp"

namespace potomac::sim {

enum class TraceInfoFormat { kTable, kJson };

// Reads the trace layer by layer and prints to `out` as it goes (table), or all at the end (JSON).
// The table fits 100 columns, long names aside. Throws InputError as TraceReader::read() does.
void print_trace_info(const workloads::TraceReader& trace, TraceInfoFormat format,
                      std::ostream& out);

}  // namespace potomac::sim
