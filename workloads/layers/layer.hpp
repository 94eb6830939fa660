// Layers as a trace holds them: three quantized tensors (weights W, input activations A, gradient G
// of the output) and what is needed to derive the layer's three GEMMs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rtl_models/arithmetic/accumulator.hpp"
#include "rtl_models/arithmetic/pot_code.hpp"
#include "workloads/layers/codes.hpp"

namespace potomac::workloads {

enum class Pass { kForward, kBackwardData, kBackwardWeight };
inline constexpr std::array<Pass, 3> kPasses = {Pass::kForward, Pass::kBackwardData,
                                                Pass::kBackwardWeight};
// "forward", "backward-data", "backward-weight".
std::string_view name_of(Pass pass);

enum class LayerKind { kLinear, kConv2d, kMatmul, kConvTranspose2d, kConv3d, kConvTranspose3d };
inline constexpr std::array<LayerKind, 6> kLayerKinds = {
    LayerKind::kLinear,          LayerKind::kConv2d, LayerKind::kMatmul,
    LayerKind::kConvTranspose2d, LayerKind::kConv3d, LayerKind::kConvTranspose3d};
// "linear", "conv2d", "matmul", "conv_transpose2d", "conv3d", "conv_transpose3d": as in a trace.
std::string_view name_of(LayerKind kind);

constexpr bool is_transposed(LayerKind kind) {
  return kind == LayerKind::kConvTranspose2d || kind == LayerKind::kConvTranspose3d;
}
// Whether the kind has three spatial axes.
constexpr bool is_volumetric(LayerKind kind) {
  return kind == LayerKind::kConv3d || kind == LayerKind::kConvTranspose3d;
}
// Whether it has stride, padding, dilation and groups.
constexpr bool is_convolution(LayerKind kind) {
  return kind == LayerKind::kConv2d || is_volumetric(kind) || is_transposed(kind);
}

enum class Tensor { kW, kA, kG };

// More codes than any layer of a real network has in one tensor; one byte each.
inline constexpr std::int64_t kMaxTensorElements = std::int64_t{1} << 32;
// The same where there are only shapes: as far as the MACs of a pass can be counted.
inline constexpr std::int64_t kMaxShapeElements = std::int64_t{1} << 40;

// Extents, outermost first; row-major.
using Shape = std::vector<std::int64_t>;
std::int64_t element_count(const Shape& shape);

// The origins of a tensor's zero codes: values that were zero, and values too small for the lowest
// exponent. Both together are all of its zeros.
struct ZeroOrigins {
  std::int64_t exact = 0;
  std::int64_t underflows = 0;

  friend bool operator==(const ZeroOrigins&, const ZeroOrigins&) = default;
};

// A tensor of PoT codes; value of an element = +-2^(e + beta).
struct QuantizedTensor {
  Shape shape;
  int bits = rtl::kDefaultPotBits;
  int beta = 0;
  Codes codes;                            // element_count(shape) of them, row-major, canonical
  std::optional<ZeroOrigins> zeros = {};  // if whoever quantized it kept them

  rtl::PotFormat format() const { return rtl::PotFormat(bits); }
};

// What is known of a tensor without its codes.
struct TensorFormat {
  int bits = rtl::kDefaultPotBits;
  int beta = 0;
  std::optional<ZeroOrigins> zeros = {};

  friend bool operator==(const TensorFormat&, const TensorFormat&) = default;
};

// How the results of a pass were summed in the training that a layer is from.
struct TrainedSum {
  std::optional<rtl::Accumulator> accumulator;  // none: in binary32

  friend bool operator==(const TrainedSum&, const TrainedSum&) = default;
};
// "32 bits, lsb -8, saturate", "binary32".
std::string text_of(const TrainedSum& sum);

// What a workload may know of a layer's place in the training that it is from.
struct LayerOrigin {
  std::optional<std::array<TrainedSum, 3>> sums = {};  // by pass
  // The layers whose results W and A are made from, by name.
  std::optional<std::vector<std::string>> w_producers = {};
  std::optional<std::vector<std::string>> a_producers = {};

  friend bool operator==(const LayerOrigin&, const LayerOrigin&) = default;
};

struct LayerFormats {
  TensorFormat w, a, g;
  LayerOrigin origin = {};

