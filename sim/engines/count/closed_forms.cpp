#include "sim/engines/count/closed_forms.hpp"

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

// The writes of an output-stationary array's registers in one GEMM.
void add_register_writes(const workloads::GemmShape& gemm, ArrayShape array,
                         energy::ActionCounts& actions) {
  const auto rows = static_cast<std::uint64_t>(array.rows);
  const auto cols = static_cast<std::uint64_t>(array.cols);
  const auto count = static_cast<std::uint64_t>(gemm.count);
  const auto m = static_cast<std::uint64_t>(gemm.m);
  const auto n = static_cast<std::uint64_t>(gemm.n);
  const auto k = static_cast<std::uint64_t>(gemm.k);
  const auto m_folds = static_cast<std::uint64_t>(ceil_div(gemm.m, array.rows));
  const auto n_folds = static_cast<std::uint64_t>(ceil_div(gemm.n, array.cols));
  // An operand passes every PE of its row or column, those behind the output's edge too.
  actions.operand_register_write += count * k * (m * cols * n_folds + n * rows * m_folds);
  actions.skew_register_write += count * k *
                                 (sum_over_blocks(gemm.m, array.rows, skew_registers) * n_folds +
                                  sum_over_blocks(gemm.n, array.cols, skew_registers) * m_folds);
  // The result of row r is captured once and moves R - 1 - r times: R - r writes.
  actions.drain_hop +=
      count * n * sum_over_blocks(gemm.m, array.rows, [rows](std::uint64_t occupied) {
        return occupied * rows - skew_registers(occupied);
      });
}

PassCounts structural_counts(const Schedule& schedule, const ZeroCounts& zeros) {
  PassCounts counts;
  counts.folds = schedule.folds();
  counts.cycles = serial_cycles(schedule);
  counts.zeros = zeros;
  for (const workloads::GemmShape& gemm : schedule.gemms()) {
    add_register_writes(gemm, schedule.array(), counts.actions);
  }
  counts.actions.idle_pe_cycle =
      static_cast<std::uint64_t>(schedule.array().pes()) * counts.cycles.total() - schedule.macs();
  return counts;
}

std::uint64_t outputs_of(const Schedule& schedule) {
  std::uint64_t outputs = 0;
  for (const workloads::GemmShape& gemm : schedule.gemms()) {
    outputs += static_cast<std::uint64_t>(gemm.count * gemm.m * gemm.n);
  }
  return outputs;
}

}  // namespace

ZeroCounts zeros_of(const Schedule& schedule, const ProductCounts* products) {
  if (products == nullptr) {
    return {Count::unknown(), Count::unknown()};
  }
  return {products->macs - products->nonzero, outputs_of(schedule) - products->first_nonzero};
}

PassCounts mf_mac_counts(const Architecture& architecture, const Schedule& schedule,
                         const ValueFacts* facts) {
  const ProductCounts* products = facts == nullptr ? nullptr : &facts->products;
  const auto known = [products](std::uint64_t ProductCounts::*member) {
    return products == nullptr ? Count::unknown() : Count(products->*member);
  };
  PassCounts counts = structural_counts(schedule, zeros_of(schedule, products));
  energy::ActionCounts& actions = counts.actions;
  const Count macs = schedule.macs();
  const Count outputs = outputs_of(schedule);
  actions.overflow = facts == nullptr ? Count::unknown() : Count(facts->overflow);
  actions.dropped_product = known(&ProductCounts::dropped);
  // Each fired addition is written; so is the clearing of a sum whose first product is nothing.
  if (architecture.pe.zero_gating) {
    const Count nonzero = known(&ProductCounts::nonzero);
    actions.exponent_add = actions.sign_xor = nonzero;
    actions.accumulate = nonzero - actions.dropped_product;
    actions.gated_mac = macs - nonzero;
    actions.accumulator_write = actions.accumulate + (outputs - known(&ProductCounts::first_kept));
  } else {
    actions.exponent_add = actions.sign_xor = actions.accumulate = macs;
    actions.accumulator_write = macs;
  }
  return counts;
}

PassCounts fp32_counts(const Architecture& architecture, const Schedule& schedule,
                       const ZeroCounts& zeros) {
  PassCounts counts = structural_counts(schedule, zeros);
  energy::ActionCounts& actions = counts.actions;
  const bool gating = architecture.baseline.zero_gating;
  actions.gated_mac = gating ? zeros.macs : Count(0);
  actions.fp32_multiply = actions.fp32_add = Count(schedule.macs()) - actions.gated_mac;
  actions.accumulator_write = actions.fp32_add + (gating ? zeros.starts : Count(0));
  return counts;
}

}  // namespace potomac::sim
