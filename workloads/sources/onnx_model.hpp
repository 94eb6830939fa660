// ONNX models: the shapes of their linear layers (workloads/onnx/linear_node.hpp), and weights
// where they have them.
//
// What only moves data is passed over; every other operator is listed as not included, as is a
// linear one that cannot be taken: of unknown shape, recurrent, in the body of a loop. A layer has
// backward-data if its input depends on anything learned, that is, on a floating-point initializer.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "workloads/sources/shape_workload.hpp"

namespace potomac::workloads {

class OnnxModel : public ShapeWorkload {
 public:
  // The initializer that a layer's weights are.
  struct Weights {
    std::string initializer;
    bool transposed = false;  // its last two axes: [inputs, outputs]
  };

  // `bound`: see GraphShapes. Throws InputError: the file is no ONNX model or damaged, a dimension
  // is not bound, nothing in it is linear.
  static OnnxModel load(const std::filesystem::path& path, const Dimensions& bound);

  std::unique_ptr<WeightSource> weights() const override;

 private:
  OnnxModel(ShapeWorkload shapes, std::vector<std::optional<Weights>> weights)
      : ShapeWorkload(std::move(shapes)), weights_(std::move(weights)) {}

  std::vector<std::optional<Weights>> weights_;  // a layer each
};

}  // namespace potomac::workloads
