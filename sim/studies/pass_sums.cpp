#include "sim/studies/pass_sums.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

#include "sim/engines/engines.hpp"
#include "sim/machine/operand_fit.hpp"
#include "sim/machine/schedule.hpp"

namespace potomac::sim {
namespace {

// Puts tiles, which are disjoint, where they belong in the pass's result.
AccumulatorSink placing(const workloads::LoweredPass& pass, PassSums& result) {
  return [&pass, &result](const ResultTile<std::int64_t>& tile) {
    for (std::int64_t begin = 0; begin < tile.rows;) {
      const workloads::ResultRows place = pass.result_rows(tile.gemm, tile.m_begin + begin);
      const std::int64_t end = std::min(begin + place.count, tile.rows);
      std::int64_t row = place.matrix * result.shape.rows + place.row;
      for (std::int64_t i = begin; i < end; ++i, row += place.step) {
        std::copy_n(tile.values + i * tile.row_stride, tile.cols,
                    result.sums.data() + row * result.shape.cols + tile.n_begin);
      }
      begin = end;
    }
  };
}

}  // namespace

PassSums pass_sums(const workloads::Layer& layer, workloads::Pass pass,
                   const rtl::AccumulatorConfig& accumulator, const std::string& engine,
                   const Caller& caller) {
  Architecture machine;
  machine.pe.operand_bits = std::max({layer.a.bits, layer.w.bits, layer.g.bits});
  machine.pe.accumulator = accumulator;
  require_buildable(engine_named(engine), machine.array);
  const workloads::LoweredPass operands(layer, pass, machine.lowering);
  const Schedule schedule(operands.shapes(), machine.array, machine.dataflow);

  PassSums result;
  result.shape = operands.result_shape();
  Job job;
  job.architecture = &machine;
  job.schedule = &schedule;
  job.operands = &operands;
  job.accumulator = require_fit(machine, layer.shape, pass, operands.first().format(),
                                operands.second().format());
  result.scale_exponent = job.accumulator.lsb + operands.scale_exponent();
  result.sums.resize(
      static_cast<std::size_t>(result.shape.matrices * result.shape.rows * result.shape.cols));

  caller.begin(Work::kMacs, schedule.macs());
  Detail detail;
  detail.accumulators = placing(operands, result);
  detail.done = [&](std::int64_t macs) {
    caller.advance(Work::kMacs, static_cast<std::uint64_t>(macs), layer.shape.name);
    caller.check_stop();
  };
  const PassCounts counts = make_engine(engine, caller.pool)->run(job, detail);
  result.overflows = counts.actions.overflow.value();
  result.dropped = counts.actions.dropped_product.value();
  return result;
}

PassSums gemm_sums(workloads::QuantizedTensor first, workloads::QuantizedTensor second,
                   const rtl::AccumulatorConfig& accumulator, const std::string& engine,
                   const Caller& caller) {
  workloads::Layer layer;
  layer.shape.name = "gemm";
  layer.shape.kind = workloads::LayerKind::kMatmul;
  layer.shape.a = first.shape;
  layer.shape.w = second.shape;
  layer.shape.g = {first.shape[0], first.shape[1], second.shape[2]};
  layer.a = std::move(first);
  layer.w = std::move(second);
  layer.g.bits = layer.a.bits;  // it has no values
  return pass_sums(layer, workloads::Pass::kForward, accumulator, engine, caller);
}

}  // namespace potomac::sim
