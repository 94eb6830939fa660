#include "sim/engines/stepping/array_run.hpp"

#include <fmt/format.h>

#include <stdexcept>

#include "sim/machine/array_registers.hpp"

namespace potomac::sim {
namespace {

void set_mf_mac_actions(energy::ActionCounts& actions, const ArrayRun& run, const Job& job) {
  actions.exponent_add = run.pe.multiplied;
  actions.sign_xor = run.pe.multiplied;
  actions.accumulate = run.pe.accumulated;
  actions.overflow = run.pe.overflowed;
  actions.overflowed_result = run.pe.overflowed_results;
  actions.dropped_product = run.pe.dropped;
  if (aligned_bits(job.architecture->pe) > 0) {
    const std::uint64_t along_rows = run.pe.row_operand_writes + run.row_skew_register_writes;
    actions.aligned_register_write =
        keeps_first(job.architecture->dataflow)
            ? run.pe.operand_writes + run.skew_register_writes - along_rows
            : along_rows;
  }
}

}  // namespace

PassCounts counts_of(const ArrayRun& run, const Job& job, const Detail& detail) {
  PassCounts counts;
  counts.folds = job.schedule->folds();
  counts.cycles = run.cycles;
  counts.zeros = {run.pe.zero_operand, run.pe.zero_starts};
  energy::ActionCounts& actions = counts.actions;
  actions.gated_mac = run.pe.gated;
  actions.operand_register_write = run.pe.operand_writes;
  actions.skew_register_write = run.skew_register_writes;
  actions.accumulator_write = run.pe.accumulator_writes;
  actions.psum_register_write = run.pe.psum_writes;
  actions.drain_hop = run.pe.shadow_writes;
  actions.idle_edge_pe_cycle = run.there.edge;
  actions.idle_fill_pe_cycle = run.there.used - run.pe.slots;
  actions.idle_preload_pe_cycle = run.there.preload;
  actions.idle_drain_pe_cycle = run.there.drain;
  actions.idle_stall_pe_cycle = run.there.stall;
  if (detail.toggles) {
    counts.toggles = {.operand = run.pe.operand_toggles,
                      .skew = run.skew_register_toggles,
                      .stationary = run.pe.stationary_toggles,
                      .partial_sum = run.pe.psum_toggles,
                      .accumulator = run.pe.accumulator_toggles,
                      .drain = run.pe.shadow_toggles};
  }
  if (job.unit == Unit::kMfMac) {
    set_mf_mac_actions(actions, run, job);
  } else {
    actions.fp32_multiply = run.pe.multiplied;
    actions.fp32_add = run.pe.accumulated;
  }
  return counts;
}

void require_all_results(const Job& job, std::int64_t received) {
  std::int64_t expected = 0;
  for (const workloads::GemmShape& gemm : job.schedule->gemms()) {
    expected += gemm.count * gemm.m * gemm.n;
  }
  if (received != expected) {
    const ArrayShape array = job.schedule->array();
    throw std::logic_error(fmt::format(
        "the {} x {} array delivered {} of {} results of layer {} {}", array.rows, array.cols,
        received, expected, job.operands->layer(), workloads::name_of(job.operands->pass())));
  }
}

}  // namespace potomac::sim
