#include "sim/cli/stored_sweep_output.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <filesystem>
#include <iostream>
#include <span>

#include "sim/cli/commands.hpp"
#include "sim/reports/sweep_export.hpp"
#include "sim/reports/sweep_summary.hpp"
#include "sim/results/store/stored_sweep.hpp"
#include "support/plain_text.hpp"

namespace potomac::sim {

void export_and_show(const std::string& folder, const std::string& note) {
  const StoredSweep sweep(folder);
  SweepSummary summary(sweep);
  write_sweep_csv(
      sweep, std::filesystem::path(folder) / "sweep.csv",
      [&](std::size_t point, std::span<const Cell> cells) { summary.add(point, cells); });
  std::cout << fmt::format("{}\n{} points, {} refused{}\nresults: {}/sweep.csv\n",
                           summary.text(text_form_of_terminal()), summary.points(),
                           summary.refused(), note, printable(folder, kWhole));
}

}  // namespace potomac::sim
