// ALS-PoTQ: adaptive layer-wise scaling quantization of binary32 tensors to power-of-two codes,
// with weight bias correction (WBC) and parameterized ratio clipping (PRC). Source: arXiv
// 2302.14458.
//
//   beta = round(log2 max|x|) - e_max        e = round(log2 |x|) - beta, below -e_max: zero
//
// round(log2 x) needs no logarithm, multiplication or float compare: it is x's exponent field, plus
// one if the mantissa reaches a constant. Subnormals are normalised first, not flushed. The PyTorch
// package in workloads/capture computes the same, bit for bit.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "workloads/layers/layer.hpp"

namespace potomac::workloads {

// Where rounding to a power of two switches between 2^n and 2^(n+1).
enum class Rounding {
  kLog2,    // at sqrt(2) * 2^n, the middle in the log2 domain; no binary32 value lies on it
  kLinear,  // at 1.5 * 2^n, which itself rounds up
};

// Quantizes to codes of `bits` bits. Throws InputError for no elements, and for a NaN or infinity,
// naming `name` and the flat index of the first. All zeros give zero codes and beta 0.
// Precondition: is_pot_width(bits), element_count(shape) == values.size().
QuantizedTensor als_potq(std::span<const float> values, Shape shape, int bits, Rounding rounding,
                         std::string_view name);

// The exact mean, rounded once to binary32 (nearest even; a zero is +0): independent of the order
// of summation. Precondition: values are finite and at least one.
float exact_mean(std::span<const float> values);

// WBC: values - exact_mean(values), each difference rounded once. Throws InputError, naming `name`
// and the flat index of the first, for a difference that leaves binary32's range (near the largest
// float). Precondition: as for exact_mean.
std::vector<float> weight_bias_corrected(std::span<const float> values, std::string_view name);

// PRC: values with magnitude above gamma * max|values| (one binary32 product) brought to it. A
// threshold of zero (gamma * max underflows) clips nothing.
std::vector<float> ratio_clipped(std::span<const float> values, float gamma);

}  // namespace potomac::workloads
