// ALS-PoTQ from values to values, as a training step computes it: quantized and dequantized in one
// pass, with no codes in between. Python's bindings hand it the memory of PyTorch's tensors.
//
// `threads`: at most so many work on it, if compiled with OpenMP. The result is the same.
#pragma once

#include <cstdint>

namespace potomac::workloads {
// The bits of the largest |x[i] - mean|: those of infinity or more if any is not finite. They order
// as the numbers do.
std::uint32_t largest_magnitude(const float* x, std::int64_t count, float mean,
                                std::int32_t threads);

// The sums of the signed significands of each exponent field, 1..254 (subnormals are of field 1),
// in units of 2^(field - 150): all that the exact sum of x needs, whatever its order. `sums` has
// 256 elements. Preconditions: all are finite, count <= 2^39.
void significand_sums(const float* x, std::int64_t count, std::int64_t* sums);

// values[i] = the quantized x[i] - mean, with the magnitudes above `largest` (PRC's limit, or the
// largest magnitude) brought to it. `rounding` is a Rounding, `key` the
// stream of its random numbers. Zeros may have either sign. What is 2^128 in codes is the largest
// finite number. Preconditions: 3 <= bits <= 8, all are finite; values may be x.
void quantized_values(const float* x, float* values, std::int64_t count, float mean,
                      std::uint32_t largest, std::int32_t bits, std::int32_t rounding,
                      std::uint64_t key, std::int32_t threads);

// How a tensor of training is quantized: by WBC (its exact mean is subtracted), by PRC (gamma > 0:
// magnitudes above gamma times the largest are brought to it), or as it is. `bits`, `rounding` and
// `key` are those of quantized_values().
struct Preparation {
  bool corrected = false;
  float gamma = 0.0F;
  std::int32_t bits = 5;
  std::int32_t rounding = 0;
  std::uint64_t key = 0;
};

// What was seen of it, as bits of binary32.
struct Prepared {
  std::uint32_t largest;  // magnitude of x
  std::uint32_t moved;    // largest magnitude of x - mean
  std::uint32_t limit;    // what larger ones were brought to
  std::int32_t beta;
};

// quantized_values() of the whole of a tensor. Where `largest` or `moved` is infinity or more, the
// rest is 0 and nothing was written. Preconditions: count > 0, 3 <= bits <= 8, gamma <= 1.
Prepared quantized_tensor(const float* x, float* values, std::int64_t count,
                          const Preparation& preparation, std::int32_t threads);

// codes[i] = the code of values[i] / 2^beta, of what quantized_values() made: powers of two in
// b bits at that scale, zeros, and the largest finite number for 2^128.
void codes_of_values(const float* values, std::uint8_t* codes, std::int64_t count,
                     std::int32_t bits, std::int32_t beta, std::int32_t threads);

// Writes the indices of the elements whose magnitude is above that of the bits `limit`, in order,
// up to `capacity` of them; how many there are.
std::int64_t indices_above(const float* x, std::int64_t count, std::uint32_t limit,
                           std::int64_t* indices, std::int64_t capacity);

}  // namespace potomac::workloads
