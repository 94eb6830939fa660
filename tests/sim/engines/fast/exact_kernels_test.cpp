// The fast engine's kernels in every instruction set that this machine has.
#include "sim/engines/fast/exact_kernels.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

// The same targets as in exact_kernels.cpp.
#define HWY_DISABLED_TARGETS \
  (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | POTOMAC_DISABLED_TARGETS)
#include <hwy/targets.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/engines/engines.hpp"
#include "tests/sim/engines/random_passes.hpp"
#include "tests/sim/engines/reference_pass.hpp"

namespace potomac::test {
namespace {

// Makes one instruction set the one in use, for a scope.
class UseTarget {
 public:
  explicit UseTarget(std::int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
  ~UseTarget() {
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
  UseTarget(const UseTarget&) = delete;
  UseTarget& operator=(const UseTarget&) = delete;
};

std::vector<std::int64_t> targets() {
  return hwy::SupportedAndGeneratedTargets();
}

// Empty, or what differs between the fast engine and the sequential definition; toggles between
// this instruction set and the first one that was asked, which `toggles` keeps. (That they are the
// hardware's, engine_identity_test.cpp shows.)
std::string compare(const TestedPass& machine, const Reference& reference,
                    std::optional<energy::RegisterToggles>& toggles) {
  sim::WorkerPool pool(2);
  const auto fast = run_mf_mac(*sim::make_engine("fast", pool), machine);
  if (!std::ranges::all_of(fast.times_delivered, [](int times) { return times == 1; })) {
    return "a result is not delivered once";
  }
  if (fast.values != reference.values) {
    return "values differ";
  }
  if (fast.result.toggles != toggles.value_or(fast.result.toggles)) {
    return "toggles differ";
  }
  toggles = fast.result.toggles;
  const energy::ActionCounts& actions = fast.result.actions;
  if (actions.overflow != reference.overflow) {
    return fmt::format("{} overflows, expected {}", actions.overflow.value(), reference.overflow);
  }
  if (actions.overflowed_result != reference.overflowed_result) {
    return fmt::format("{} overflowed results, expected {}", actions.overflowed_result.value(),
                       reference.overflowed_result);
  }
  const bool os = keeps_sums(machine.architecture.dataflow);
  if (actions.dropped_product != reference.dropped ||
      actions.exponent_add != reference.exponent_add ||
      actions.accumulate != reference.accumulate || actions.gated_mac != reference.gated ||
      (os && actions.accumulator_write != reference.accumulator_write)) {
    return "a count differs";
  }
  return "";
}

std::string compare_in_every_target(const sim::Architecture& architecture,
                                    const workloads::Layer& layer) {
  const TestedPass machine(architecture, layer, workloads::Pass::kForward);
  const Reference reference = reference_pass(machine);
  std::string differences;
  std::optional<energy::RegisterToggles> toggles;
  for (const std::int64_t target : targets()) {
    const UseTarget use(target);
    const std::string difference = compare(machine, reference, toggles);
    if (!difference.empty()) {
      differences += fmt::format("{}: {}; ", sim::instruction_set_name(), difference);
    }
  }
  return differences;
}

workloads::Layer linear_layer(std::int64_t m, std::int64_t n, std::int64_t k) {
  workloads::Layer layer;
  layer.shape.name = "000-linear";
  layer.shape.w = {n, k};
  layer.shape.a = {m, k};
  layer.shape.g = {m, n};
  return layer;
}

TEST(ExactKernels, EveryTargetOfThisMachineCanBeChosenAndIsRestored) {
  const std::string best = sim::instruction_set_name();
  ASSERT_FALSE(targets().empty());
  for (const std::int64_t target : targets()) {
    const UseTarget use(target);
    EXPECT_STREQ(sim::instruction_set_name(), hwy::TargetName(target));
    EXPECT_LE(sim::micro_tile_shape().mr, sim::kMaxMr);
    EXPECT_LE(sim::micro_tile_shape().nr, sim::kMaxNr);
  }
  EXPECT_EQ(sim::instruction_set_name(), best);
}

RC_GTEST_PROP(ExactKernels, AnyGemmIsTheSequentialSumInEveryTarget, ()) {
  const int bits_a = *rc::gen::inRange(3, 9);
  const int bits_w = *rc::gen::inRange(3, 9);
  workloads::Layer layer = linear_layer(extent(20), extent(70), extent(100));
  const auto data = [] {
    return *rc::gen::element(Data::kDense, Data::kSparse, Data::kExtreme, Data::kAlternating);
  };
  layer.a = random_tensor(layer.shape.a, bits_a, data(), *rc::gen::arbitrary<std::uint64_t>());
  layer.w = random_tensor(layer.shape.w, bits_w, data(), *rc::gen::arbitrary<std::uint64_t>());
  const workloads::LoweredPass pass(layer, workloads::Pass::kForward, {});
  const std::string differences =
      compare_in_every_target(random_architecture(pass, std::max(bits_a, bits_w)), layer);
  RC_LOG(differences);
  RC_ASSERT(differences.empty());
}

// Row 1 turns its sign at the half, row 2 at every second element; row 3 has some small ones;
// column 3 is all negative, column 4 zero.
workloads::Layer layer_of_long_sums(rtl::PotFormat format, std::int64_t depth) {
  workloads::Layer layer = linear_layer(5, 37, depth);
  layer.a = random_tensor(layer.shape.a, format.bits(), Data::kExtreme, 1);
  layer.w = random_tensor(layer.shape.w, format.bits(), Data::kExtreme, 2);
  for (std::int64_t k = 0; k < depth; ++k) {
    const auto at = [&](std::int64_t row) { return static_cast<std::size_t>(row * depth + k); };
    layer.a.codes[at(1)] = format.encode(k >= depth / 2, format.e_max());
    layer.a.codes[at(2)] = format.encode(k % 2 == 1, format.e_max());
    layer.a.codes[at(3)] = format.encode(k % 3 == 0, k % 5 == 0 ? -format.e_max() : format.e_max());
    layer.w.codes[at(3)] = format.encode(true, format.e_max());
    layer.w.codes[at(4)] = format.zero();
  }
  return layer;
}

// Accumulators with room for 2^(headroom + 1) largest products, less one unit of the lowest bit,
// which lies at the exact one and above it.
std::vector<rtl::AccumulatorConfig> accumulators_with(rtl::PotFormat format, int headroom) {
  const int product = 4 * format.e_max();  // log2 of the largest product in exact units
  std::vector<rtl::AccumulatorConfig> all;
  for (const int raise : {0, 1, product / 4, product / 2 - 1, product - 2}) {
    const int bits = product + headroom + 2 - raise;
    for (const auto overflow : {rtl::Overflow::kWrap, rtl::Overflow::kSaturate}) {
      if (bits >= rtl::kMinAccumulatorBits && bits <= rtl::kMaxAccumulatorBits) {
        all.push_back({bits, rtl::exact_lsb(format, format) + raise, overflow});
      }
    }
  }
  return all;
}

// Sums that come to the edge of the accumulator's range, stand there, and fall back: the bound that
// lets products be added in any order must fail just in time. Widths and depths are chosen so that
// the edge comes within a run, at its end, within a block, and at its end; with lowest bits up to
// where only the few largest products are kept.
TEST(ExactKernels, SumsAroundTheEdgeOfOverflowInEveryTarget) {
  for (const int code_bits : {4, 5, 6}) {
    const rtl::PotFormat format(code_bits);
    for (const std::int64_t depth : {31, 33, 256, 640}) {
      const workloads::Layer layer = layer_of_long_sums(format, depth);
      for (const int headroom : {0, 1, 2, 3, 5, 8, 9}) {
        for (const rtl::AccumulatorConfig& accumulator : accumulators_with(format, headroom)) {
          sim::Architecture architecture;
          architecture.pe.operand_bits = code_bits;
          architecture.pe.accumulator = accumulator;
          architecture.pe.zero_gating = headroom % 2 == 0;
          ASSERT_EQ(compare_in_every_target(architecture, layer), "")
              << code_bits << "-bit codes, " << accumulator.bits << " bits, lowest "
              << accumulator.lsb.fixed() << ", depth " << depth;
        }
      }
    }
  }
}

TEST(ExactKernels, EveryAccumulatorWidthInEveryTarget) {
  for (int bits = rtl::kMinAccumulatorBits; bits <= rtl::kMaxAccumulatorBits; ++bits) {
    for (const int code_bits : {3, 5, 6, 8}) {
      workloads::Layer layer = linear_layer(3, 35, 70);
      layer.a = random_tensor(layer.shape.a, code_bits, Data::kDense, 3);
      layer.w = random_tensor(layer.shape.w, code_bits, Data::kDense, 4);
      for (const auto overflow : {rtl::Overflow::kWrap, rtl::Overflow::kSaturate}) {
        sim::Architecture architecture;
        architecture.pe.operand_bits = code_bits;
        // The lowest bit at which the largest product still fits.
        architecture.pe.accumulator = {bits, 2 * rtl::PotFormat(code_bits).e_max() - (bits - 2),
                                       overflow};
        ASSERT_EQ(compare_in_every_target(architecture, layer), "") << bits << ", " << code_bits;
      }
    }
  }
}

TEST(ExactKernels, Fp32SumsAreTheSameBitsInEveryTarget) {
  for (const Data data : {Data::kDense, Data::kSparse, Data::kExtreme}) {
    for (const int beta : {0, -80, 60}) {  // subnormal products; infinities
      workloads::Layer layer = linear_layer(7, 40, 90);
      layer.a = random_tensor(layer.shape.a, 8, data, 5);
      layer.w = random_tensor(layer.shape.w, 5, Data::kDense, 6);
      layer.a.beta = layer.w.beta = beta;
      for (const bool gating : {false, true}) {
        sim::Architecture architecture;
        architecture.baseline.zero_gating = gating;
        architecture.pe.operand_bits = 8;
        architecture.pe.accumulator.bits = 64;
        architecture.pe.accumulator.lsb = 40;
        const TestedPass machine(architecture, layer, workloads::Pass::kForward);
        const std::vector<float> expected = reference_fp32(machine).values;
        std::optional<energy::RegisterToggles> toggles;
        for (const std::int64_t target : targets()) {
          const UseTarget use(target);
          sim::WorkerPool pool(2);
          const auto fast = run_fp32(*sim::make_engine("fast", pool), machine);
          ASSERT_EQ(fast.result.toggles, toggles.value_or(fast.result.toggles))
              << sim::instruction_set_name();
          toggles = fast.result.toggles;
          for (std::size_t i = 0; i < expected.size(); ++i) {
            ASSERT_EQ(std::bit_cast<std::uint32_t>(fast.values[i]),
                      std::bit_cast<std::uint32_t>(expected[i]))
                << sim::instruction_set_name() << ", result " << i << ", beta " << beta;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace potomac::test
