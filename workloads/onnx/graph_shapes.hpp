// The shape of every tensor of an ONNX graph, with its inputs' dynamic axes bound.
//
// One walk in the graph's order: libonnx infers a node's outputs from its inputs, and what the
// graph itself computes of shapes (known_values.hpp) is handed to it as it becomes known.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "workloads/layers/layer.hpp"
#include "workloads/onnx/known_values.hpp"

namespace potomac::workloads {

class GraphShapes {
 public:
  using Bound = std::map<std::string, std::int64_t, std::less<>>;

  // `bound`: extents of dynamic axes by name. An axis without a name is called by its input,
  // "x[2]". "batch" binds the axis of that name; where there is none, the dynamic first axes of all
  // inputs; "length" likewise the second ones. Throws InputError: a dynamic axis that is not bound
  // (and how to bind it), a name that is none, shapes that do not fit one another. `file` is for
  // messages. Writes the extents into the model.
  GraphShapes(onnx::ModelProto& model, const std::string& file, const Bound& bound);

  // The shape of a tensor with all extents known.
  std::optional<Shape> find(const std::string& tensor) const;
  // The node at whose output the extents were first lost of a tensor that has not all of them
  // known:
  // "'/roi/Resize' (Resize)"; empty if it is an input of the graph, or unknown altogether.
  std::string lost_at(const std::string& tensor) const;
  // Whether its values follow from shapes alone: it says how data lies, and is none.
  bool is_known(const std::string& tensor) const { return known_.contains(tensor); }
  // The dynamic axes, as bound: "batch" and "length" by these names.
  const Bound& dimensions() const { return dimensions_; }

 private:
  std::unordered_map<std::string, onnx::TypeProto> types_;
  std::unordered_map<std::string, std::string> lost_;
  std::unordered_map<std::string, KnownValues> known_;
  Bound dimensions_;
};

}  // namespace potomac::workloads
