// SIMD kernels that step sums through the depth one product at a time, as the hardware does, and
// watch each value that they take. Dispatched at run time, like exact_kernels.hpp, whose
// micro-tiles and packed layouts they share.
#pragma once

#include <cstddef>
#include <cstdint>

#include "rtl_models/arithmetic/accumulator.hpp"

namespace potomac::sim {

// What becomes of a micro-tile's sums after each depth.
enum class Watch {
  kAlong,   // the toggles of a register that keeps its sum: from one depth to the next
  kAcross,  // the toggles of a register that sees the sums of row after row: from each row of the
            // micro-tile to the next, at the same depth
  kRecord,  // no toggles: the first two rows' sums are written to series[depth][2][nr]
};

// int16 pairs (dot16 layout) into accumulators of at most 32 bits that wrap, or never overflow.
// Only the lowest `bits` bits of sums count, and only they are recorded; above them `sums` is
// undefined. Precondition: has_dot16().
std::uint64_t toggle_dot16(Watch watch, const std::int16_t* a, const std::int16_t* b, std::size_t k,
                           int bits, std::int32_t* sums, std::int32_t* series);

// Any format, lowest bit and accumulator (shift layout), in registers of `bits`, which may be
// wider. What is recorded is masked to them.
std::uint64_t toggle_shift(Watch watch, const std::int32_t* a, const std::int32_t* b, std::size_t k,
                           const rtl::Accumulator& accumulator, int bits, std::int32_t* sums,
                           std::int32_t* series);
std::uint64_t toggle_shift(Watch watch, const std::int32_t* a, const std::int32_t* b, std::size_t k,
                           const rtl::Accumulator& accumulator, int bits, std::int64_t* sums,
                           std::int64_t* series);

// The FP32 MAC. `finite`: no sum can be infinite or NaN; else a NaN becomes the one of fp32_mac().
std::uint64_t toggle_fp32(Watch watch, const float* a, const float* b, std::size_t k, bool finite,
                          float* sums, float* series);

// Bits that differ between two runs of bytes.
std::uint64_t differing_bits(const void* a, const void* b, std::size_t bytes);

// Adds to counts[i] the bits in which a[i] and b[i] differ.
void add_differing_bits(const std::uint8_t* a, const std::uint8_t* b, std::size_t count,
                        std::uint32_t* counts);
void add_differing_bits(const std::uint32_t* a, const std::uint32_t* b, std::size_t count,
                        std::uint32_t* counts);

}  // namespace potomac::sim
