#include "sim/reports/side_by_side.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "energy/pricing/operation_accounting.hpp"
#include "sim/reports/comparison_table.hpp"
#include "sim/reports/html_page.hpp"
#include "sim/reports/layers_csv.hpp"
#include "sim/reports/run_table.hpp"
#include "support/error.hpp"

namespace potomac::sim {
namespace {

// "horowitz-45nm (structural)": what MF-MAC was priced by.
std::vector<std::string> prices_of(const RunResult& run) {
  std::vector<std::string> names;
  for (const energy::EnergyReport& energy : run.energy) {
    if (energy.machine == run.machines[kMfMacMachine].id) {
      names.push_back(fmt::format("{} ({})", energy.table, energy.accounting));
    }
  }
  return names;
}

void require_same_prices(std::span<const NamedRun> runs, const AskedPrices& asked) {
  for (const NamedRun& named : runs) {
    if (prices_of(named.run) != prices_of(runs.front().run)) {
      throw InputError(
          {named.name, "energy",
           fmt::format("is priced by other tables or accountings, {}, than {}, {}",
                       fmt::join(prices_of(named.run), ", "), runs.front().name,
                       fmt::join(prices_of(runs.front().run), ", ")),
           fmt::format("choose with {} and {}", asked.option_for_tables, asked.where)});
    }
  }
}

}  // namespace

void price_alike(std::span<NamedRun> runs, const AskedPrices& asked) {
  const Prices prices{asked.tables,
                      accountings_for(asked.accounting.empty() ? energy::kOperationAccounting
                                                               : std::string_view(asked.accounting),
                                      asked.where)};
  for (NamedRun& named : runs) {
    if (!asked.tables.empty()) {
      price(named.run, prices);
    } else if (!asked.accounting.empty() && !keep_accountings(named.run, prices.accountings)) {
      throw InputError({named.name, fmt::format("{} {}", asked.where, asked.accounting),
                        "the run was not priced so",
                        fmt::format("name a table to price it by: {}", asked.option_for_tables)});
    }
  }
  require_same_prices(runs, asked);
}

std::string report_text(std::span<const NamedRun> runs, ReportFormat format, TextForm form) {
  const RunResult& first = runs.front().run;
  const bool alone = runs.size() == 1;
  const auto tables = [&](TextForm of) {
    return alone ? run_table(first, of) : comparison_table(runs, of);
  };
  switch (format) {
    case ReportFormat::kTable:
      return tables(form);
    case ReportFormat::kCsv:
      return alone ? layers_csv(first) : comparison_csv(runs);
    case ReportFormat::kJson:
      return alone ? report_json(first) : comparison_json(runs);
    case ReportFormat::kMarkdown:
      return tables(TextForm::kMarkdown);
    case ReportFormat::kLatex:
      return as_latex(tables(TextForm::kLatex));
    case ReportFormat::kHtml:
      break;
  }
  return html_page(runs);
}

}  // namespace potomac::sim
