// ONNX files, as libonnx's classes hold them, and the values of their tensors.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "workloads/layers/layer.hpp"

namespace potomac::workloads {

// Checked (model_check.hpp), with the model's own functions in place of their calls. Throws
// InputError: it cannot be read, is no ONNX model, has no graph, uses operators of a version that
// is not known, or contradicts itself.
onnx::ModelProto load_onnx(const std::filesystem::path& path);

// ONNX's own operators are of the domain "", which may also be written "ai.onnx".
std::string canonical_domain(const std::string& domain);
// The version of a domain's operators: 0 if the model does not import them.
int opset_version(const onnx::ModelProto& model, const std::string& domain);

Shape shape_of(const onnx::TensorProto& tensor);

// An attribute of a node, or what it is where the node does not have it.
const onnx::AttributeProto* find_attribute(const onnx::NodeProto& node, std::string_view name);
std::int64_t integer_attribute(const onnx::NodeProto& node, std::string_view name,
                               std::int64_t otherwise);
std::vector<std::int64_t> integers_attribute(const onnx::NodeProto& node, std::string_view name,
                                             std::vector<std::int64_t> otherwise);
std::string text_attribute(const onnx::NodeProto& node, std::string_view name,
                           const std::string& otherwise);

// The name that messages and layers call a node by: its own, else its first output's.
std::string name_of(const onnx::NodeProto& node);

// Whether it holds binary16, bfloat16, binary32 or binary64: float_values() can read it.
bool is_floating(const onnx::TensorProto& tensor);

// An initializer's values, rounded to binary32; those kept outside of the file are read from beside
// it. Throws InputError (file, tensor): not floating, fewer or more values than its shape has, a
// file outside of the model's folder, or one that cannot be read.
std::vector<float> float_values(const onnx::TensorProto& tensor,
                                const std::filesystem::path& model);

}  // namespace potomac::workloads
