// The memory's modules beside the SystemC array: they hold it back as was planned, and tell of a
// deadlock.
#include "sim/memory/tlm_memory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "sim/machine/architecture_file.hpp"
#include "sim/memory/pass_memory.hpp"
#include "tests/sim/engines/random_passes.hpp"
#include "tests/sim/engines/reference_pass.hpp"

namespace potomac::sim {
namespace {

std::vector<Blocking> blockings_of(const Schedule& schedule) {
  std::vector<Blocking> blockings;
  for (std::size_t i = 0; i < schedule.gemms().size(); ++i) {
    blockings.push_back(schedule.blocking(i));
  }
  return blockings;
}

using test::Data;
using test::TestedPass;

// 8 x 4 x 8 on 2 x 2 PEs, in tiles of which each has two folds of depth.
struct SmallPass {
  SmallPass() {
    layer.shape.name = "000-fc";
    layer.shape.w = {4, 8};
    layer.shape.a = {8, 8};
    layer.shape.g = {8, 4};
    layer.w = test::random_tensor(layer.shape.w, 5, Data::kDense, 1);
    layer.a = test::random_tensor(layer.shape.a, 5, Data::kSparse, 2);
    layer.g = test::random_tensor(layer.shape.g, 5, Data::kDense, 3);
    architecture.array = {2, 2};
    architecture.dataflow = Dataflow::kWeightStationary;
    architecture.issue = Issue::kPipelined;
    architecture.memory.emplace().dram = {1.0, 20.0};
    architecture.memory->first.double_buffered = false;
  }

  TestedPass machine() const {
    return {architecture, layer, workloads::Pass::kForward, [](const workloads::GemmShape&) {
              return Blocking{{4, 2, 4}, {Index::kM, Index::kN, Index::kK}};
            }};
  }

  workloads::Layer layer;
  Architecture architecture;
};

class TlmMemory : public testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(, TlmMemory,
                         testing::Values("memory.dram.latency_ns=20",
                                         "memory.dram.preset=ddr4-2400",
                                         "memory.dram.preset=lpddr4-3200"));

TEST_P(TlmMemory, HoldsTheArrayBackAsTheModelSays) {
  SmallPass pass;
  set_key(pass.architecture, GetParam());
  const TestedPass machine = pass.machine();
  auto operands =
      operands_of(pass.layer.shape, workloads::Pass::kForward, pass.architecture.lowering);
  const ElementBits bits{5, 5, 32};
  MemoryPace model(pass.architecture, machine.schedule, operands, bits);
  const std::uint64_t stalls = model.total_stalls(machine.schedule, pass.architecture.issue);
  EXPECT_GT(model.stalls().first, 0U);
  EXPECT_GT(model.stalls().second, 0U);
  EXPECT_GT(model.stalls().results, 0U);
  const PassMemory plan{.bits = bits,
                        .tiles = blockings_of(machine.schedule),
                        .accesses = {},
                        .stalls = model.stalls()};
  PlannedPace pace(pass.layer.shape, workloads::Pass::kForward, pass.architecture, machine.schedule,
                   plan);
  WorkerPool pool(1);
  const auto engine = make_engine_with_memory("systemc", pool);
  Job job = machine.job(Unit::kMfMac);
  job.pace = &pace;
  const PassCounts counts = engine->run(job, {});
  EXPECT_EQ(counts.cycles.stall, stalls);
  // The same engine goes on without a memory, and with another plan's stalls it protests.
  job.pace = nullptr;
  EXPECT_EQ(engine->run(job, {}).cycles.stall, 0U);
  PassMemory other = plan;
  other.stalls.first += 1;
  other.stalls.second -= 1;
  PlannedPace wrong(pass.layer.shape, workloads::Pass::kForward, pass.architecture,
                    machine.schedule, other);
  job.pace = &wrong;
  EXPECT_THROW(engine->run(job, {}), std::logic_error);
}

TEST(TlmMemoryDeadlock, TellsWhoWaitsForWhomInADeadlock) {
  const SmallPass pass;
  const TestedPass machine = pass.machine();
  const PassMemory plan{
      .bits = {5, 5, 32}, .tiles = blockings_of(machine.schedule), .accesses = {}, .stalls = {}};
  PlannedPace pace(pass.layer.shape, workloads::Pass::kForward, pass.architecture, machine.schedule,
                   plan);
  WorkerPool pool(1);
  // What streams before what stays: it waits for the last slot of the tile before, and that slot
  // comes with the first row of what stays.
  const auto engine = make_engine_with_memory(
      "systemc", pool, [](const Architecture&) -> std::vector<TransferKind> {
        return {TransferKind::kLoadFirst, TransferKind::kLoadSecond, TransferKind::kStoreResults,
                TransferKind::kLoadSums};
      });
  Job job = machine.job(Unit::kMfMac);
  job.pace = &pace;
  std::string message;
  try {
    engine->run(job, {});
  } catch (const std::logic_error& error) {
    message = error.what();
  }
  EXPECT_THAT(message, testing::MatchesRegex(
                           "deadlock in cycle [0-9]+: the array waits for the second operand of "
                           "tile 1 since cycle [0-9]+; DMA waits since cycle [0-9]+ with the first "
                           "operand of tile 1, until the array has taken the last slot of tile 0"));
  // The engine makes a new array for the next pass.
  job.pace = nullptr;
  EXPECT_EQ(engine->run(job, {}).cycles.stall, 0U);
}

}  // namespace
}  // namespace potomac::sim