  friend bool operator==(const LayerFormats&, const LayerFormats&) = default;
};

// A number for each of two spatial axes: [vertical, horizontal].
using Pair = std::array<std::int64_t, 2>;

// Rows and columns of zeros around a convolution's input; of a transposed convolution, what is cut
// off its output.
struct Padding {
  Pair before{0, 0};  // top, left
  Pair after{0, 0};   // bottom, right

  // The same on opposite sides.
  static Padding around(Pair sides) { return {sides, sides}; }

  friend bool operator==(const Padding&, const Padding&) = default;
};

// The same of a third axis, before these two.
struct DepthGeometry {
  std::int64_t stride = 1;
  std::int64_t before = 0;  // padding in front
  std::int64_t after = 0;   // padding behind
  std::int64_t dilation = 1;

  friend bool operator==(const DepthGeometry&, const DepthGeometry&) = default;
};

struct ConvGeometry {
  Pair stride{1, 1};
  Padding padding;
  Pair dilation{1, 1};
  std::int64_t groups = 1;
  DepthGeometry depth = {};  // if is_volumetric(kind)

  friend bool operator==(const ConvGeometry&, const ConvGeometry&) = default;
};

// The same as files write it: a number for each spatial axis, outermost first. `padding` has the
// sides before, then those behind; or, where they are the same, as many numbers as axes.
struct GeometryLists {
  Shape stride, padding, dilation;

  std::size_t axes() const { return stride.size(); }
  std::int64_t before(std::size_t axis) const { return padding[axis]; }
  std::int64_t after(std::size_t axis) const { return padding[padding.size() - axes() + axis]; }
  // The padding of both sides together.
  std::int64_t padding_along(std::size_t axis) const { return before(axis) + after(axis); }
};
// Two axes, or with depth three.
GeometryLists lists_of(const ConvGeometry& geometry, bool volumetric);
// Precondition: all of two or of three axes.
ConvGeometry geometry_of(const GeometryLists& lists, std::int64_t groups);

// What a layer is without its values: enough for its GEMMs' shapes.
//   linear: W[O,I]          A[B,I]      G[B,O]
//   conv2d: W[O,C/g,kh,kw]  A[B,C,H,W]  G[B,O,P,Q]
//   matmul: W[B,K,N]        A[B,M,K]    G[B,M,N]
//   conv_transpose2d: W[C,O/g,kh,kw]  A[B,C,H,W]  G[B,O,P,Q]
//   conv3d, conv_transpose3d: the same with a third spatial axis before the two
struct LayerShape {
  std::string name;  // of the layer's group in the trace: "000-conv1"
  LayerKind kind = LayerKind::kLinear;
  ConvGeometry conv;        // if is_convolution(kind)
  bool input_grad = true;   // false: a network's first layer, no backward-data
  bool weight_grad = true;  // false: frozen weights, no backward-weight
  Shape w, a, g;
  // Which of two powers A is, where activations are sums of two. The second's products are
  // added to the first's; a multiplier needs no second, so the baseline has none.
  int term = 1;

  const Shape& of(Tensor tensor) const {
    return tensor == Tensor::kW ? w : tensor == Tensor::kA ? a : g;
  }

  // Without it, only the output's extents are known of G, and no values.
  bool uses_gradient() const { return input_grad || weight_grad; }
};

// A transposed convolution is a convolution run backward: of the one from its output to its input,
// forward and backward-data have changed places, and so have A and G. `layer` and `pass` are those
// of the convolution; a conv2d or conv3d is one already.
struct AsConvolution {
  LayerShape layer;
  Pass pass = Pass::kForward;
};
// Precondition: is_convolution(layer.kind).
AsConvolution as_convolution(const LayerShape& layer, Pass pass);

// Whether a layer of one name runs before one of the other: by the number that both begin with (in
// which 1000 is more than 999), else by their bytes.
bool runs_before(std::string_view name, std::string_view other);

// Values of a layer's tensors in binary32, in their shapes; of G none where there are no gradients.
struct Fp32Tensors {
  std::vector<float> w, a, g;

  const std::vector<float>& of(Tensor tensor) const {
    return tensor == Tensor::kW ? w : tensor == Tensor::kA ? a : g;
  }
  friend bool operator==(const Fp32Tensors&, const Fp32Tensors&) = default;
};

struct Layer {
  LayerShape shape;
  QuantizedTensor w, a, g;
  // What was quantized, before anything was clipped or corrected: finite values, where the workload
  // has them.
  std::optional<Fp32Tensors> originals = {};
};

}  // namespace potomac::workloads
