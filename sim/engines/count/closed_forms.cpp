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

// Serial issue: a fold lasts for its slots and as many cycles as the far corner lies behind the
// near one. The PEs that a GEMM's folds use are, over all of its folds, the product of the two
// indices that are tiled.
void add_idle_in_stream(const workloads::GemmShape& gemm, const Schedule& schedule,
                        energy::ActionCounts& actions) {
  const ArrayShape array = schedule.array();
  const std::int64_t slots = streamed_slots(gemm, schedule.dataflow());
  const std::int64_t gap = array.rows + array.cols - 2;
  const auto used = static_cast<std::uint64_t>(gemm.macs() / slots);
  const auto there =
      static_cast<std::uint64_t>(gemm.count) *
      static_cast<std::uint64_t>(Schedule::folds_of(gemm, array, schedule.dataflow())) *
      static_cast<std::uint64_t>(array.pes());
  actions.idle_edge_pe_cycle += (there - used) * static_cast<std::uint64_t>(slots + gap);
  actions.idle_fill_pe_cycle += used * static_cast<std::uint64_t>(gap);
}

std::uint64_t outputs_of(const Schedule& schedule) {
  std::uint64_t outputs = 0;
  for (const workloads::GemmShape& gemm : schedule.gemms()) {
    outputs += static_cast<std::uint64_t>(gemm.count * gemm.m * gemm.n);
  }
  return outputs;
}

PassCounts structural_counts(const Schedule& schedule, const ZeroCounts& zeros) {
  PassCounts counts;
  counts.folds = schedule.folds();
  counts.cycles = serial_cycles(schedule);
  counts.zeros = zeros;
  for (const workloads::GemmShape& gemm : schedule.gemms()) {
    add_register_writes(gemm, schedule.array(), counts.actions);
    add_idle_in_stream(gemm, schedule, counts.actions);
  }
  add_idle_outside_of_stream(counts, schedule.array());
  return counts;
}

}  // namespace

void add_idle_outside_of_stream(PassCounts& counts, ArrayShape array) {
  const auto pes = static_cast<std::uint64_t>(array.pes());
  counts.actions.idle_preload_pe_cycle = pes * counts.cycles.preload;
  counts.actions.idle_drain_pe_cycle = pes * counts.cycles.drain;
  counts.actions.idle_stall_pe_cycle = pes * counts.cycles.stall;
}

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
