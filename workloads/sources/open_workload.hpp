// Opens what a user names: a trace, a model description, an ONNX model, a SCALE-Sim
// topology, or a shipped model by its name.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "support/shipped_files.hpp"
#include "workloads/sources/extent_expression.hpp"
#include "workloads/workload/workload.hpp"

namespace potomac::workloads {

// Whether its name ends so.
bool is_yaml_file(const std::filesystem::path& file);
// Whether what is of that name has shapes alone: anything but a trace.
bool is_shape_file(const std::filesystem::path& file);

// The file that a user means. A file that is there, what has a '/', or ends like a workload's file
// is a path; anything else is the name of a shipped model. Throws InputError that suggests a name.
std::filesystem::path find_workload(const std::string& name_or_path, const ShippedFiles& models);

// `bound` binds a description's dimensions; a trace has none to bind. Throws InputError.
std::unique_ptr<Workload> open_workload(const std::filesystem::path& file, const Dimensions& bound);

}  // namespace potomac::workloads
