// `potomac models`: the networks that ship, with what they hold and who says so.
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "sim/cli/commands.hpp"
#include "sim/cli/workload_options.hpp"
#include "sim/reports/models_table.hpp"
#include "sim/results/model_summary.hpp"
#include "sim/studies/shipped.hpp"

namespace potomac::sim {
namespace {

struct ModelsArguments {
  WorkloadArguments workload;
  std::string format = "table";
};

void execute(const ModelsArguments& arguments) {
  enum class Format { kTable, kJson };
  const auto format = choose<Format>("--format", arguments.format,
                                     {{"table", Format::kTable}, {"json", Format::kJson}});
  const std::vector<ModelSummary> summaries = model_summaries(dimensions_of(arguments.workload));
  std::cout << (format == Format::kJson ? models_json(summaries)
                                        : models_table(summaries, text_form_of_terminal()));
}

}  // namespace

void add_models_command(CLI::App& app) {
  auto arguments = std::make_shared<ModelsArguments>();
  CLI::App* command =
      app.add_subcommand("models", "List the networks that ship: parameters, MACs, sources");
  add_dimension_options(*command, arguments->workload);
  command->add_option("--format", arguments->format, "table is the default")
      ->option_text("table|json");
  command->footer("Example:\n  potomac models --batch 32");
  command->callback([arguments] { execute(*arguments); });
}

}  // namespace potomac::sim
