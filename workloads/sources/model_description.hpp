// A network as a YAML file describes it (docs/models.md): layers with their shapes, which follow
// from one to the next, and dimensions (batch, length) that are bound when it is read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "support/yaml_reader.hpp"
#include "workloads/sources/extent_expression.hpp"
#include "workloads/sources/shape_workload.hpp"

namespace potomac::workloads {

// What somebody else counted, at the description's own dimensions.
struct PublishedCounts {
  std::optional<std::int64_t> parameters;
  std::int64_t parameters_rounded_to = 1;
  std::optional<std::int64_t> forward_macs;
  std::int64_t macs_rounded_to = 1;
  std::string source;
};

struct ModelDescription {
  ShapeWorkload workload;
  Dimensions dimensions;        // as bound
  std::int64_t parameters = 0;  // weights, biases, and those of what is not included
  PublishedCounts published;
};

// `bound` replaces the file's own dimensions. Throws InputError: what the file says is not a model,
// a dimension that the file does not have, shapes that do not fit one another, or do not fit 64
// bits.
ModelDescription load_model(const std::filesystem::path& path, const Dimensions& bound);
ModelDescription parse_model(const YamlValue& root, const Dimensions& bound);

}  // namespace potomac::workloads
