// Results shown again, alone or side by side, priced by any table: `potomac report`.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/reports/text_table.hpp"
#include "sim/results/pricing.hpp"
#include "sim/results/report_json.hpp"

namespace potomac::sim {

enum class ReportFormat { kTable, kCsv, kJson, kMarkdown, kLatex, kHtml };
inline constexpr std::array<std::string_view, 6> kReportFormats = {"table",    "csv",   "json",
                                                                   "markdown", "latex", "html"};

// What results are to be priced by, as somebody asked for it.
struct AskedPrices {
  std::vector<energy::UnitEnergyTable> tables;  // none: those that each was priced by
  std::string accounting;                       // empty: each as it was, by `operation` of tables
  std::string_view where;                       // the accounting was written: "--accounting"
  std::string_view option_for_tables;           // "--energy TABLE"
};
// Throws InputError: an unknown accounting; no table, and a run that was not priced so; runs that
// are not all priced by the same.
void price_alike(std::span<NamedRun> runs, const AskedPrices& asked);

// One run as it was shown, or several side by side. `form`: of a table. Precondition: at least one,
// priced alike.
std::string report_text(std::span<const NamedRun> runs, ReportFormat format, TextForm form);

}  // namespace potomac::sim
