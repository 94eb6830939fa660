// Runs, or a sweep, as a page for people: one HTML file that needs nothing else, neither beside it
// nor from a network. Its numbers are those of the reports, which are in it whole, or of the
// sweep's rows; its scripts draw them.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "sim/results/report_json.hpp"
#include "sim/results/sweep_csv.hpp"

namespace potomac::sim {

// Precondition: at least one run, all priced alike.
std::string html_page(std::span<const NamedRun> runs);
// A sweep's points likewise.
std::string html_page(const SweepTable& sweep);

// Writes a page, and makes its folder where it is missing. Throws InputError or MachineError.
void write_page(const std::filesystem::path& file, std::string_view page);

}  // namespace potomac::sim
