// The same GEMM through every engine gives the same cycles, results and counts, and all agree with
// the plain sequential definition.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

#include "sim/engines/count/closed_forms.hpp"
#include "sim/engines/engine.hpp"
#include "tests/sim/engines/random_gemms.hpp"
#include "tests/sim/engines/reference_gemm.hpp"

namespace potomac::test {
namespace {

using sim::EngineKind;

std::vector<std::uint32_t> bits_of(const std::vector<float>& values) {
  std::vector<std::uint32_t> bits;
  bits.reserve(values.size());
  for (const float value : values) {
    bits.push_back(std::bit_cast<std::uint32_t>(value));
  }
  return bits;
}

void check_identity(const workloads::Gemm& gemm, const sim::Architecture& architecture) {
  const auto fast_engine = sim::make_engine(EngineKind::kFast, architecture, 2);
  const auto systemc_engine = sim::make_engine(EngineKind::kSystemC, architecture, 1);
  const auto fast = run_mf_mac(*fast_engine, gemm);
  const auto systemc = run_mf_mac(*systemc_engine, gemm);
  const Reference reference = reference_gemm(architecture, gemm);

  RC_ASSERT(systemc.values == reference.values);
  RC_ASSERT(fast.values == reference.values);
  for (const auto* output : {&fast, &systemc}) {
    RC_ASSERT(std::ranges::all_of(output->times_delivered, [](int times) { return times == 1; }));
  }
  RC_ASSERT(fast.result.cycles == systemc.result.cycles);
  RC_ASSERT(fast.result.folds == systemc.result.folds);
  RC_ASSERT(fast.result.zeros.macs == reference.zero_operand);
  for (const energy::ActionInfo& action : energy::kActions) {
    const std::uint64_t by_form = fast.result.actions.*action.member;
    const std::uint64_t by_hardware = systemc.result.actions.*action.member;
    if (by_form != by_hardware) {
      RC_FAIL(fmt::format("{}: fast {} systemc {}", action.name, by_form, by_hardware));
    }
  }
  RC_ASSERT(fast.result == systemc.result);

  const energy::ActionCounts& actions = fast.result.actions;
  RC_ASSERT(actions.exponent_add == reference.exponent_add);
  RC_ASSERT(actions.sign_xor == reference.exponent_add);
  RC_ASSERT(actions.accumulate == reference.accumulate);
  RC_ASSERT(actions.gated_mac == reference.gated);
  RC_ASSERT(actions.overflow == reference.overflow);
  RC_ASSERT(actions.dropped_product == reference.dropped);
  RC_ASSERT(actions.accumulator_write == reference.accumulator_write);

  const auto fast_fp32 = run_fp32(*fast_engine, gemm);
  const auto systemc_fp32 = run_fp32(*systemc_engine, gemm);
  const auto values_fp32 = bits_of(reference_fp32(gemm));
  RC_ASSERT(bits_of(fast_fp32.values) == values_fp32);
  RC_ASSERT(bits_of(systemc_fp32.values) == values_fp32);
  RC_ASSERT(fast_fp32.result == systemc_fp32.result);
  RC_ASSERT(fast_fp32.result == sim::fp32_result(architecture, gemm, systemc.result.zeros));
}

RC_GTEST_PROP(EngineIdentity, AnyGemmOnAnyArrayIsTheSameInEveryEngine, ()) {
  const int max_bits = *rc::gen::inRange(3, 9);
  const workloads::Layer layer = random_layer(max_bits);
  const auto pass = *rc::gen::elementOf(workloads::passes_of(layer.shape));
  const auto count = workloads::gemm_shape(layer.shape, pass).count;
  const workloads::Gemm gemm =
      workloads::lower(layer, pass, *rc::gen::inRange<std::int64_t>(0, count));
  check_identity(gemm, random_architecture(gemm, max_bits));
}

// Long reductions of 5-bit codes on narrow margins: the multiply-add kernel's proofs hold in one
// stretch, fail in the next, and hold again.
RC_GTEST_PROP(EngineIdentity, LongSumsAroundTheEdgeOfOverflowAreTheSame, ()) {
  workloads::Layer layer;
  layer.shape.name = "000-long";
  const std::int64_t depth = *rc::gen::inRange(200, 900);
  const std::int64_t rows = extent(9);
  const std::int64_t cols = extent(40);
  layer.shape.w = {cols, depth};
  layer.shape.a = {rows, depth};
  layer.shape.g = {rows, cols};
  const auto data = [] {
    return *rc::gen::element(Data::kDense, Data::kSparse, Data::kExtreme, Data::kAlternating);
  };
  layer.w = random_tensor(layer.shape.w, 5, data(), *rc::gen::arbitrary<std::uint64_t>());
  layer.a = random_tensor(layer.shape.a, 5, data(), *rc::gen::arbitrary<std::uint64_t>());
  layer.g = random_tensor(layer.shape.g, 5, data(), *rc::gen::arbitrary<std::uint64_t>());
  const workloads::Gemm gemm = workloads::lower(layer, workloads::Pass::kForward, 0);
  sim::Architecture architecture;
  architecture.array = {3, 5};
  architecture.pe.accumulator.bits = *rc::gen::element(30, 31, 32, 33, 36, 48, 64);
  architecture.pe.accumulator.overflow =
      *rc::gen::element(rtl::Overflow::kWrap, rtl::Overflow::kSaturate);
  const auto engine = sim::make_engine(EngineKind::kFast, architecture, 2);
  const auto fast = run_mf_mac(*engine, gemm);
  const Reference reference = reference_gemm(architecture, gemm);
  RC_ASSERT(fast.values == reference.values);
  RC_ASSERT(fast.result.actions.overflow == reference.overflow);
  RC_CLASSIFY(reference.overflow > 0, "overflows");
}

}  // namespace
}  // namespace potomac::test
