#include "sim/engines/fast/fast_facts.hpp"

#include <mutex>

#include "sim/engines/count/operand_statistics.hpp"
#include "sim/engines/fast/tiled_gemm.hpp"
#include "sim/engines/interface/for_each_gemm.hpp"

namespace potomac::sim {
namespace {

struct Overflows {
  std::uint64_t steps = 0;
  std::uint64_t results = 0;
};

template <typename Path, typename Sum>
Overflows accumulate(const workloads::Gemm& gemm, const Path& path, const AccumulatorSink& sink,
                     WorkerPool& pool, const MacsDone& done, bool is_turned) {
  const auto first = path.first_table(gemm.first.format());
  const auto second = path.second_table(gemm.second.format());
  TiledGemm<Path, Sum, std::int64_t> tiles(gemm, path, first, second, sink, pool, done, is_turned);
  const std::uint64_t steps = tiles.run();
  return {steps, tiles.turned_results()};
}

// Lanes of micro-tiles that an m x n result takes.
std::uint64_t lanes_of(std::int64_t m, std::int64_t n) {
  const MicroTileShape tile = micro_tile_shape();
  return round_up(static_cast<std::size_t>(m), tile.mr) *
         round_up(static_cast<std::size_t>(n), tile.nr);
}

// Takes the fastest path that serves. `gemm` may be another one, turned.
Overflows accumulate(const workloads::Gemm& gemm, const rtl::Accumulator& accumulator,
                     const AccumulatorSink& sink, WorkerPool& pool, const MacsDone& done,
                     bool is_turned) {
  const bool narrow = accumulator.bits <= 32;
  if (Dot16Path::serves(gemm.first.format(), gemm.second.format(), accumulator)) {
    const Dot16Path path(gemm.first.format(), gemm.second.format(), accumulator);
    return narrow ? accumulate<Dot16Path, std::int32_t>(gemm, path, sink, pool, done, is_turned)
                  : accumulate<Dot16Path, std::int64_t>(gemm, path, sink, pool, done, is_turned);
  }
  if (Dot32Path::serves(gemm.first.format(), gemm.second.format(), accumulator)) {
    return accumulate<Dot32Path, std::int64_t>(gemm, Dot32Path{accumulator}, sink, pool, done,
                                               is_turned);
  }
  const ShiftPath path{accumulator};
  return narrow ? accumulate<ShiftPath, std::int32_t>(gemm, path, sink, pool, done, is_turned)
                : accumulate<ShiftPath, std::int64_t>(gemm, path, sink, pool, done, is_turned);
}

// As it lies or turned, whichever fills micro-tiles better.
Overflows accumulate(const workloads::Gemm& gemm, const rtl::Accumulator& accumulator,
                     const AccumulatorSink& sink, WorkerPool& pool, const MacsDone& done) {
  const bool turns = lanes_of(gemm.n, gemm.m) < lanes_of(gemm.m, gemm.n);
  return turns ? accumulate(turned(gemm), accumulator, sink, pool, done, true)
               : accumulate(gemm, accumulator, sink, pool, done, false);
}

}  // namespace

ValueFacts value_facts(const workloads::LoweredPass& operands, const rtl::Accumulator& accumulator,
                       const AccumulatorSink& sink, const MacsDone& done, WorkerPool& pool) {
  ValueFacts facts;
  std::mutex mutex;
  for_each_gemm(operands, pool, [&](const workloads::Gemm& gemm, WorkerPool& threads) {
    const Overflows overflows = accumulate(gemm, accumulator, sink, threads, done);
    const ProductCounts products = count_products(gemm, accumulator, threads);
    const std::lock_guard lock(mutex);
    facts.overflow += overflows.steps;
    facts.overflowed_results += overflows.results;
    facts.products += products;
  });
  return facts;
}

}  // namespace potomac::sim
