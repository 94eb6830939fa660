// How fast the engines are, beside the machine's own limit, measured in one run on one core:
//   int16_peak: multiply-adds from registers, what no int16 kernel can exceed
//   fast_trained/D/M/K: the fast engine, whole M x M x K GEMMs of codes from the shipped trace:
//     packing, statistics and exact accumulation; by dataflow D (0 os, 1 ws, 2 is)
//   fast_normal/...: with dense normal values, and other formats and accumulators
//   fast_toggles/D/M/K: as fast_trained, with register toggles
//   stepped/systemc/D/R/I, stepped/verilog/...: an array of R x R PEs, by dataflow, in SystemC and
//   in
//     SystemVerilog (compiled before it is measured); I = 1: half of the slots are idle
// Compare within a run, never between runs. GMAC/s and PE-cycles/s are per second of processor
// time.
#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <optional>
#include <random>
#include <vector>

#include "sim/engines/engines.hpp"
#include "sim/engines/fast/exact_kernels.hpp"
#include "tests/benchmarks/int16_peak.hpp"
#include "tests/sim/engines/reference_pass.hpp"
#include "workloads/layers/lowering.hpp"
#include "workloads/quantizer/als_potq.hpp"
#include "workloads/sources/trace_reader.hpp"

namespace potomac::test {
namespace {

using benchmark::Counter;

// Normally distributed values, quantized: the usual case. Zeros come as in training, from rounding.
workloads::QuantizedTensor normal_tensor(const workloads::Shape& shape, int bits,
                                         std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<std::size_t>(workloads::element_count(shape)));
  for (float& value : values) {
    value = normal(random);
  }
  return workloads::als_potq(values, shape, bits, workloads::Rounding::kLog2, "benchmark");
}

workloads::Layer linear_shape(std::int64_t m, std::int64_t n, std::int64_t k) {
  workloads::Layer layer;
  layer.shape.name = "000-benchmark";
  layer.shape.w = {n, k};
  layer.shape.a = {m, k};
  layer.shape.g = {m, n};
  return layer;
}

// Dense normal operands: their sums come near 2^31, and leave it, from depths of about 1000 on.
workloads::Layer normal_layer(std::int64_t m, std::int64_t n, std::int64_t k, int bits) {
  workloads::Layer layer = linear_shape(m, n, k);
  layer.w = normal_tensor(layer.shape.w, bits, 1);
  layer.a = normal_tensor(layer.shape.a, bits, 2);
  return layer;
}

// Codes drawn from a tensor of the shipped trace: values as training has them.
workloads::QuantizedTensor drawn_tensor(const workloads::Shape& shape,
                                        const workloads::QuantizedTensor& from,
                                        std::uint64_t seed) {
  std::mt19937_64 random(seed);
  workloads::QuantizedTensor tensor{shape, from.bits, from.beta, {}};
  const auto count = static_cast<std::size_t>(workloads::element_count(shape));
  for (std::size_t i = 0; i < count; ++i) {
    tensor.codes.push_back(from.codes[random() % from.codes.size()]);
  }
  return tensor;
}

workloads::Layer trained_layer(std::int64_t m, std::int64_t n, std::int64_t k) {
  const workloads::TraceReader trace(POTOMAC_SOURCE_DIR "/workloads/traces/fashion-cnn-b16.h5");
  const workloads::Layer conv = *trace.read(2);
  workloads::Layer layer = linear_shape(m, n, k);
  layer.w = drawn_tensor(layer.shape.w, conv.w, 1);
  layer.a = drawn_tensor(layer.shape.a, conv.a, 2);
  return layer;
}

void int16_peak(benchmark::State& state) {
  std::uint64_t macs = 0;
  for (auto _ : state) {
    macs += int16_multiply_adds(10'000'000);
  }
  state.counters["GMAC/s"] = Counter(static_cast<double>(macs) * 1e-9, Counter::kIsRate);
  state.SetLabel(sim::instruction_set_name());
}

void run_fast(benchmark::State& state, const workloads::Layer& layer,
              const rtl::AccumulatorConfig& accumulator,
              sim::Dataflow dataflow = sim::Dataflow::kOutputStationary,
              const sim::Detail& detail = {}) {
  sim::Architecture architecture;
  architecture.array = {32, 32};
  architecture.dataflow = dataflow;
  architecture.pe.operand_bits = layer.w.bits;
  architecture.pe.accumulator = accumulator;
  const TestedPass machine(architecture, layer, workloads::Pass::kForward);
  sim::WorkerPool pool(1);
  const auto engine = sim::make_engine("fast", pool);
  std::uint64_t macs = 0;
  std::uint64_t overflows = 0;
  for (auto _ : state) {
    overflows = engine->run(machine.job(sim::Unit::kMfMac), detail).actions.overflow.value();
    macs += machine.schedule.macs();
  }
  state.counters["GMAC/s"] = Counter(static_cast<double>(macs) * 1e-9, Counter::kIsRate);
  state.counters["overflows"] = static_cast<double>(overflows);
}

constexpr std::array kDataflows = {sim::Dataflow::kOutputStationary,
                                   sim::Dataflow::kWeightStationary,
                                   sim::Dataflow::kInputStationary};

void run_trained(benchmark::State& state, const sim::Detail& detail) {
  run_fast(state, trained_layer(state.range(1), state.range(1), state.range(2)), {},
           kDataflows.at(static_cast<std::size_t>(state.range(0))), detail);
}

void fast_trained(benchmark::State& state) {
  run_trained(state, {});
}

void fast_toggles(benchmark::State& state) {
  run_trained(state, {.toggles = true});
}

void fast_normal(benchmark::State& state, int bits, const rtl::AccumulatorConfig& accumulator) {
  run_fast(state, normal_layer(state.range(0), state.range(0), state.range(1), bits), accumulator);
}

void stepped(benchmark::State& state, const char* name) {
  const auto side = state.range(1);
  // Folds of 256 slots, or of as many as there are cycles to fill and empty the array.
  const std::int64_t slots = state.range(2) == 0 ? 256 : 2 * side - 2;
  sim::Architecture architecture;
  architecture.array = {side, side};
  architecture.dataflow = kDataflows.at(static_cast<std::size_t>(state.range(0)));
  const workloads::Layer layer =
      keeps_sums(architecture.dataflow)     ? normal_layer(2 * side, 2 * side, slots, 5)
      : keeps_second(architecture.dataflow) ? normal_layer(slots, 2 * side, 2 * side, 5)
                                            : normal_layer(2 * side, slots, 2 * side, 5);
  const TestedPass machine(architecture, layer, workloads::Pass::kForward);
  sim::WorkerPool pool(1);
  const auto engine = sim::make_engine(name, pool);
  engine->run(machine.job(sim::Unit::kMfMac), {});  // the array is there then
  std::uint64_t pe_cycles = 0;
  for (auto _ : state) {
    const auto result = engine->run(machine.job(sim::Unit::kMfMac), {});
    pe_cycles += result.cycles.total() * static_cast<std::uint64_t>(architecture.array.pes());
  }
  state.counters["PE-cycles/s"] = Counter(static_cast<double>(pe_cycles), Counter::kIsRate);
}

BENCHMARK(int16_peak)->Unit(benchmark::kMillisecond);
using rtl::Overflow;
BENCHMARK(fast_trained)
    ->Args({0, 256, 1152})
    ->Args({0, 512, 2304})
    ->ArgsProduct({{0, 1, 2}, {1024}, {4608}})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(fast_normal, 5bit_exact_32bits, 5, {32, {}, Overflow::kWrap})
    ->Args({256, 576})
    ->Args({256, 2304})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(fast_normal, 5bit_exact_48bits, 5, {48, {}, Overflow::kWrap})
    ->Args({256, 2304})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(fast_normal, 5bit_exact_30bits_saturating, 5, {30, {}, Overflow::kSaturate})
    ->Args({256, 2304})
    ->Unit(benchmark::kMillisecond);
// Lowest bits above the exact one: of products that are kept, sums that cannot overflow; that may,
// and are watched; and of wider accumulators.
BENCHMARK_CAPTURE(fast_normal, 5bit_lsb_minus8_32bits, 5, {32, -8, Overflow::kWrap})
    ->ArgsProduct({{256, 1024}, {1152}})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(fast_normal, 5bit_lsb_4_20bits_saturating, 5, {20, 4, Overflow::kSaturate})
    ->ArgsProduct({{256, 1024}, {1152}})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(fast_normal, 5bit_lsb_minus8_24bits, 5, {24, -8, Overflow::kWrap})
    ->ArgsProduct({{256, 1024}, {1152}})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(fast_normal, 5bit_lsb_minus8_40bits, 5, {40, -8, Overflow::kWrap})
    ->Args({1024, 1152})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(fast_normal, 6bit_exact_64bits, 6, {64, {}, Overflow::kWrap})
    ->Args({256, 1152})
    ->Unit(benchmark::kMillisecond);
BENCHMARK(fast_toggles)
    ->ArgsProduct({{0, 1, 2}, {256}, {1152}})
    ->ArgsProduct({{0, 1, 2}, {1024}, {4608}})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(stepped, systemc, "systemc")
    ->ArgsProduct({{0, 1, 2}, {16, 32}, {0, 1}})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(stepped, verilog, "verilog")
    ->ArgsProduct({{0, 1, 2}, {16, 32}, {0, 1}})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace potomac::test

BENCHMARK_MAIN();
