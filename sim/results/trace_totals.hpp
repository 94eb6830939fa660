// What a trace adds up to, as its table and its JSON both show it.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "workloads/layers/gemm_shape.hpp"
#include "workloads/layers/layer.hpp"
#include "workloads/layers/tensor_statistics.hpp"

namespace potomac::sim {

// A trace knows of no machine: its GEMMs are shown as machines form them unless told otherwise.
inline constexpr workloads::Lowering kTraceLowering;

// A tensor with the letter that it has in a workload.
struct NamedTensor {
  const char* name;
  const workloads::QuantizedTensor& tensor;
};

inline std::array<NamedTensor, 3> tensors_of(const workloads::Layer& layer) {
  return {{{"W", layer.w}, {"A", layer.a}, {"G", layer.g}}};
}

// What is summed over all layers.
struct TraceTotals {
  std::int64_t gemms = 0;
  std::array<std::int64_t, workloads::kPasses.size()> macs{};
  std::int64_t codes = 0;
  std::int64_t zeros = 0;

  void add(workloads::Pass pass, std::span<const workloads::GemmShape> shapes) {
    gemms += workloads::count_of(shapes);
    std::int64_t& sum = macs[static_cast<std::size_t>(pass)];
    sum = saturating_sum(sum, workloads::macs_of(shapes));
  }
  void add(const workloads::TensorStatistics& statistics) {
    codes += statistics.elements;
    zeros += statistics.zeros;
  }
  std::int64_t all_macs() const {
    return saturating_sum(saturating_sum(macs[0], macs[1]), macs[2]);
  }

 private:
  // One pass of one layer may have 2^62 MACs.
  static std::int64_t saturating_sum(std::int64_t a, std::int64_t b) {
    std::int64_t sum = 0;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
  }
};

}  // namespace potomac::sim
