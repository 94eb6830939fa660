#include "sim/plan/engine_choice.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "support/error.hpp"

namespace potomac::sim {

const EngineInfo& engine_for(const workloads::Workload& workload, const std::string& asked) {
  const bool has_values = workload.info().values != workloads::ValueSource::kNone;
  if (asked.empty()) {
    return has_values ? engine_named("fast") : closed_form_engine();
  }
  const EngineInfo* const engine = find_engine(asked);
  if (engine == nullptr) {
    throw InputError({"", "engine", fmt::format("there is no '{}'", asked),
                      fmt::format("choose from {}", fmt::join(engine_names(), ", "))});
  }
  if (engine->needs_values && !has_values) {
    throw InputError(
        {workload.path().string(), "",
         fmt::format("has shapes but no values, and engine {} computes with values", engine->name),
         "use engine count, or draw values: potomac trace synth"});
  }
  return *engine;
}

}  // namespace potomac::sim
