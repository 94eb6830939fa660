// A run as everything that shows, compares, prices or stores it sees it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "energy/pricing/accounting.hpp"
#include "energy/pricing/comparison.hpp"
#include "energy/pricing/energy_report.hpp"
#include "sim/machine/architecture.hpp"
#include "sim/machine/machine.hpp"
#include "sim/results/array_frames.hpp"
#include "sim/results/assumption.hpp"
#include "sim/results/pass_pe_map.hpp"
#include "sim/results/pass_record.hpp"
#include "sim/results/selection.hpp"
#include "sim/results/step_result.hpp"
#include "sim/results/timeline.hpp"
#include "sim/results/version.hpp"
#include "workloads/workload/workload.hpp"

namespace potomac::sim {

// The origins of one tensor's zeros, as far as the workload knows.
struct TensorOrigins {
  std::string layer;
  std::string tensor;  // "W", "A" or "G"
  std::optional<workloads::ZeroOrigins> zeros;
};

struct RunResult {
  Program program;  // that computed it
  std::string engine;
  Architecture architecture;
  std::vector<Machine> machines;  // the MF-MAC array first, then those that it is compared with
  std::filesystem::path trace;
  workloads::WorkloadInfo workload;
  std::vector<TensorOrigins> zeros;  // of the selected layers' tensors
  std::vector<workloads::NotIncluded> not_included;
  Selection selection;
  std::int64_t left_out = 0;  // passes of the workload that the selection leaves out
  std::vector<PassRecord> passes;
  std::vector<Quantities> totals;  // by machine
  // The reports by accounting, then table, then machine; the accounting that was asked for is in
  // front.
  std::vector<energy::EnergyReport> energy;
  std::vector<energy::MethodEnergy> methods;  // of each table and accounting
  std::optional<TrainingStep> step;
  std::optional<Densities> assumed;
  // If they were asked for; no part of a report.
  std::optional<Timeline> timeline;
  std::optional<PassPeMap> pe_map;
  std::optional<ArrayFrames> frames;
};

}  // namespace potomac::sim
