#include "workloads/layers/layer_check.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "support/error.hpp"
#include "support/plain_text.hpp"
#include "workloads/layers/conv_extents.hpp"

namespace potomac::workloads {
namespace {

constexpr std::size_t kLongestName = 255;
// Beyond every real network; keeps the arithmetic on extents far from overflow.
constexpr std::int64_t kMaxGeometry = std::int64_t{1} << 20U;
constexpr std::int64_t kMaxMacs = std::int64_t{1} << 62U;
constexpr std::int64_t kMaxPhases = std::int64_t{1} << 16U;

// What messages call a spatial axis.
struct AxisWords {
  const char* direction;
  const char* before;
  const char* after;
  const char* elements;
};
constexpr std::array<AxisWords, kConvAxes> kAxisWords = {{
    {"depth's", "in front", "behind", "planes"},
    {"vertical", "above", "below", "rows"},
    {"horizontal", "to the left", "to the right", "columns"},
}};

// The checks of one layer, each a line of what does not fit.
class LayerCheck {
 public:
  LayerCheck(const LayerShape& layer, const std::string& file) : layer_(layer), file_(file) {}

  void run() const {
    check_name();
    const std::size_t rank = is_volumetric(layer_.kind)          ? 5
                             : is_convolution(layer_.kind)       ? 4
                             : layer_.kind == LayerKind::kLinear ? 2
                                                                 : 3;
    check_tensor("W", layer_.w, rank);
    check_tensor("A", layer_.a, rank);
    check_tensor("G", layer_.g, rank);
    switch (layer_.kind) {
      case LayerKind::kLinear:
        return check_linear();
      case LayerKind::kConv2d:
      case LayerKind::kConv3d:
        return check_convolution({"A", layer_.a}, {"G", layer_.g});
      case LayerKind::kMatmul:
        return check_matmul();
      case LayerKind::kConvTranspose2d:
      case LayerKind::kConvTranspose3d:
        return check_convolution({"G", layer_.g}, {"A", layer_.a});
    }
  }

 private:
  // One extent of one tensor: "W[1]".
  struct Extent {
    const char* tensor;
    const Shape& shape;
    std::size_t axis;

    std::int64_t value() const { return shape[axis]; }
    std::string text() const { return fmt::format("{}[{}] is {}", tensor, axis, value()); }
  };

  [[noreturn]] void fail(const std::string& problem, const std::string& remedy) const {
    throw InputError({file_, "layers/" + printable(layer_.name, kLongestName), problem, remedy});
  }

  void check_name() const {
    const std::string& name = layer_.name;
    if (name.empty() || name.size() > kLongestName || name == "." ||
        name.find('/') != std::string::npos || !is_plain_text(name)) {
      fail("the layer's name is empty, too long, or holds a slash or control characters",
           "use 1 to 255 bytes of plain UTF-8 text");
    }
  }

  void check_tensor(const char* tensor, const Shape& shape, std::size_t rank) const {
    if (shape.size() != rank) {
      fail(fmt::format("{} has {} axes, [{}], but a {} layer's has {}", tensor, shape.size(),
                       fmt::join(shape, ", "), name_of(layer_.kind), rank),
           fmt::format("write {}", forms()));
    }
    std::int64_t elements = 1;
    for (const std::int64_t extent : shape) {
      if (extent < 1) {
        fail(fmt::format("{} has the extents [{}]", tensor, fmt::join(shape, ", ")),
             "every extent must be at least 1");
      }
      if (extent > kMaxShapeElements / elements) {
        fail(fmt::format("{}, [{}], is absurdly large: a tensor holds at most {} codes", tensor,
                         fmt::join(shape, ", "), kMaxShapeElements),
             "split the layer");
      }
      elements *= extent;
    }
  }

  const char* forms() const {
    switch (layer_.kind) {
      case LayerKind::kLinear:
        return "W[O,I] A[B,I] G[B,O]";
      case LayerKind::kConv2d:
        return "W[O,C/groups,kh,kw] A[B,C,H,W] G[B,O,P,Q]";
      case LayerKind::kMatmul:
        return "W[B,K,N] A[B,M,K] G[B,M,N]";
      case LayerKind::kConvTranspose2d:
        return "W[C,O/groups,kh,kw] A[B,C,H,W] G[B,O,P,Q]";
      case LayerKind::kConv3d:
        return "W[O,C/groups,kd,kh,kw] A[B,C,D,H,W] G[B,O,R,P,Q]";
      case LayerKind::kConvTranspose3d:
        return "W[C,O/groups,kd,kh,kw] A[B,C,D,H,W] G[B,O,R,P,Q]";
    }
    return "";
  }

  void expect_equal(const char* letter, const Extent& one, const Extent& other) const {
    if (one.value() != other.value()) {
      fail(fmt::format("{} but {}: both are {}", one.text(), other.text(), letter),
           fmt::format("write {}", forms()));
    }
  }

  void check_linear() const {
    expect_equal("I, the inputs", {"W", layer_.w, 1}, {"A", layer_.a, 1});
    expect_equal("O, the outputs", {"W", layer_.w, 0}, {"G", layer_.g, 1});
    expect_equal("B, the batch", {"A", layer_.a, 0}, {"G", layer_.g, 0});
  }

  void check_matmul() const {
    expect_equal("B, the batch", {"W", layer_.w, 0}, {"A", layer_.a, 0});
    expect_equal("B, the batch", {"A", layer_.a, 0}, {"G", layer_.g, 0});
    expect_equal("K, the reduced axis", {"W", layer_.w, 1}, {"A", layer_.a, 2});
    expect_equal("M, the rows", {"A", layer_.a, 1}, {"G", layer_.g, 1});
    expect_equal("N, the columns", {"W", layer_.w, 2}, {"G", layer_.g, 2});
  }

