// A GEMM the slow and plain way: every slot in order through the one definition of the MAC. What
// engines are compared with, written without any of their code.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "rtl_models/arithmetic/fp32_mac.hpp"
#include "rtl_models/arithmetic/mf_mac.hpp"
#include "sim/engines/dequantize.hpp"
#include "sim/engines/engine.hpp"
#include "sim/machine/architecture.hpp"

namespace potomac::test {

template <typename Value>
struct Output {
  sim::GemmResult result;
  std::vector<Value> values;  // m x n
  std::vector<int> times_delivered;
};

// Runs a GEMM on an engine and stores what it delivers.
inline Output<std::int64_t> run_mf_mac(sim::Engine& engine, const workloads::Gemm& gemm) {
  Output<std::int64_t> output;
  output.values.resize(static_cast<std::size_t>(gemm.m * gemm.n));
  output.times_delivered.resize(output.values.size());
  output.result = engine.run_mf_mac(gemm, [&](const sim::ResultTile<std::int64_t>& tile) {
    for (std::int64_t i = 0; i < tile.rows; ++i) {
      for (std::int64_t j = 0; j < tile.cols; ++j) {
        const auto at = static_cast<std::size_t>((tile.m_begin + i) * gemm.n + tile.n_begin + j);
        output.values[at] = tile.values[i * tile.row_stride + j];
        output.times_delivered[at] += 1;
      }
    }
  });
  return output;
}

inline Output<float> run_fp32(sim::Engine& engine, const workloads::Gemm& gemm) {
  Output<float> output;
  output.values.resize(static_cast<std::size_t>(gemm.m * gemm.n));
  output.result = engine.run_fp32(gemm, [&](const sim::ResultTile<float>& tile) {
    for (std::int64_t i = 0; i < tile.rows; ++i) {
      for (std::int64_t j = 0; j < tile.cols; ++j) {
        output.values[static_cast<std::size_t>((tile.m_begin + i) * gemm.n + tile.n_begin + j)] =
            tile.values[i * tile.row_stride + j];
      }
    }
  });
  return output;
}

// What the values alone tell: results and arithmetic events, no registers and no cycles.
struct Reference {
  std::vector<std::int64_t> values;
  std::uint64_t exponent_add = 0;
  std::uint64_t accumulate = 0;
  std::uint64_t gated = 0;
  std::uint64_t overflow = 0;
  std::uint64_t dropped = 0;
  std::uint64_t accumulator_write = 0;
  std::uint64_t zero_operand = 0;
};

// The slots of output element (i, j): returns their sum, and adds their events to `reference`.
inline std::int64_t reference_element(const sim::Architecture& architecture,
                                      const rtl::Accumulator& accumulator,
                                      const workloads::Gemm& gemm, std::int64_t i, std::int64_t j,
                                      Reference& reference) {
  const rtl::PotFormat format(architecture.pe.operand_bits);
  std::int64_t sum = 0;
  for (std::int64_t k = 0; k < gemm.k; ++k) {
    const auto a = gemm.first.format().widen(gemm.first.code(i, k), format);
    const auto b = gemm.second.format().widen(gemm.second.code(j, k), format);
    const auto step = rtl::mf_mac(accumulator, format, architecture.pe.zero_gating, sum, a, b);
    sum = step.value;
    reference.exponent_add += step.multiplied ? 1 : 0;
    reference.accumulate += step.accumulated ? 1 : 0;
    reference.gated += step.gated ? 1 : 0;
    reference.overflow += step.overflowed ? 1 : 0;
    reference.dropped += step.dropped ? 1 : 0;
    reference.accumulator_write += step.accumulated || k == 0 ? 1 : 0;
    reference.zero_operand += format.is_zero(a) || format.is_zero(b) ? 1 : 0;
  }
  return sum;
}

inline Reference reference_gemm(const sim::Architecture& architecture,
                                const workloads::Gemm& gemm) {
  const rtl::Accumulator accumulator = sim::require_fit(architecture, gemm);
  Reference reference;
  for (std::int64_t i = 0; i < gemm.m; ++i) {
    for (std::int64_t j = 0; j < gemm.n; ++j) {
      reference.values.push_back(
          reference_element(architecture, accumulator, gemm, i, j, reference));
    }
  }
  return reference;
}

inline std::vector<float> reference_fp32(const workloads::Gemm& gemm) {
  const auto first = sim::dequantized_values(gemm.first.format(), gemm.first_beta);
  const auto second = sim::dequantized_values(gemm.second.format(), gemm.second_beta);
  std::vector<float> values;
  for (std::int64_t i = 0; i < gemm.m; ++i) {
    for (std::int64_t j = 0; j < gemm.n; ++j) {
      float sum = 0.0F;
      for (std::int64_t k = 0; k < gemm.k; ++k) {
        sum = rtl::fp32_mac(sum, first[gemm.first.code(i, k)], second[gemm.second.code(j, k)]);
      }
      values.push_back(sum);
    }
  }
  return values;
}

}  // namespace potomac::test
