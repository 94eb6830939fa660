// The whole numbers by which a graph computes shapes: small tensors whose values are known before
// it runs. Exporters write x.view(batch, -1, heads, width // heads) as Shape, Gather, Div, Concat
// and Reshape; libonnx's own propagation follows only some of that.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "workloads/layers/layer.hpp"

namespace potomac::workloads {

struct KnownValues {
  Shape shape;
  std::vector<std::int64_t> values;  // element_count(shape) of them, row-major; true is 1
};

// Nothing for other types than int64, int32 and bool, for more elements than shapes are computed
// with, and where the values are not in the file.
std::optional<KnownValues> known_values_of(const onnx::TensorProto& tensor);

// The values as int64, for libonnx to infer shapes with.
onnx::TensorProto tensor_of(const KnownValues& known);

// A node's input: null where its values, or not all of its extents, are known.
struct NodeInput {
  const KnownValues* known = nullptr;
  const Shape* shape = nullptr;
};

// The values of a node's only output, which has the extents `output`; nothing where they do not
// follow from its inputs, overflow, or the operator is not one that shapes are computed with.
std::optional<KnownValues> evaluate(const onnx::NodeProto& node, std::span<const NodeInput> inputs,
                                    const Shape& output);

}  // namespace potomac::workloads
