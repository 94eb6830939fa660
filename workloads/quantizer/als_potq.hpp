// ALS-PoTQ: adaptive layer-wise scaling quantization of binary32 tensors to power-of-two codes,
// with weight bias correction (WBC) and parameterized ratio clipping (PRC). Source: arXiv
// 2302.14458.
//
//   beta = round(log2 max|x|) - e_max        e = round(log2 |x|) - beta, below -e_max: zero
//
// Subnormals are normalised first, not flushed. The PyTorch package in workloads/capture computes
// the same, bit for bit.
//
// Stochastic rounding (an extension of the paper's) is unbiased: the expectation of every code's
// value is the element, also below the lowest power. beta = ceil(log2 max|x|) - e_max there, for
// the largest element may round up.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "workloads/layers/layer.hpp"
#include "workloads/quantizer/rounding.hpp"

namespace potomac::workloads {

// Quantizes to codes of `bits` bits. Throws InputError for no elements, and for a NaN or infinity,
// naming `name` and the flat index of the first. All zeros give zero codes and beta 0. `key` is the
// stream of random numbers of Rounding::kStochastic: the same key, the same codes.
// Precondition: is_pot_width(bits), element_count(shape) == values.size().
QuantizedTensor als_potq(std::span<const float> values, Shape shape, int bits, Rounding rounding,
                         std::string_view name, std::uint64_t key = 0);

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
