// `potomac report`: stored runs shown again, alone or side by side, priced by any table, without
// simulating.
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <iostream>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "sim/cli/commands.hpp"
#include "sim/reports/accelergy.hpp"
#include "sim/reports/html_page.hpp"
#include "sim/reports/side_by_side.hpp"
#include "sim/reports/sweep_answer.hpp"
#include "sim/results/open_sweep.hpp"
#include "sim/results/page_json.hpp"
#include "sim/results/report_reader.hpp"
#include "sim/results/sweep_query.hpp"
#include "sim/studies/shipped.hpp"
#include "support/atomic_file.hpp"
#include "support/error.hpp"
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
  std::string columns;
  std::string where;
  std::string sort;
  std::string pareto;
  std::optional<std::size_t> limit;
  std::string accelergy;
};

// The names in a list; commas within brackets are theirs:
// "energy[mf_mac,horowitz-45nm,structural]".
std::vector<std::string> names_in(std::string_view list) {
  std::vector<std::string> names;
  std::string name;
  bool bracket = false;
  for (const char c : list) {
    bracket = c == '[' || (bracket && c != ']');
    if (c == ',' && !bracket) {
      names.push_back(std::exchange(name, {}));
    } else {
      name += c;
    }
  }
  names.push_back(name);
  return names;
}

void write_and_say(const ReportArguments& arguments, const std::string& page) {
  write_page(arguments.html, page);
  std::cout << fmt::format("page: {}\n", printable(arguments.html, kWhole));
}

ReportFormat format_of(const ReportArguments& arguments) {
  std::map<std::string, ReportFormat> formats;
  for (std::size_t i = 0; i < kReportFormats.size(); ++i) {
    formats.emplace(kReportFormats.at(i), static_cast<ReportFormat>(i));
  }
  return choose("--format", arguments.format, formats);
}

SweepQuery query_of(const ReportArguments& arguments) {
  const auto names = [](const std::string& list) {
    return list.empty() ? std::vector<std::string>() : names_in(list);
  };
  return {.where = arguments.where,
          .sort = names(arguments.sort),
          .pareto = names(arguments.pareto),
          .columns = names(arguments.columns),
          .limit = arguments.limit};
}

// What is asked of a sweep, as text or as a page.
void show_sweep(const ReportArguments& arguments) {
  const std::string& sweep = arguments.runs.front();
  if (arguments.runs.size() > 1) {
    throw InputError(
        {printable(sweep, kWhole), "", "one sweep is shown at a time", "name it alone"});
  }
  if (!arguments.tables.empty() || !arguments.accounting.empty()) {
    throw InputError({printable(sweep, kWhole), "",
                      "a sweep's points are shown as they were priced",
                      "leave out --energy and --accounting"});
  }
  const SweepQuery query = query_of(arguments);
  const ReportFormat format = format_of(arguments);
  if (arguments.html.empty() && format != ReportFormat::kHtml) {
    // Tables are for people, who ask for the front; the others have all points, marked.
    const bool front_alone = format != ReportFormat::kCsv && format != ReportFormat::kJson;
    std::cout << sweep_answer(ask_sweep(*open_sweep(sweep), query, front_alone), format,
                              text_form_of_terminal());
    return;
  }
  if (query.asks()) {
    throw InputError({"", "--where, --sort, --pareto, --limit", "choose what a table has",
                      "leave them out: a page asks for itself"});
  }
  const std::string page = html_page(table_of(*open_sweep(sweep), query.columns, kMostPagePoints));
  if (arguments.html.empty()) {
    std::cout << page;
    return;
  }
  check_outputs(std::vector<Output>{{arguments.html, "--html"}},
                std::vector<std::filesystem::path>{sweep_file(sweep),
                                                   std::filesystem::path(sweep) / "sweep.csv"});
  write_and_say(arguments, page);
}

