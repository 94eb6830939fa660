// `potomac models`: the networks that ship, with what they hold and who says so.
#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sim/cli/commands.hpp"
#include "sim/cli/workload_options.hpp"
#include "sim/reports/text_table.hpp"
#include "sim/results/json_tree.hpp"
#include "sim/results/si_units.hpp"
#include "support/plain_text.hpp"
#include "workloads/layers/gemm_shape.hpp"
#include "workloads/sources/model_description.hpp"

namespace potomac::sim {
namespace {

struct ModelsArguments {
  WorkloadArguments workload;
  std::string format = "table";
};

struct ModelLine {
  std::string name;
  workloads::ModelDescription model;
  std::uint64_t forward = 0;  // MACs
  std::uint64_t step = 0;     // MACs of all three passes
};

// A dimension that a model does not have does not bind there: --length says nothing of ResNet-50.
workloads::ModelDescription load(const std::filesystem::path& file,
                                 const workloads::Dimensions& wanted) {
  const workloads::Dimensions own = workloads::load_model(file, {}).dimensions;
  workloads::Dimensions bound;
  for (const auto& [name, extent] : wanted) {
    if (own.contains(name)) {
      bound.emplace(name, extent);
    }
  }
  return workloads::load_model(file, bound);
}

std::vector<ModelLine> lines_of(const workloads::Dimensions& dimensions) {
  const ShippedFiles models = shipped_models();
  std::vector<ModelLine> lines;
  for (const std::string& name : models.names()) {
    ModelLine line{.name = name, .model = load(models.find(name), dimensions)};
    for (const workloads::LayerShape& layer : line.model.workload.layers()) {
      for (const workloads::Pass pass : workloads::passes_of(layer)) {
        const auto macs =
            static_cast<std::uint64_t>(workloads::macs_of(workloads::gemms_of(layer, pass, {})));
        line.step += macs;
        line.forward += pass == workloads::Pass::kForward ? macs : 0;
      }
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string table_of(const std::vector<ModelLine>& lines) {
  TextTable table({"name", "parameters", "forward", "training step", "dimensions"}, 1);
  std::string sources;
  for (const ModelLine& line : lines) {
    table.add({line.name, si_count(static_cast<std::uint64_t>(line.model.parameters)),
               si_count(line.forward), si_count(line.step),
               workloads::text_of(line.model.dimensions)});
    sources += paragraph(fmt::format("{}: {}", line.name, line.model.published.source));
  }
  return fmt::format(
      "{}\nMACs at these dimensions. Published counts that ours are tested "
      "against:\n{}",
      table.text(text_form_of_terminal()), sources);
}

std::string json_of(const std::vector<ModelLine>& lines) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const ModelLine& line : lines) {
    json.push_back({{"name", line.name},
                    {"model", line.model.workload.info().model},
                    {"file", line.model.workload.path().string()},
                    {"dimensions", dimensions_json(line.model.dimensions)},
                    {"layers", line.model.workload.layers().size()},
                    {"parameters", line.model.parameters},
                    {"forward_macs", line.forward},
                    {"training_step_macs", line.step},
                    {"source", line.model.published.source}});
  }
  return json_text(json);
}

void execute(const ModelsArguments& arguments) {
  enum class Format { kTable, kJson };
  const auto format = choose<Format>("--format", arguments.format,
                                     {{"table", Format::kTable}, {"json", Format::kJson}});
  const std::vector<ModelLine> lines = lines_of(dimensions_of(arguments.workload));
  std::cout << (format == Format::kJson ? json_of(lines) : table_of(lines));
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
