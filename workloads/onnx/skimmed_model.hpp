// An ONNX file without its weights: they stay in the file, and the model says where.
#pragma once

#include <onnx/onnx_pb.h>

#include <filesystem>
#include <optional>

namespace potomac::workloads {

// The model, of whose initializers the large ones (raw_data) have become external data of the same
// file: what is read then grows with the graph, not with the weights. Nothing for a file that is no
// serialized model. Throws InputError if it cannot be read, or is too large for protocol buffers.
std::optional<onnx::ModelProto> skim_model(const std::filesystem::path& path);

}  // namespace potomac::workloads