// One run as action counts and energy reference tables, by one table: that of --energy, or the
// first that it was priced by.
void write_accelergy(const ReportArguments& arguments) {
  if (arguments.runs.size() > 1 || arguments.tables.size() > 1) {
    throw InputError({"", "--accelergy", "writes one run, priced by one table",
                      "name one folder, and one --energy TABLE"});
  }
  const RunResult run = load_report(arguments.runs.front());
  const std::string table =
      arguments.tables.empty() ? run.energy.front().table : arguments.tables.front();
  const std::string accounting =
      arguments.accounting.empty() ? run.energy.front().accounting : arguments.accounting;
  const auto tables = energy::load_unit_energy_tables(table_files({table}));
  const std::vector<NamedContent> files =
      accelergy_files(run, tables.front(), *accountings_for(accounting, "--accounting").front(),
                      arguments.accelergy);
  std::vector<Output> outputs;
  outputs.reserve(files.size());
  for (const NamedContent& file : files) {
    outputs.push_back({file.target, "--accelergy"});
  }
  check_outputs(outputs, std::vector<std::filesystem::path>{report_file(arguments.runs.front())});
  for (const NamedContent& file : files) {
    make_folder_of(file.target);
  }
  write_files_atomically(files);
  for (const NamedContent& file : files) {
    std::cout << fmt::format("{}\n", printable(file.target.string(), kWhole));
  }
}

void execute(const ReportArguments& arguments) {
  if (!arguments.accelergy.empty()) {
    write_accelergy(arguments);
    return;
  }
  const bool is_asked = !arguments.columns.empty() || query_of(arguments).asks();
  if (std::ranges::any_of(arguments.runs,
                          [&](const std::string& name) { return is_sweep(name, is_asked); })) {
    show_sweep(arguments);
    return;
  }
  if (is_asked) {
    throw InputError({"", "--columns, --where, --sort, --pareto, --limit",
                      "ask something of a sweep",
                      "name a folder that `potomac sweep` wrote, or leave them out"});
  }
  const ReportFormat format = format_of(arguments);
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
    write_and_say(arguments, html_page(runs));
    return;
  }
  std::cout << report_text(runs, format, text_form_of_terminal());
}

}  // namespace

void add_report_command(CLI::App& app) {
  auto arguments = std::make_shared<ReportArguments>();
  CLI::App* command = app.add_subcommand(
      "report", "Show stored runs again, one or several side by side, priced by any table");
  command
      ->add_option("DIR", arguments->runs,
                   "folders that runs wrote, or their report.json; or one that a sweep wrote")
      ->required();
  command
      ->add_option("--energy", arguments->tables,
                   "price by this table, by name or file, instead of those of the run; may be "
                   "repeated")
      ->option_text("TABLE")
      ->take_all()
      ->expected(1);
  add_accounting_option(*command, arguments->accounting);
  CLI::Option* const accelergy =
      command->add_option("--accelergy", arguments->accelergy,
                          "write action counts and energy reference tables for Accelergy, a folder "
                          "a machine, and print no table");
  accelergy->option_text("DIR");
  CLI::Option* format = command->add_option("--format", arguments->format, "table is the default");
  format->option_text("table|csv|json|markdown|latex|html")->excludes(accelergy);
  command
      ->add_option("--html", arguments->html,
                   "write a page to look at, one file that needs nothing else, and print no table")
      ->option_text("FILE.html")
      ->excludes(format)
      ->excludes(accelergy);
  command
      ->add_option("--columns", arguments->columns,
                   "of a sweep: these columns of sweep.csv besides the parameters")
      ->option_text("LIST");
  command
      ->add_option("--where", arguments->where,
                   "of a sweep: only points that fulfil this, as 'array.rows >= 32 and "
                   "array.dataflow = ws'")
      ->option_text("CONDITION");
  command
      ->add_option("--sort", arguments->sort,
                   "of a sweep: by these columns, each rising, or falling: 'NAME desc'")
      ->option_text("LIST");
  command
      ->add_option("--pareto", arguments->pareto,
                   "of a sweep: the points that none is better than in all of these, up to four "
                   "columns; less is better, or more: 'NAME max'")
      ->option_text("LIST");
  command->add_option("--limit", arguments->limit, "of a sweep: only the first N points")
      ->option_text("N")
      ->check(CLI::Range(std::size_t{1}, std::numeric_limits<std::size_t>::max()));
  command->footer("Example:\n  potomac report out/small out/large --energy horowitz-45nm");
  command->callback([arguments] { execute(*arguments); });
}

}  // namespace potomac::sim
