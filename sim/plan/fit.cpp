#include "sim/plan/fit.hpp"

#include <fmt/format.h>

#include "support/error.hpp"

namespace potomac::sim {

using workloads::Pass;

rtl::Accumulator require_fit(const Architecture& architecture, const workloads::Workload& workload,
                             std::size_t layer, Pass pass) {
  const workloads::LayerFormats& formats = workload.formats()[layer];
  // The order of the two does not matter here.
  const workloads::TensorFormat& first = pass == Pass::kForward ? formats.a : formats.g;
  const workloads::TensorFormat& second = pass == Pass::kBackwardWeight ? formats.a : formats.w;
  try {
    return require_fit(architecture, workload.layers()[layer].name, rtl::PotFormat(first.bits),
                       rtl::PotFormat(second.bits));
  } catch (const InputError& error) {
    // What is wrong between a machine and a layer does not know the trace's file.
    Fault fault = error.fault();
    fault.file = workload.path().string();
    throw InputError(fault);
  }
}

void require_fit(const Architecture& architecture, const workloads::Workload& workload,
                 const Selection& selection) {
  for (std::size_t i = 0; i < workload.layers().size(); ++i) {
    for (const Pass pass : selection.passes_of(workload.layers()[i])) {
      require_fit(architecture, workload, i, pass);
    }
  }
  if (!selection.selects_any(workload.layers())) {
    throw InputError(
        {workload.path().string(), "", fmt::format("nothing is selected by {}", selection.text()),
         fmt::format("see its layers with: potomac trace info {}", workload.path().string())});
  }
}

EngineKind engine_for(const workloads::Workload& workload, std::optional<EngineKind> asked) {
  const bool has_values = workload.info().values != workloads::ValueSource::kNone;
  if (asked && *asked != EngineKind::kCount && !has_values) {
    throw InputError({workload.path().string(), "",
                      fmt::format("has shapes but no values, and engine {} computes with values",
                                  name_of(*asked)),
                      "use engine count, or draw values: potomac trace synth"});
  }
  return asked.value_or(has_values ? EngineKind::kFast : EngineKind::kCount);
}

}  // namespace potomac::sim
