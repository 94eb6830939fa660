// What libonnx takes for granted of a model, checked before it sees one: its inference reads values
// and attributes without looking whether they are there.
#pragma once

#include <onnx/onnx_pb.h>

#include <string>

namespace potomac::workloads {

// The newest operators of ONNX's own domain that are known. libonnx's own knowledge may end before
// (schema_version()).
inline constexpr int kNewestOpset = 23;
// The version by which libonnx is asked for the schema of an operator of version `opset`.
int schema_version(const std::string& domain, int opset);

// Throws InputError (initializer, or node and attribute) where a tensor's values are not as many as
// its shape has, or a node's attributes, inputs and outputs are not those of its operator; bodies
// of control flow and functions included. Unknown operators may have any. `file` is for messages.
void check_model(const onnx::ModelProto& model, const std::string& file);

}  // namespace potomac::workloads
