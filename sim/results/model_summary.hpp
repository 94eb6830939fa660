// What `potomac models` says of a network that ships.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "workloads/workload/workload.hpp"

namespace potomac::sim {

struct ModelSummary {
  std::string name;   // by which it is run
  std::string model;  // in its own words
  std::filesystem::path file;
  workloads::Dimensions dimensions;
  std::size_t layers = 0;
  std::int64_t parameters = 0;
  std::uint64_t forward_macs = 0;
  std::uint64_t training_step_macs = 0;  // of all three passes
  std::string source;                    // of the published counts that ours are tested against
};

// All but parameters and source, which a workload does not know.
ModelSummary summary_of(const std::string& name, const workloads::Workload& workload,
                        const workloads::Dimensions& dimensions);

std::string models_json(std::span<const ModelSummary> models);

}  // namespace potomac::sim