  void check_range(const std::string& what, std::int64_t value, std::int64_t low) const {
    if (value < low || value > kMaxGeometry) {
      fail(fmt::format("{} is {}", what, value),
           fmt::format("it must be from {} to {}", low, kMaxGeometry));
    }
  }

  struct Named {
    const char* tensor;
    const Shape& shape;

    Extent axis(std::size_t index) const { return {tensor, shape, index}; }
  };

  // `image` is what the kernel slides over, `result` has an element for each of its places.
  void check_convolution(const Named& image, const Named& result) const {
    const ConvGeometry& conv = layer_.conv;
    const AsConvolution convolution = as_convolution(layer_, Pass::kForward);
    const std::size_t first = is_volumetric(layer_.kind) ? 0 : 1;
    for (std::size_t axis = first; axis < kConvAxes; ++axis) {
      const ConvAxis numbers = conv_axis(convolution.layer, axis);
      const AxisWords& words = kAxisWords[axis];
      check_range(fmt::format("stride[{}]", axis - first), numbers.stride, 1);
      check_range(fmt::format("padding {}", words.before), numbers.before, 0);
      check_range(fmt::format("padding {}", words.after), numbers.after, 0);
      check_range(fmt::format("dilation[{}]", axis - first), numbers.dilation, 1);
    }
    check_range("groups", conv.groups, 1);
    const bool transposed = is_transposed(layer_.kind);
    expect_equal("B, the batch", {"A", layer_.a, 0}, {"G", layer_.g, 0});
    expect_equal(transposed ? "C, the input channels" : "O, the output channels",
                 {"W", layer_.w, 0}, result.axis(1));
    const std::int64_t channels = image.shape[1];
    const char* const letter = transposed ? "O" : "C";
    if (layer_.w[0] % conv.groups != 0 || channels % conv.groups != 0) {
      fail(fmt::format("groups, {}, does not divide both {}[1] = {} = {} and W[0] = {} = {}",
                       conv.groups, image.tensor, letter, channels, transposed ? "C" : "O",
                       layer_.w[0]),
           "choose a divisor of both");
    }
    if (layer_.w[1] != channels / conv.groups) {
      fail(fmt::format("W[1] is {} but {}[1] / groups is {} / {} = {}: both are {}/groups",
                       layer_.w[1], image.tensor, channels, conv.groups, channels / conv.groups,
                       letter),
           fmt::format("write {}", forms()));
    }
    std::int64_t phases = 1;
    for (std::size_t axis = first; axis < kConvAxes; ++axis) {
      const ConvAxis numbers = conv_axis(convolution.layer, axis);
      const std::size_t index = image.shape.size() - kConvAxes + axis;
      check_axis(image.axis(index), result.axis(index), numbers, kAxisWords[axis]);
      phases *= std::min(numbers.stride, numbers.taps);  // of each axis at most 2^20
    }
    check_macs(image.shape, result.shape);
    // A phase is a GEMM of its own; kernels and strides of 256 are beyond every real network.
    if (phases > kMaxPhases) {
      fail(fmt::format("its strides split {} into up to {} phases, more than {}",
                       transposed ? "forward" : "backward-data", phases, kMaxPhases),
           "correct the stride or the kernel");
    }
  }

  // One axis: floor((image + padding - d(k-1) - 1) / s) + 1 against the result.
  void check_axis(const Extent& image, const Extent& result, const ConvAxis& axis,
                  const AxisWords& words) const {
    const std::int64_t padded = axis.pixels + axis.before + axis.after;
    if (axis.reach() > padded) {
      fail(fmt::format("its kernel spans {} {} (W[{}] = {}, dilation {}), but the padded {} has {} "
                       "({}[{}] = {}, padding {} + {})",
                       axis.reach(), words.elements, image.axis, axis.taps, axis.dilation,
                       is_transposed(layer_.kind) ? "output" : "input", padded, image.tensor,
                       image.axis, axis.pixels, axis.before, axis.after),
           "correct the kernel, dilation or padding");
    }
    const std::int64_t places = (padded - axis.reach()) / axis.stride + 1;
    if (result.value() != places) {
      fail(fmt::format("{}, but floor(({} + {} + {} - {}*({} - 1) - 1) / {}) + 1 = {}",
                       result.text(), axis.pixels, axis.before, axis.after, axis.dilation,
                       axis.taps, axis.stride, places),
           fmt::format("correct {} or the {} stride, padding and dilation", result.tensor,
                       words.direction));
    }
  }

  // A kernel that is as large as a tensor may be, used as often as G is large, overflows.
  void check_macs(const Shape& image, const Shape& result) const {
    const std::int64_t kernel = element_count({layer_.w.begin() + 2, layer_.w.end()});
    const std::int64_t patch = layer_.w[1] * kernel;
    const std::int64_t used = layer_.w[0] / layer_.conv.groups * kernel;
    if (element_count(result) > kMaxMacs / patch || element_count(image) > kMaxMacs / used) {
      fail("one of its passes has more than 2^62 MACs", "split the layer");
    }
  }

  const LayerShape& layer_;
  const std::string& file_;
};

}  // namespace

void check(const LayerShape& layer, const std::string& file) {
  LayerCheck(layer, file).run();
}

}  // namespace potomac::workloads
