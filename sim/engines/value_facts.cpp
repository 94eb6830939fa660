#include "sim/engines/value_facts.hpp"

#include <mutex>

#include "sim/engines/count/operand_statistics.hpp"
#include "sim/engines/fast/tiled_gemm.hpp"

namespace potomac::sim {
namespace {

template <typename Path>
std::uint64_t accumulate(const workloads::Gemm& gemm, const Path& path, const AccumulatorSink& sink,
                         WorkerPool& pool, const MacsDone& done) {
  const auto first = Path::table(gemm.first.format());
  const auto second = Path::table(gemm.second.format());
  if (path.accumulator.bits <= 32) {
    return TiledGemm<Path, std::int32_t, std::int64_t>(gemm, path, first, second, sink, pool, done)
        .run();
  }
  return TiledGemm<Path, std::int64_t, std::int64_t>(gemm, path, first, second, sink, pool, done)
      .run();
}

}  // namespace

ProductCounts& ProductCounts::operator+=(const ProductCounts& other) {
  macs += other.macs;
  nonzero += other.nonzero;
  dropped += other.dropped;
  first_nonzero += other.first_nonzero;
  first_kept += other.first_kept;
  return *this;
}

ValueFacts value_facts(const workloads::LoweredPass& operands, const rtl::Accumulator& accumulator,
                       const AccumulatorSink& sink, const MacsDone& done, WorkerPool& pool) {
  ValueFacts facts;
  std::mutex mutex;
  for_each_gemm(operands, pool, [&](const workloads::Gemm& gemm, WorkerPool& threads) {
    const std::uint64_t overflow =
        Dot16Path::serves(gemm.first.format(), gemm.second.format(), accumulator)
            ? accumulate(gemm, Dot16Path{accumulator}, sink, threads, done)
            : accumulate(gemm, ShiftPath{accumulator}, sink, threads, done);
    const ProductCounts products = count_products(gemm, accumulator, threads);
    const std::lock_guard lock(mutex);
    facts.overflow += overflow;
    facts.products += products;
  });
  return facts;
}

}  // namespace potomac::sim
