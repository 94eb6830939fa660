#include "sim/engines/interface/multiplied_layer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace potomac::sim {
namespace {

std::vector<float> values_of_codes(const workloads::QuantizedTensor& tensor) {
  const std::array<float, 256> table = dequantized_values(tensor.format(), tensor.beta);
  std::vector<float> values(tensor.codes.size());
  std::ranges::transform(tensor.codes, values.begin(),
                         [&table](rtl::PotCode code) { return table[code]; });
  return values;
}

// Codes that are zero where the values are.
workloads::QuantizedTensor zeros_of(const workloads::Shape& shape,
                                    const std::vector<float>& values) {
  workloads::QuantizedTensor tensor{.shape = shape, .codes = {}};
  const rtl::PotCode zero = tensor.format().zero();
  tensor.codes.resize(values.size());
  std::ranges::transform(values, tensor.codes.begin(),
                         [zero](float value) { return value == 0.0F ? zero : rtl::PotCode{0}; });
  return tensor;
}

}  // namespace

std::array<float, 256> dequantized_values(rtl::PotFormat format, int beta) {
  std::array<float, 256> table{};
  for (int i = 0; i < format.code_count(); ++i) {
    const auto code = static_cast<rtl::PotCode>(i);
    if (!format.is_zero(code)) {
      const float magnitude = std::min(std::max(std::ldexp(1.0F, format.exponent(code) + beta),
                                                std::numeric_limits<float>::denorm_min()),
                                       std::numeric_limits<float>::max());
      table[code] = format.is_negative(code) ? -magnitude : magnitude;
    }
  }
  return table;
}

MultipliedLayer::MultipliedLayer(const workloads::Layer& layer) : layer_(&layer) {
  if (layer.originals) {
    const workloads::LayerShape& shape = layer.shape;
    const workloads::Fp32Tensors& values = *layer.originals;
    zeros_ = {.shape = shape,
              .w = zeros_of(shape.w, values.w),
              .a = zeros_of(shape.a, values.a),
              .g = zeros_of(shape.g, values.g)};
  } else {
    dequantized_ = {values_of_codes(layer.w), values_of_codes(layer.a), values_of_codes(layer.g)};
  }
}

}  // namespace potomac::sim
