// `potomac report`: stored runs shown again, alone or side by side, priced by any table, without
// simulating.
#include <fmt/format.h>

#include <cstddef>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sim/cli/commands.hpp"
#include "sim/reports/html_page.hpp"
#include "sim/reports/side_by_side.hpp"
#include "sim/results/report_reader.hpp"
#include "sim/studies/shipped.hpp"
#include "support/atomic_file.hpp"
#include "support/output_files.hpp"
#include "support/plain_text.hpp"

namespace potomac::sim {
namespace {

struct ReportArguments {
  std::vector<std::string> runs;
  std::vector<std::string> tables;
  std::string accounting;
  std::string format = "table";
  std::string html;
};

void execute(const ReportArguments& arguments) {
  std::map<std::string, ReportFormat> formats;
  for (std::size_t i = 0; i < kReportFormats.size(); ++i) {
    formats.emplace(kReportFormats.at(i), static_cast<ReportFormat>(i));
  }
  const ReportFormat format = choose("--format", arguments.format, formats);
  const AskedPrices asked{energy::load_unit_energy_tables(table_files(arguments.tables)),
                          arguments.accounting, "--accounting", "--energy TABLE"};
  if (!arguments.html.empty()) {
    std::vector<std::filesystem::path> inputs = table_files(arguments.tables);
    for (const std::string& run : arguments.runs) {
      inputs.push_back(report_file(run));
    }
    check_outputs(std::vector<Output>{{arguments.html, "--html"}}, inputs);
  }
  std::vector<NamedRun> runs;
  runs.reserve(arguments.runs.size());
  for (const std::string& name : arguments.runs) {
    runs.push_back({printable(name, kWhole), load_report(name)});
  }
  price_alike(runs, asked);
  if (!arguments.html.empty()) {
    make_folder_of(arguments.html);
    write_file_atomically(arguments.html, html_page(runs));
    std::cout << fmt::format("page: {}\n", printable(arguments.html, kWhole));
    return;
  }
  std::cout << report_text(runs, format, text_form_of_terminal());
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
  CLI::Option* format = command->add_option("--format", arguments->format, "table is the default");
  format->option_text("table|csv|json|markdown|latex");
  command
      ->add_option("--html", arguments->html,
                   "write a page to look at, one file that needs nothing else, and print no table")
      ->option_text("FILE.html")
      ->excludes(format);
  command->footer("Example:\n  potomac report out/small out/large --energy horowitz-45nm");
  command->callback([arguments] { execute(*arguments); });
}

}  // namespace potomac::sim
