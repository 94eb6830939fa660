#include "sim/studies/gemm_sums.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

#include "sim/engines/engines.hpp"
#include "sim/machine/operand_fit.hpp"
#include "sim/machine/schedule.hpp"
#include "workloads/layers/lowering.hpp"

namespace potomac::sim {

GemmSums gemm_sums(workloads::QuantizedTensor first, workloads::QuantizedTensor second,
                   const rtl::AccumulatorConfig& accumulator, const std::string& engine,
                   const Caller& caller, std::span<std::int64_t> sums) {
  workloads::Layer layer;
  layer.shape.name = "gemm";
  layer.shape.kind = workloads::LayerKind::kMatmul;
  layer.shape.a = first.shape;
  layer.shape.w = second.shape;
  layer.shape.g = {first.shape[0], first.shape[1], second.shape[2]};
  layer.a = std::move(first);
  layer.w = std::move(second);

  Architecture machine;
  machine.pe.operand_bits = std::max(layer.a.bits, layer.w.bits);
  machine.pe.accumulator = accumulator;
  require_buildable(engine_named(engine), machine.array);
  const workloads::LoweredPass pass(layer, workloads::Pass::kForward, machine.lowering);
  const Schedule schedule(pass.shapes(), machine.array, machine.dataflow);
  const rtl::Accumulator definite =
      require_fit(machine, layer.shape.name, layer.a.format(), layer.w.format());

  const std::int64_t rows = layer.shape.g[1];
  const std::int64_t cols = layer.shape.g[2];
  Detail detail;
  detail.accumulators = [&](const ResultTile<std::int64_t>& tile) {
    for (std::int64_t i = 0; i < tile.rows; ++i) {
      const std::int64_t row = tile.gemm * rows + tile.m_begin + i;
      std::copy_n(tile.values + i * tile.row_stride, tile.cols,
                  sums.data() + row * cols + tile.n_begin);
    }
  };
  caller.begin(schedule.macs());
  detail.done = [&](std::int64_t macs) {
    if (caller.listener != nullptr) {
      caller.listener->advance(static_cast<std::uint64_t>(macs), layer.shape.name);
    }
    caller.check_stop();
  };
  Job job;
  job.architecture = &machine;
  job.schedule = &schedule;
  job.operands = &pass;
  job.accumulator = definite;
  const PassCounts counts = make_engine(engine, caller.pool)->run(job, detail);
  return {.scale_exponent = definite.lsb + pass.scale_exponent(),
          .overflows = counts.actions.overflow.value(),
          .dropped = counts.actions.dropped_product.value()};
}

}  // namespace potomac::sim
