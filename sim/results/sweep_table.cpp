#include "sim/results/sweep_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "support/error.hpp"
#include "support/nearest_word.hpp"
#include "support/plain_text.hpp"

namespace potomac::sim {
namespace {

// What is shown where nobody chose: of MF-MAC and of what it is compared with.
bool is_shown_first(std::string_view name) {
  constexpr std::array<std::string_view, 5> kOfMachine = {
      "mf_mac_cycles_total", "mf_mac_cycles_stall", "mf_mac_time_s", "mf_mac_utilization",
      "mf_mac_actions_overflow"};
  return std::ranges::find(kOfMachine, name) != kOfMachine.end() ||
         name.starts_with("energy[mf_mac,") || name.starts_with("energy[fp32_mac,") ||
         name.starts_with("tops_per_w[mf_mac,") || name.starts_with("energy_delay_js[mf_mac,") ||
         name.starts_with("reduction[");
}

bool is_always_shown(const SweepSource& sweep, const std::string& name) {
  return name == "point" || name == "status" || name == "message" || sweep.is_parameter(name);
}

// The columns of a table: those of sweep.csv that are wanted, in its order, and others that were
// asked for, before the message.
std::vector<std::string> columns_of(const SweepSource& sweep, std::span<const std::string> asked) {
  std::vector<std::string> columns;
  for (const std::string& name : sweep.listed()) {
    const bool wanted =
        asked.empty() ? is_shown_first(name) : std::ranges::find(asked, name) != asked.end();
    if (wanted || is_always_shown(sweep, name)) {
      columns.push_back(name);
    }
  }
  for (const std::string& name : asked) {
    if (std::ranges::find(columns, name) == columns.end()) {
      columns.insert(columns.end() - 1, name);
    }
  }
  return columns;
}

}  // namespace

void require_columns(const SweepSource& sweep, std::span<const std::string> columns) {
  for (const std::string& name : columns) {
    if (std::ranges::find(sweep.columns(), name) == sweep.columns().end()) {
      const std::string nearest = nearest_word(name, sweep.columns());
      throw InputError({"", "", fmt::format("'{}' is no column of the sweep", printable(name)),
                        nearest.empty() ? "sweep.csv's first line has their names"
                                        : fmt::format("did you mean '{}'?", nearest)});
    }
  }
}

SweepTable table_of(const SweepSource& sweep, std::span<const std::string> columns,
                    std::size_t most_rows) {
  require_columns(sweep, columns);
  const std::vector<std::string> kept = columns_of(sweep, columns);
  SweepTable table;
  table.name = sweep.name();
  table.columns_left_out = sweep.columns().size() - kept.size();
  for (const std::string& name : kept) {
    table.columns.push_back({name, sweep.is_parameter(name)});
  }
  sweep.each(kept, [&](std::size_t /*point*/, std::span<const Cell> cells) {
    if (table.rows.size() < most_rows) {
      table.rows.emplace_back(cells.begin(), cells.end());
    } else {
      ++table.rows_left_out;
    }
  });
  if (table.rows.empty()) {
    throw InputError({sweep.name(), "", "has no point", "run the sweep first"});
  }
  return table;
}

}  // namespace potomac::sim
