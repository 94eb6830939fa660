// Whether a machine can run a workload at all: known from formats and shapes, before any work.
#pragma once

#include <cstddef>
#include <optional>

#include "sim/engines/engines.hpp"
#include "sim/machine/architecture.hpp"
#include "sim/results/selection.hpp"
#include "workloads/workload/workload.hpp"

namespace potomac::sim {

// The accumulator for one pass of a layer. Throws InputError, naming what would work, if the PE
// cannot hold its operands.
rtl::Accumulator require_fit(const Architecture& architecture, const workloads::Workload& workload,
                             std::size_t layer, workloads::Pass pass);

// Throws InputError unless something is selected and the PE can hold all of it.
void require_fit(const Architecture& architecture, const workloads::Workload& workload,
                 const Selection& selection);

// The engine that a workload is run by: the one that was asked for, else `fast`, or `count` where
// there are only shapes. Throws InputError if the one that was asked for needs values that the
// workload does not have.
EngineKind engine_for(const workloads::Workload& workload, std::optional<EngineKind> asked);

}  // namespace potomac::sim
