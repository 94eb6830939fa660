// The extents of operators' outputs that we infer ourselves: those whose products we take, those
// where libonnx is wrong (ceil_mode, auto_pad), those of opsets after its last, and those of other
// domains whose extents are known.
#pragma once

#include <onnx/onnx_pb.h>

#include <optional>
#include <span>
#include <vector>

#include "workloads/layers/layer.hpp"
#include "workloads/onnx/known_values.hpp"

namespace potomac::workloads {

// Of each output, where they are known; nothing at all where libonnx is to be asked. `opset`: the
// version of the node's domain. Throws ShapeFault: extents or attributes that do not fit. Where an
// input's extents are not known, its `shape` is null.
std::optional<std::vector<std::optional<Shape>>> operator_shapes(const onnx::NodeProto& node,
                                                                 int opset,
                                                                 std::span<const NodeInput> inputs);

// Whether it is an operator of another domain that multiplies no matrices, and whose extents are
// known.
bool is_known_elsewhere(const onnx::NodeProto& node);

}  // namespace potomac::workloads
