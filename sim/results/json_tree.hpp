// report.json as a tree: what its writer and its reader share, and other writers of JSON.
#pragma once

#include <cstddef>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "sim/results/columns.hpp"
#include "sim/results/run_result.hpp"

namespace potomac::sim {

using Json = nlohmann::ordered_json;

// Where a workload comes from: the file and all that WorkloadInfo says.
Json origin_json(const std::filesystem::path& path, const workloads::WorkloadInfo& info);
Json dimensions_json(const workloads::Dimensions& dimensions);
Json not_included_json(const std::vector<workloads::NotIncluded>& parts);
// null where it is not known, "fp32", or an accumulator's bits, lsb and overflow.
Json trained_json(const std::optional<workloads::TrainedSum>& trained);
// With the first `most_passes` passes, and their energies; all else is of all.
Json report_tree(const RunResult& result,
                 std::size_t most_passes = std::numeric_limits<std::size_t>::max());
// A cell: a number, a text (of GEMMs and tiles as in CSV), or null where nothing is known.
Json json_of_cell(const Cell& cell);
// The text of a file. Names that are not UTF-8 (of a file, say) are made so: what cannot be decoded
// becomes U+FFFD.
std::string json_text(const Json& json);

}  // namespace potomac::sim
