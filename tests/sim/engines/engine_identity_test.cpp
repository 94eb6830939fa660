// The same pass through every engine gives the same cycles, results and counts, and all agree with
// the plain sequential definition.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "sim/engines/count/closed_forms.hpp"
#include "sim/engines/count/operand_statistics.hpp"
#include "sim/engines/engines.hpp"
#include "sim/engines/fast/fast_facts.hpp"
#include "tests/sim/engines/random_passes.hpp"
#include "tests/sim/engines/reference_pass.hpp"
#include "tests/sim/machine/drawn_blocking.hpp"

namespace potomac::test {
namespace {

// Waits at random, the same for every engine: it decides by the cycle alone.
class RandomPace : public sim::Pace {
 public:
  explicit RandomPace(std::uint64_t seed) : seed_(seed) {}
  bool may_step(const sim::ArrayStep& step) override {
    std::uint64_t x = seed_ ^ (step.cycle * 0x9E3779B97F4A7C15U);
    x ^= x >> 29U;
    x *= 0xBF58476D1CE4E5B9U;
    return (x >> 61U) != 0;  // seven times in eight
  }

 private:
  std::uint64_t seed_;
};

// Writes of partial-sum registers, result by result: each sum passes all rows of the array once for
// each block of depth.
std::uint64_t partial_sum_writes(const TestedPass& machine) {
  const std::int64_t rows = machine.architecture.array.rows;
  std::int64_t writes = 0;
  for (std::int64_t index = 0; index < machine.operands.count(); ++index) {
    const workloads::Gemm gemm = machine.operands.gemm(index);
    writes += gemm.m * gemm.n * rows * ((gemm.k + rows - 1) / rows);
  }
  return static_cast<std::uint64_t>(writes);
}

void check_identity(const TestedPass& machine) {
  const sim::Architecture& architecture = machine.architecture;
  sim::WorkerPool pool(2);
  const auto fast_engine = sim::make_engine("fast", pool);
  const auto systemc_engine = sim::make_engine("systemc", pool);
  const auto fast = run_mf_mac(*fast_engine, machine);
  const auto systemc = run_mf_mac(*systemc_engine, machine);
  const Reference reference = reference_pass(machine);

  RC_ASSERT(systemc.values == reference.values);
  RC_ASSERT(fast.values == reference.values);
  for (const auto* output : {&fast, &systemc}) {
    RC_ASSERT(std::ranges::all_of(output->times_delivered, [](int times) { return times == 1; }));
  }
  RC_ASSERT(fast.result.cycles == systemc.result.cycles);
  RC_ASSERT(fast.result.folds == systemc.result.folds);
  RC_ASSERT(fast.result.zeros.macs == reference.zero_operand);
  for (const energy::ActionInfo& action : energy::kActions) {
    const Count by_form = fast.result.actions.*action.member;
    const Count by_hardware = systemc.result.actions.*action.member;
    if (by_form != by_hardware) {
      RC_FAIL(
          fmt::format("{}: fast {} systemc {}", action.name, by_form.value(), by_hardware.value()));
    }
  }
  RC_ASSERT(fast.result == systemc.result);

  const energy::ActionCounts& actions = fast.result.actions;
  RC_ASSERT(actions.exponent_add == reference.exponent_add);
  RC_ASSERT(actions.sign_xor == reference.exponent_add);
  RC_ASSERT(actions.accumulate == reference.accumulate);
  RC_ASSERT(actions.gated_mac == reference.gated);
  RC_ASSERT(actions.overflow == reference.overflow);
  RC_ASSERT(actions.overflowed_result == reference.overflowed_result);
  RC_ASSERT(actions.dropped_product == reference.dropped);
  const bool os = keeps_sums(architecture.dataflow);
  RC_ASSERT(actions.accumulator_write == (os ? reference.accumulator_write : 0));
  RC_ASSERT(actions.psum_register_write == (os ? 0 : partial_sum_writes(machine)));

  const auto fast_fp32 = run_fp32(*fast_engine, machine);
  const auto systemc_fp32 = run_fp32(*systemc_engine, machine);
  const Fp32Reference of_fp32 = reference_fp32(machine);
  const auto values_fp32 = bits_of(of_fp32.values);
  RC_ASSERT(bits_of(fast_fp32.values) == values_fp32);
  RC_ASSERT(bits_of(systemc_fp32.values) == values_fp32);
  RC_ASSERT(fast_fp32.result == systemc_fp32.result);
  RC_ASSERT(fast_fp32.result.zeros.macs == of_fp32.zero_operand);
  // Facts that are known already give the same counts without a look at the values.
  const sim::ValueFacts facts =
      sim::value_facts(machine.operands, machine.accumulator, {}, {}, pool);
  sim::Job known = machine.job(sim::Unit::kMfMac);
  known.operands = nullptr;
  known.facts = &facts;
  const auto without_toggles = [](sim::PassCounts counts) {
    counts.toggles = energy::RegisterToggles::unknown();
    return counts;
  };
  RC_ASSERT(fast_engine->run(known, {}) == without_toggles(fast.result));
  known.unit = sim::Unit::kFp32Mac;
  RC_ASSERT(without_toggles(fast_fp32.result) ==
            sim::baseline_counts(sim::Unit::kFp32Mac, architecture, machine.schedule,
                                 systemc_fp32.result.zeros));
  const sim::ValueFacts of_values{sim::count_zeros(machine.multiplied_operands, pool), {}, {}};
  known.facts = &of_values;
  RC_ASSERT(fast_engine->run(known, {}) == without_toggles(fast_fp32.result));

  // A memory that holds the array back costs cycles, the same in every engine, and nothing else.
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  RandomPace for_fast(seed);
  RandomPace for_systemc(seed);
  const auto held = run_mf_mac(*systemc_engine, machine, &for_systemc);
  RC_ASSERT(held.values == reference.values);
  RC_ASSERT(held.result == run_mf_mac(*fast_engine, machine, &for_fast).result);
  energy::ActionCounts but_idle = held.result.actions;
  but_idle.idle_stall_pe_cycle = 0;
  RC_ASSERT(but_idle == systemc.result.actions);
  RC_ASSERT(held.result.toggles == systemc.result.toggles);
  for (const sim::PassCounts& counts : {systemc.result, held.result}) {
    RC_ASSERT(idle_of(counts.actions) + machine.schedule.macs() ==
              static_cast<std::uint64_t>(architecture.array.pes()) * counts.cycles.total());
  }
  RC_ASSERT(held.result.cycles.total() == systemc.result.cycles.total() + held.result.cycles.stall);
}

RC_GTEST_PROP(EngineIdentity, AnyPassOnAnyArrayIsTheSameInEveryEngine, ()) {
  const int max_bits = *rc::gen::inRange(3, 9);
  const workloads::Layer layer = random_layer(max_bits);
  const auto pass = *rc::gen::elementOf(workloads::passes_of(layer.shape));
  const workloads::LoweredPass operands(layer, pass, {});
  check_identity({random_architecture(operands, max_bits), layer, pass});
}

// The same where a memory has the array work block by block.
RC_GTEST_PROP(EngineIdentity, AnyCutOfAPassIsTheSameInEveryEngine, ()) {
  const int max_bits = *rc::gen::inRange(3, 9);
  const workloads::Layer layer = random_layer(max_bits);
  const auto pass = *rc::gen::elementOf(workloads::passes_of(layer.shape));
  const workloads::LoweredPass operands(layer, pass, {});
  const sim::Architecture architecture = random_architecture(operands, max_bits);
  check_identity({architecture, layer, pass, [&](const workloads::GemmShape& gemm) {
                    return drawn_blocking(gemm, architecture.array, architecture.dataflow);
                  }});
}

// The machine's choice of lowering changes no result: not in an overflow's order, not in a bit of
// binary32.
RC_GTEST_PROP(EngineIdentity, PhasesAndInsertedZerosGiveTheSameResults, ()) {
  workloads::Layer layer = random_layer(5);
  RC_PRE(workloads::is_convolution(layer.shape.kind));
  const auto pass = workloads::is_transposed(layer.shape.kind) ? workloads::Pass::kForward
                                                               : workloads::Pass::kBackwardData;
  sim::Architecture architecture = random_architecture({layer, pass, {}}, 5);
  sim::WorkerPool pool(2);
  const auto engine = sim::make_engine("fast", pool);
  std::vector<std::vector<std::int64_t>> sums;
  std::vector<std::vector<std::uint32_t>> floats;
  std::vector<energy::ActionCounts> actions;
  for (const auto form :
       {workloads::StridedBackwardData::kPhases, workloads::StridedBackwardData::kZeroInsert}) {
    architecture.lowering.strided_backward_data = form;
    const TestedPass machine(architecture, layer, pass);
    const auto output = run_mf_mac(*engine, machine);
    sums.push_back(in_place(output.values, machine.operands));
    floats.push_back(bits_of(in_place(run_fp32(*engine, machine).values, machine.operands)));
    actions.push_back(output.result.actions);
  }
  RC_ASSERT(sums[0] == sums[1]);
  RC_ASSERT(floats[0] == floats[1]);
  RC_ASSERT(actions[0].overflow == actions[1].overflow);
  RC_ASSERT(actions[0].dropped_product == actions[1].dropped_product);
  if (architecture.pe.zero_gating) {
    RC_ASSERT(actions[0].accumulate == actions[1].accumulate);
  }
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
  sim::Architecture architecture;
  architecture.array = {3, 5};
  architecture.pe.accumulator.bits = *rc::gen::element(30, 31, 32, 33, 36, 48, 64);
  architecture.pe.accumulator.overflow =
      *rc::gen::element(rtl::Overflow::kWrap, rtl::Overflow::kSaturate);
  const TestedPass machine(architecture, layer, workloads::Pass::kForward);
  sim::WorkerPool pool(2);
  const auto fast = run_mf_mac(*sim::make_engine("fast", pool), machine);
  const Reference reference = reference_pass(machine);
  RC_ASSERT(fast.values == reference.values);
  RC_ASSERT(fast.result.actions.overflow == reference.overflow);
  RC_ASSERT(fast.result.actions.overflowed_result == reference.overflowed_result);
  RC_CLASSIFY(reference.overflow > 0, "overflows");
}

// Registers of a larger machine: waves of rows, strips of columns and blocks of depth that are cut
// where no small case reaches. Toggles are those of the SystemC array.
struct PassExtent {
  std::int64_t m, n, k;
};

workloads::Layer layer_of(const PassExtent& extent, Data first, Data second) {
  workloads::Layer layer;
  layer.shape.name = "000-large";
  layer.shape.w = {extent.n, extent.k};
  layer.shape.a = {extent.m, extent.k};
  layer.shape.g = {extent.m, extent.n};
  layer.w = random_tensor(layer.shape.w, 5, second, 1);
  layer.a = random_tensor(layer.shape.a, 5, first, 2);
  return layer;
}

class LargerPasses : public testing::TestWithParam<std::tuple<PassExtent, sim::Dataflow>> {};

std::string name_of_larger_pass(const testing::TestParamInfo<LargerPasses::ParamType>& info) {
  const auto& [extent, dataflow] = info.param;
  return fmt::format("{}x{}x{}_{}", extent.m, extent.n, extent.k, name_of(dataflow));
}

TEST_P(LargerPasses, HaveTheTogglesOfTheHardware) {
  const auto& [extent, dataflow] = GetParam();
  const workloads::Layer layer = layer_of(extent, Data::kSparse, Data::kDense);
  sim::WorkerPool pool(2);
  const auto fast = sim::make_engine("fast", pool);
  const auto systemc = sim::make_engine("systemc", pool);
  for (const sim::ArrayShape array : {sim::ArrayShape{4, 37}, sim::ArrayShape{19, 3}}) {
    sim::Architecture architecture;
    architecture.array = array;
    architecture.dataflow = dataflow;
    architecture.issue = sim::Issue::kPipelined;
    const TestedPass machine(architecture, layer, workloads::Pass::kForward);
    EXPECT_EQ(run_mf_mac(*fast, machine).result, run_mf_mac(*systemc, machine).result);
    EXPECT_EQ(run_fp32(*fast, machine).result, run_fp32(*systemc, machine).result);
  }
}

INSTANTIATE_TEST_SUITE_P(OnEveryDataflow, LargerPasses,
                         testing::Combine(testing::Values(PassExtent{650, 5, 40},
                                                          PassExtent{3, 90, 650},
                                                          PassExtent{67, 75, 133}),
                                          testing::Values(sim::Dataflow::kOutputStationary,
                                                          sim::Dataflow::kWeightStationary,
                                                          sim::Dataflow::kInputStationary)),
                         &name_of_larger_pass);

TEST(FastEngine, TogglesOfMoreResultsThanAreHeldAtATimeAreTheHardwares) {
  const workloads::Layer layer = layer_of({520, 4100, 2}, Data::kDense, Data::kDense);
  sim::Architecture architecture;
  architecture.array = {3, 2};
  sim::WorkerPool pool(2);
  const TestedPass machine(architecture, layer, workloads::Pass::kForward);
  EXPECT_EQ(run_mf_mac(*sim::make_engine("fast", pool), machine).result,
            run_mf_mac(*sim::make_engine("systemc", pool), machine).result);
}

// What depends on values is unknown without them, and nothing else is.
TEST(FastEngine, WithoutValuesKnowsWhatTheShapesDecide) {
  const workloads::Layer layer = [] {
    workloads::Layer made;
    made.shape.name = "000-fc";
    made.shape.w = {3, 4};
    made.shape.a = {5, 4};
    made.shape.g = {5, 3};
    made.w = random_tensor(made.shape.w, 5, Data::kSparse, 1);
    made.a = random_tensor(made.shape.a, 5, Data::kSparse, 2);
    return made;
  }();
  sim::WorkerPool pool(1);
  const auto engine = sim::make_engine("fast", pool);
  for (const bool gating : {true, false}) {
    sim::Architecture architecture;
    architecture.array = {2, 2};
    architecture.pe.zero_gating = gating;
    const TestedPass machine(architecture, layer, workloads::Pass::kForward);
    sim::Job job = machine.job(sim::Unit::kMfMac);
    const sim::PassCounts with = engine->run(job, {});
    job.operands = nullptr;
    const sim::PassCounts without = engine->run(job, {});
    EXPECT_EQ(without.cycles, with.cycles);
    EXPECT_EQ(without.folds, with.folds);
    EXPECT_EQ(without.actions.drain_hop, with.actions.drain_hop);
    EXPECT_EQ(idle_of(without.actions), idle_of(with.actions));
    EXPECT_FALSE(without.zeros.macs.known());
    EXPECT_FALSE(without.actions.overflow.known());
    EXPECT_EQ(without.actions.exponent_add.known(), !gating);
    EXPECT_EQ(without.actions.accumulator_write.known(), !gating);
    if (!gating) {
      EXPECT_EQ(without.actions.exponent_add, with.actions.exponent_add);
      EXPECT_EQ(without.actions.accumulator_write, with.actions.accumulator_write);
    }
  }
}

}  // namespace
}  // namespace potomac::test
