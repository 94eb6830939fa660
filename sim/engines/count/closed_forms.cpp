#include "sim/engines/count/closed_forms.hpp"

#include "sim/machine/array_registers.hpp"
#include "sim/machine/fold_timing.hpp"

namespace potomac::sim {
namespace {

// Register i of a skew line of length i: 0 + 1 + ... + (lanes - 1) registers hold valid slots.
std::uint64_t skew_registers(std::uint64_t lanes) {
  return lanes * (lanes - 1) / 2;
}

// The writes of an output-stationary array's registers in one GEMM.
void add_output_stationary_writes(const workloads::GemmShape& gemm, ArrayShape array,
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
  actions.aligned_register_write +=
      count * k * n_folds * (m * cols + sum_over_blocks(gemm.m, array.rows, skew_registers));
  // The result of row r is captured once and moves R - 1 - r times: R - r writes.
  actions.drain_hop +=
      count * n * sum_over_blocks(gemm.m, array.rows, [rows](std::uint64_t occupied) {
        return occupied * rows - skew_registers(occupied);
      });
}

// Element r of a tile's column is written in the PEs of rows 0 to r on its way down.
std::uint64_t tile_loads(std::uint64_t rows) {
  return rows * (rows + 1) / 2;
}

// The writes of a stationary array's registers in one GEMM. `kept` is the extent of the tiled index
// that lies along the columns, `streamed` that of the index that passes.
void add_stationary_writes(const workloads::GemmShape& gemm, const Schedule& schedule, Issue issue,
                           energy::ActionCounts& actions) {
  const ArrayShape array = schedule.array();
  const bool ws = keeps_second(schedule.dataflow());
  const std::int64_t kept_extent = ws ? gemm.n : gemm.m;
  const auto count = static_cast<std::uint64_t>(gemm.count);
  const auto rows = static_cast<std::uint64_t>(array.rows);
  const auto cols = static_cast<std::uint64_t>(array.cols);
  const auto k = static_cast<std::uint64_t>(gemm.k);
  const auto kept = static_cast<std::uint64_t>(kept_extent);
  const auto streamed = static_cast<std::uint64_t>(ws ? gemm.m : gemm.n);
  const auto k_folds = static_cast<std::uint64_t>(ceil_div(gemm.k, array.rows));
  const auto kept_folds = static_cast<std::uint64_t>(ceil_div(kept_extent, array.cols));
  // A streaming operand passes every PE of its row. Pipelined, a tile is copied to the registers
  // that are multiplied once it is there.
  const std::uint64_t through_rows = streamed * k * cols * kept_folds;
  const std::uint64_t into_tiles = kept * sum_over_blocks(gemm.k, array.rows, tile_loads) +
                                   (issue == Issue::kPipelined ? k * kept : 0);
  actions.operand_register_write += count * (through_rows + into_tiles);
  const std::uint64_t skewed_stream =
      streamed * kept_folds * sum_over_blocks(gemm.k, array.rows, skew_registers);
  const std::uint64_t skewed_tiles = k * sum_over_blocks(kept_extent, array.cols, skew_registers);
  actions.skew_register_write += count * (skewed_stream + skewed_tiles);
  actions.aligned_register_write +=
      count * (ws ? through_rows + skewed_stream : into_tiles + skewed_tiles);
  // A sum passes every PE of its column, those below the tile's edge too.
  actions.psum_register_write += count * streamed * kept * rows * k_folds;
}

// What is no MAC slot in the shares of the folds.
void add_idle_in_stream(const Schedule& schedule, Issue issue, energy::ActionCounts& actions) {
  const auto pes = static_cast<std::uint64_t>(schedule.array().pes());
  std::uint64_t used_cycles = 0;
  for_each_share(schedule, issue, [&](const Shares& shares) {
    const auto share = static_cast<std::uint64_t>(shares.share);
    actions.idle_edge_pe_cycle += (shares.folds * pes - shares.used) * share;
    used_cycles += shares.used * share;
  });
  actions.idle_fill_pe_cycle = used_cycles - schedule.macs();
}

std::uint64_t outputs_of(const Schedule& schedule) {
  std::uint64_t outputs = 0;
  for (const workloads::GemmShape& gemm : schedule.gemms()) {
    outputs += static_cast<std::uint64_t>(gemm.count * gemm.m * gemm.n);
  }
  return outputs;
}

// In the cycles of preload, drain and stall no PE's cycle counts as anything else.
void add_idle_outside_of_stream(PassCounts& counts, ArrayShape array) {
  const auto pes = static_cast<std::uint64_t>(array.pes());
  counts.actions.idle_preload_pe_cycle = pes * counts.cycles.preload;
  counts.actions.idle_drain_pe_cycle = pes * counts.cycles.drain;
  counts.actions.idle_stall_pe_cycle = pes * counts.cycles.stall;
}

// All writes of the first operand's registers count as aligned ones, whether they are.
PassCounts structural_counts(const Schedule& schedule, Issue issue, const ZeroCounts& zeros) {
  PassCounts counts;
  counts.folds = schedule.folds();
  counts.cycles = cycles_of(schedule, issue);
  counts.zeros = zeros;
  for (std::size_t i = 0; i < schedule.gemms().size(); ++i) {
    for (const workloads::GemmShape& piece : schedule.pieces_of(i)) {
      if (keeps_sums(schedule.dataflow())) {
        add_output_stationary_writes(piece, schedule.array(), counts.actions);
      } else {
        add_stationary_writes(piece, schedule, issue, counts.actions);
      }
    }
  }
  add_idle_in_stream(schedule, issue, counts.actions);
  add_idle_outside_of_stream(counts, schedule.array());
  return counts;
}

}  // namespace

ZeroCounts zeros_of(const Schedule& schedule, const ProductCounts* products) {
  if (products == nullptr) {
    return {Count::unknown(), Count::unknown()};
  }
  // Only an accumulator is cleared by a first product: a partial sum comes in as it is.
  const bool os = keeps_sums(schedule.dataflow());
  return {products->macs - products->nonzero,
          os ? Count(outputs_of(schedule) - products->first_nonzero) : Count(0)};
}

PassCounts mf_mac_counts(const Architecture& architecture, const Schedule& schedule,
                         const ValueFacts* facts) {
  const ProductCounts* products = facts == nullptr ? nullptr : &facts->products;
  const auto known = [products](std::uint64_t ProductCounts::*member) {
    return products == nullptr ? Count::unknown() : Count(products->*member);
  };
  PassCounts counts = structural_counts(schedule, architecture.issue, zeros_of(schedule, products));
  energy::ActionCounts& actions = counts.actions;
  const Count macs = schedule.macs();
  if (aligned_bits(architecture.pe) == 0) {
    actions.aligned_register_write = 0;
  }
  actions.overflow = facts == nullptr ? Count::unknown() : facts->overflow;
  actions.overflowed_result = facts == nullptr ? Count::unknown() : facts->overflowed_results;
  actions.dropped_product = known(&ProductCounts::dropped);
  const bool gating = architecture.pe.zero_gating;
  if (gating) {
    const Count nonzero = known(&ProductCounts::nonzero);
    actions.exponent_add = actions.sign_xor = nonzero;
    actions.accumulate = nonzero - actions.dropped_product;
    actions.gated_mac = macs - nonzero;
  } else {
    actions.exponent_add = actions.sign_xor = actions.accumulate = macs;
  }
  // Each fired addition is written; so is the clearing of a sum whose first product is nothing.
  if (keeps_sums(schedule.dataflow())) {
    actions.accumulator_write =
        actions.accumulate +
        (gating ? Count(outputs_of(schedule)) - known(&ProductCounts::first_kept) : Count(0));
  }
  return counts;
}

PassCounts baseline_counts(Unit unit, const Architecture& architecture, const Schedule& schedule,
                           const ZeroCounts& zeros, const PassCounts* counted) {
  PassCounts counts;
  if (counted == nullptr) {
    counts = structural_counts(schedule, architecture.issue, zeros);
  } else {
    counts = *counted;
    counts.zeros = zeros;
    counts.toggles = energy::RegisterToggles::unknown();
    energy::ActionCounts& of_unit = counts.actions;
    of_unit.exponent_add = of_unit.sign_xor = of_unit.accumulate = 0;
    of_unit.overflow = of_unit.overflowed_result = 0;
    of_unit.dropped_product = of_unit.accumulator_write = 0;
  }
  counts.actions.aligned_register_write = 0;
  energy::ActionCounts& actions = counts.actions;
  const bool gating = architecture.baseline.zero_gating;
  actions.gated_mac = gating ? zeros.macs : Count(0);
  const Count fired = Count(schedule.macs()) - actions.gated_mac;
  (unit == Unit::kFp32Mac ? actions.fp32_multiply : actions.multiply) = fired;
  (info_of(unit).sums_floats ? actions.fp32_add : actions.accumulate) = fired;
  if (keeps_sums(schedule.dataflow())) {
    actions.accumulator_write = fired + (gating ? zeros.starts : Count(0));
  }
  return counts;
}

void add_stalls(PassCounts& counts, const Schedule& schedule, Issue issue, Pace& pace) {
  counts.cycles.stall = schedule.gemms().empty() ? 0 : pace.total_stalls(schedule, issue);
  add_idle_outside_of_stream(counts, schedule.array());
}

}  // namespace potomac::sim
