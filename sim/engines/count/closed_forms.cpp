#include "sim/engines/count/closed_forms.hpp"

#include <algorithm>

namespace potomac::sim {
namespace {

// Sum over the blocks that cut `total` into pieces of at most `size` of f(piece).
template <typename F>
std::uint64_t sum_over_blocks(std::int64_t total, std::int64_t size, F f) {
  const std::int64_t rest = total % size;
  return static_cast<std::uint64_t>(total / size) * f(static_cast<std::uint64_t>(size)) +
         (rest > 0 ? f(static_cast<std::uint64_t>(rest)) : 0);
}

// Register i of a skew line of length i: 0 + 1 + ... + (lanes - 1) registers hold valid slots.
std::uint64_t skew_registers(std::uint64_t lanes) {
  return lanes * (lanes - 1) / 2;
}

GemmResult structural_result(const Architecture& architecture, const workloads::Gemm& gemm,
                             const ZeroCounts& zeros) {
  const ArrayShape array = architecture.array;
  const auto rows = static_cast<std::uint64_t>(array.rows);
  const auto cols = static_cast<std::uint64_t>(array.cols);
  const auto m = static_cast<std::uint64_t>(gemm.m);
  const auto n = static_cast<std::uint64_t>(gemm.n);
  const auto k = static_cast<std::uint64_t>(gemm.k);
  const auto m_folds = static_cast<std::uint64_t>(ceil_div(gemm.m, array.rows));
  const auto n_folds = static_cast<std::uint64_t>(ceil_div(gemm.n, array.cols));

  GemmResult result;
  result.folds = output_stationary_folds(array, gemm.m, gemm.n);
  result.cycles = output_stationary_cycles(array, gemm.m, gemm.n, gemm.k);
  result.zeros = zeros;
  energy::ActionCounts& actions = result.actions;
  // An operand passes every PE of its row or column, those behind the output's edge too.
  actions.operand_register_write = k * (m * cols * n_folds + n * rows * m_folds);
  actions.skew_register_write = k * (sum_over_blocks(gemm.m, array.rows, skew_registers) * n_folds +
                                     sum_over_blocks(gemm.n, array.cols, skew_registers) * m_folds);
  // The result of row r is captured once and moves R - 1 - r times: R - r writes.
  actions.drain_hop = n * sum_over_blocks(gemm.m, array.rows, [rows](std::uint64_t occupied) {
                        return occupied * rows - skew_registers(occupied);
                      });
  actions.idle_pe_cycle = rows * cols * result.cycles.total() - m * n * k;
  return result;
}

}  // namespace

GemmResult mf_mac_result(const Architecture& architecture, const workloads::Gemm& gemm,
                         const ProductCounts& products, std::uint64_t overflows) {
  const auto outputs = static_cast<std::uint64_t>(gemm.m * gemm.n);
  GemmResult result = structural_result(
      architecture, gemm, {products.macs - products.nonzero, outputs - products.first_nonzero});
  energy::ActionCounts& actions = result.actions;
  const bool gating = architecture.pe.zero_gating;
  actions.exponent_add = actions.sign_xor = gating ? products.nonzero : products.macs;
  actions.accumulate = gating ? products.nonzero - products.dropped : products.macs;
  actions.gated_mac = gating ? products.macs - products.nonzero : 0;
  actions.overflow = overflows;
  actions.dropped_product = products.dropped;
  // Each fired addition is written; so is the clearing of a sum whose first product is nothing.
  actions.accumulator_write = actions.accumulate + (gating ? outputs - products.first_kept : 0);
  return result;
}

GemmResult fp32_result(const Architecture& architecture, const workloads::Gemm& gemm,
                       const ZeroCounts& zeros) {
  GemmResult result = structural_result(architecture, gemm, zeros);
  energy::ActionCounts& actions = result.actions;
  const bool gating = architecture.baseline.zero_gating;
  actions.gated_mac = gating ? zeros.macs : 0;
  actions.fp32_multiply = actions.fp32_add =
      static_cast<std::uint64_t>(gemm.macs()) - actions.gated_mac;
  actions.accumulator_write = actions.fp32_add + (gating ? zeros.starts : 0);
  return result;
}

}  // namespace potomac::sim
