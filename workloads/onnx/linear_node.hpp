// What an ONNX node that multiplies matrices is as a layer.
//
//   Conv, ConvInteger, QLinearConv       conv2d (one spatial axis: of height 1), conv3d
//   ConvTranspose                        conv_transpose2d, conv_transpose3d
//   Gemm, MatMul, MatMulInteger,         linear where one operand is constant: the weights;
//   QLinearMatMul                        matmul where both are computed (attention)
//   Einsum of two operands               matmul
#pragma once

#include <onnx/onnx_pb.h>

#include <optional>
#include <string>

#include "workloads/layers/layer.hpp"

namespace potomac::workloads {

// The inputs of a node that are multiplied: for quantized operators scales stand between them.
struct LinearOperands {
  int first = 0;
  int second = 1;
};

// Nothing for a node that does not multiply matrices, or not in a way that is known.
std::optional<LinearOperands> linear_operands(const onnx::NodeProto& node);

struct NodeOperand {
  Shape shape;
  bool is_constant = false;
};

struct LinearNode {
  LayerShape layer;  // without a name
  // The activations are the second operand, the weights the first.
  bool exchanged = false;
  // The weights' two axes are [inputs, outputs], not [outputs, inputs].
  bool weights_transposed = false;
  // Why it is no layer; empty if it is one.
  std::string refusal;
};

// Precondition: linear_operands(node). `output`: the extents of the node's output, if all are
// known.
LinearNode linear_node(const onnx::NodeProto& node, const NodeOperand& first,
                       const NodeOperand& second, const std::optional<Shape>& output);

}  // namespace potomac::workloads
