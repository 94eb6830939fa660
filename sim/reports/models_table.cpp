#include "sim/reports/models_table.hpp"

#include <fmt/format.h>

#include "sim/results/si_units.hpp"

namespace potomac::sim {

std::string models_table(std::span<const ModelSummary> models, TextForm form) {
  TextTable table({"name", "parameters", "forward", "training step", "dimensions"}, 1);
  std::string sources;
  for (const ModelSummary& model : models) {
    table.add({model.name, si_count(static_cast<std::uint64_t>(model.parameters)),
               si_count(model.forward_macs), si_count(model.training_step_macs),
               workloads::text_of(model.dimensions)});
    sources += paragraph(fmt::format("{}: {}", model.name, model.source));
  }
  return fmt::format(
      "{}\nMACs at these dimensions. Published counts that ours are tested "
      "against:\n{}",
      table.text(form), sources);
}

}  // namespace potomac::sim
