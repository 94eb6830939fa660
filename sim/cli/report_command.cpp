// `potomac report`: stored runs shown again, alone or side by side, priced by any table, without
// simulating.
#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "energy/pricing/operation_accounting.hpp"
#include "sim/cli/commands.hpp"
#include "sim/reports/comparison_table.hpp"
#include "sim/reports/layers_csv.hpp"
#include "sim/reports/run_table.hpp"
#include "sim/results/pricing.hpp"
#include "sim/results/report_json.hpp"
#include "sim/results/report_reader.hpp"
#include "support/error.hpp"
#include "support/plain_text.hpp"

namespace potomac::sim {
namespace {

struct ReportArguments {
  std::vector<std::string> runs;
  std::vector<std::string> tables;
  std::string accounting;
  std::string format = "table";
};

enum class ReportFormat { kTable, kCsv, kJson, kMarkdown };

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

void require_same_prices(const std::vector<NamedRun>& runs) {
  for (const NamedRun& named : runs) {
    if (prices_of(named.run) != prices_of(runs.front().run)) {
      throw InputError({named.name, "energy",
                        fmt::format("is priced by other tables or accountings, {}, than {}, {}",
                                    fmt::join(prices_of(named.run), ", "), runs.front().name,
                                    fmt::join(prices_of(runs.front().run), ", ")),
                        "choose with --energy TABLE and --accounting"});
    }
  }
}

std::string text_of_run(const RunResult& run, ReportFormat format) {
  switch (format) {
    case ReportFormat::kTable:
      return run_table(run, text_form_of_terminal());
    case ReportFormat::kCsv:
      return layers_csv(run);
    case ReportFormat::kJson:
      return report_json(run);
    case ReportFormat::kMarkdown:
      break;
  }
  return run_table(run, TextForm::kMarkdown);
}

std::string text_of_runs(const std::vector<NamedRun>& runs, ReportFormat format) {
  switch (format) {
    case ReportFormat::kTable:
      return comparison_table(runs, text_form_of_terminal());
    case ReportFormat::kCsv:
      return comparison_csv(runs);
    case ReportFormat::kJson:
      return comparison_json(runs);
    case ReportFormat::kMarkdown:
      break;
  }
  return comparison_table(runs, TextForm::kMarkdown);
}

void execute(const ReportArguments& arguments) {
  const auto format = choose<ReportFormat>("--format", arguments.format,
                                           {{"table", ReportFormat::kTable},
                                            {"csv", ReportFormat::kCsv},
                                            {"json", ReportFormat::kJson},
                                            {"markdown", ReportFormat::kMarkdown}});
  const std::vector<energy::UnitEnergyTable> tables =
      energy::load_unit_energy_tables(table_files(arguments.tables));
  const Prices prices{
      tables, accountings_for(arguments.accounting.empty() ? energy::kOperationAccounting
                                                           : std::string_view(arguments.accounting),
                              "--accounting")};
  std::vector<NamedRun> runs;
  for (const std::string& name : arguments.runs) {
    NamedRun& named = runs.emplace_back(NamedRun{printable(name, kWhole), load_report(name)});
    if (!tables.empty()) {
      price(named.run, prices);
    } else if (!arguments.accounting.empty() && !keep_accountings(named.run, prices.accountings)) {
      throw InputError({named.name, fmt::format("--accounting {}", arguments.accounting),
                        "the run was not priced so",
                        "name a table to price it by: --energy TABLE"});
    }
  }
  require_same_prices(runs);
  std::cout << (runs.size() == 1 ? text_of_run(runs.front().run, format)
                                 : text_of_runs(runs, format));
}

}  // namespace

void add_report_command(CLI::App& app) {
  auto arguments = std::make_shared<ReportArguments>();
  CLI::App* command = app.add_subcommand(
      "report", "Show stored runs again, one or several side by side, priced by any table");
  command->add_option("DIR", arguments->runs, "folders that runs wrote, or their report.json")
      ->required();
  command
      ->add_option("--energy", arguments->tables,
                   "price by this table, by name or file, instead of those of the run; may be "
                   "repeated")
      ->option_text("TABLE")
      ->take_all()
      ->expected(1);
  add_accounting_option(*command, arguments->accounting);
  command->add_option("--format", arguments->format, "table is the default")
      ->option_text("table|csv|json|markdown");
  command->footer("Example:\n  potomac report out/small out/large --energy horowitz-45nm");
  command->callback([arguments] { execute(*arguments); });
}

}  // namespace potomac::sim
