// A timeline as Chrome trace events, which Perfetto (ui.perfetto.dev) and chrome://tracing show.
#pragma once

#include <string>

#include "sim/results/timeline.hpp"

namespace potomac::sim {

// A process for each machine, a thread for each track. A microsecond on its axis is one cycle of
// the arrays.
std::string timeline_json(const Timeline& timeline);

// What was written to a file, and what was left out, as a line each.
std::string timeline_text(const Timeline& timeline, const std::string& file);

}  // namespace potomac::sim
