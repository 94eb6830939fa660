// What an ONNX node that multiplies matrices is as layers.
//
//   Conv, ConvInteger, QLinearConv       conv2d (one spatial axis: of height 1), conv3d
//   ConvTranspose                        conv_transpose2d, conv_transpose3d
//   Gemm, MatMul, MatMulInteger,         linear where one operand is constant: the weights;
//   QLinearMatMul                        matmul where both are computed (attention)
//   Einsum                               the same, for each two operands of which axes are summed
//   LSTM, GRU, RNN                       for each direction linear: the inputs of all steps, and
//   the
//                                        state of each step
//
// and their like of ONNX Runtime's domain (FusedConv, FusedGemm, FusedMatMul ...).
#pragma once

#include <onnx/onnx_pb.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "workloads/layers/layer.hpp"

namespace potomac::workloads {

// Whether a node multiplies matrices.
bool is_product(const onnx::NodeProto& node);
// Which of its inputs are parameters where they are constant.
std::vector<int> parameters_of(const onnx::NodeProto& node);

struct NodeOperand {
  std::optional<Shape> shape;
  bool is_constant = false;
};

struct LinearNode {
  LayerShape layer;  // without a name
  // The node's inputs that are the activations and the weights (the second operand).
  int activations = 0;
  int weights = 1;
  // Whether `weights` may be read as the layer's; their two axes are then [inputs, outputs] where
  // they are transposed, else [outputs, inputs].
  bool weights_readable = true;
  bool weights_transposed = false;
  // Behind the node's own name, where it is several layers: "weight_hh".
  std::string suffix;
  // Its activations are what the node itself has computed: they depend on its weights.
  bool follows_itself = false;
};

struct LinearNodes {
  std::vector<LinearNode> layers;
  // Why there are none; empty if there are, or if the node multiplies no matrices after all.
  std::string refusal;
};

// Precondition: is_product(node), whose shapes fit (operator_shapes.hpp). `inputs`: all of them.
// `output`: the extents of its output, if they are known.
LinearNodes linear_nodes(const onnx::NodeProto& node, const std::vector<NodeOperand>& inputs,
                         const std::optional<Shape>& output);

}  // namespace potomac::workloads
