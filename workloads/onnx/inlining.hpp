// A graph without calls: local functions, and branches whose condition is known, in place of the
// nodes that stand for them.
#pragma once

#include <onnx/onnx_pb.h>

#include <functional>
#include <optional>
#include <string>

namespace potomac::workloads {

// Puts the bodies of the model's own functions in place of their calls. Throws InputError:
// functions that call themselves, calls that do not fit, or more nodes than a graph may have.
// `file` is for messages.
void inline_functions(onnx::ModelProto& model, const std::string& file);

// The value of a condition, if it is known.
using Condition = std::function<std::optional<bool>(const std::string& tensor)>;
// Puts the branch that is taken in place of each If whose condition is known; whether there was
// any.
bool inline_branches(onnx::GraphProto& graph, const Condition& condition, const std::string& file);

}  // namespace potomac::workloads
