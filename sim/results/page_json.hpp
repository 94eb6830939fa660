// What a page shows of runs or of a sweep, as JSON: all of it, and what is said of its columns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "sim/results/report_json.hpp"
#include "sim/results/sweep_table.hpp"

namespace potomac::sim {

// A page has this many passes of all runs together; of more, the first ones. Totals are of all.
inline constexpr std::size_t kMostPagePasses = 5000;
// And this many slices of each track of its timelines.
inline constexpr std::size_t kMostPageSlices = 4000;
// A sweep's page has this many points; of more, the first ones.
inline constexpr std::size_t kMostPagePoints = 20000;
// An array of more PEs than these has no heat map.
inline constexpr std::int64_t kMostPagePes = 65536;

// {"runs": [{"name", the report's keys, "labels": of its machines by id, "dram_gb_s": DRAM's
// bandwidth or null, "passes_not_shown", "timeline": of the longest pass, or null, "pe_map"
// and "frames": or null}],
// "columns": {"machine": [{"path", "unit", "meaning"}], "energy": [...]},
// "components": [{"name", "label"}], "docs": the address of the documentation, or null}
//
// A timeline is {"pass", "begin", "cycles", "machines": [{"machine", "shown_until": null or the
// cycle from which on slices are left out, "tracks": [{"name", "slices": [[begin, end, name,
// facts]]}]}]}, a PE map {"pass", "rows", "cols", "too_large", "machines": [{"machine", and row by
// row "macs", "gated", "toggles", or null}]}.
std::string page_json(std::span<const NamedRun> runs);

// {"sweep": {"name", "columns": [{"name", "unit", "meaning", "parameter"}], "columns_left_out",
// "rows_left_out", "rows": [[a number, a text, or null where nothing is known]]}, "docs"}
std::string page_json(const SweepTable& sweep);

}  // namespace potomac::sim
