// What is wrong with a node's extents or attributes, in the words of ONNX; whoever knows the file
// and the node names them.
#pragma once

#include <stdexcept>
#include <string>

namespace potomac::workloads {

class ShapeFault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace potomac::workloads
