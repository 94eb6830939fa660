// Plans of whole workloads: what is alike is planned once, and what holds of memories whatever the
// sizes.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sim/plan/pass_plans.hpp"
#include "sim/studies/simulation.hpp"
#include "support/error.hpp"
#include "workloads/sources/open_workload.hpp"

namespace potomac::sim {
namespace {

constexpr const char* kTrace = POTOMAC_SOURCE_DIR "/workloads/traces/fashion-cnn-b16.h5";
constexpr const char* kResnet = POTOMAC_SOURCE_DIR "/workloads/models/resnet50.yaml";

class MemoryOfWorkload : public testing::TestWithParam<const char*> {
 protected:
  // Each distinct pass, on the MF-MAC and on the FP32 array. Shapes are enough.
  std::vector<std::vector<MachineRecord>> run(const Architecture& architecture) {
    WorkerPool pool(1);
    const CountedPasses counted = count_passes(PassPlans(list_, architecture, {}, pool), {});
    std::vector<std::vector<MachineRecord>> records;
    for (std::size_t i = 0; i < counted.size(); ++i) {
      records.push_back({counted.record(i, kMfMacMachine), counted.record(i, kFp32Machine)});
    }
    return records;
  }
  const std::vector<workloads::GemmShape>& gemms(std::size_t record) const {
    return list_.distinct({})[record].gemms;
  }

  static Architecture machine(Dataflow dataflow, Issue issue, std::int64_t kib) {
    Architecture architecture;
    architecture.dataflow = dataflow;
    architecture.issue = issue;
    MemoryConfig& memory = architecture.memory.emplace();
    memory.first.kib = memory.second.kib = memory.results.kib = kib;
    return architecture;
  }

  std::unique_ptr<workloads::Workload> workload_ = workloads::open_workload(
      GetParam(), std::string(GetParam()) == kResnet ? workloads::Dimensions{{"batch", 2}}
                                                     : workloads::Dimensions{});
  PassList list_{*workload_, {}};
};

constexpr std::array kDataflows = {Dataflow::kOutputStationary, Dataflow::kWeightStationary,
                                   Dataflow::kInputStationary};

std::uint64_t traffic(const energy::MemoryAccesses& memory) {
  return memory.dram.read_bits.value() + memory.dram.written_bits.value();
}

TEST_P(MemoryOfWorkload, IdealDramCostsNoStall) {
  for (const Dataflow dataflow : kDataflows) {
    for (const Issue issue : {Issue::kSerial, Issue::kPipelined}) {
      const auto records = run(machine(dataflow, issue, 64));
      Architecture without = machine(dataflow, issue, 64);
      without.memory.reset();
      const auto always_there = run(without);
      ASSERT_EQ(records.size(), always_there.size());
      for (std::size_t i = 0; i < records.size(); ++i) {
        for (const std::size_t machine : {kMfMacMachine, kFp32Machine}) {
          const MachineRecord& record = records[i][machine];
          const Quantities& without_memory = always_there[i][machine].quantities;
          EXPECT_EQ(record.quantities.cycles.stall, 0U);
          bool is_cut = false;
          for (std::size_t j = 0; j < record.tiles.size(); ++j) {
            is_cut = is_cut || record.tiles[j].extents != extents_of(gemms(i)[j]);
          }
          if (!is_cut || keeps_sums(dataflow)) {
            EXPECT_EQ(record.quantities.cycles, without_memory.cycles);
            EXPECT_EQ(record.quantities.actions, without_memory.actions);
          } else {
            EXPECT_GE(record.quantities.cycles.total(), without_memory.cycles.total());
          }
        }
      }
    }
  }
}

TEST_P(MemoryOfWorkload, LargerScratchpadsNeverCostTraffic) {
  for (const Dataflow dataflow : kDataflows) {
    std::vector<std::vector<MachineRecord>> smaller;
    for (const std::int64_t kib : {4, 16, 64, 256, 1 << 18}) {
      const auto records = run(machine(dataflow, Issue::kSerial, kib));
      for (std::size_t i = 0; i < records.size(); ++i) {
        for (const std::size_t machine : {kMfMacMachine, kFp32Machine}) {
          const energy::MemoryAccesses& memory = records[i][machine].quantities.memory;
          EXPECT_GE(traffic(memory), memory.compulsory_bits.value());
          if (kib == 1 << 18) {
            EXPECT_EQ(traffic(memory), memory.compulsory_bits.value());  // all of it fits
          }
          if (!smaller.empty()) {
            EXPECT_LE(traffic(memory), traffic(smaller[i][machine].quantities.memory))
                << "pass " << i << " " << kib;
          }
        }
      }
      smaller = records;
    }
  }
}

// Of passes whose GEMMs are all alike; of others, whose GEMMs are judged one by one, hardly.
TEST_P(MemoryOfWorkload, LargerScratchpadsNeverCostTime) {
  for (const Dataflow dataflow : kDataflows) {
    std::vector<std::vector<MachineRecord>> smaller;
    for (const std::int64_t kib : {4, 16, 64, 256}) {
      Architecture architecture = machine(dataflow, Issue::kSerial, kib);
      architecture.memory->dram = {12.8, 60.0};
      const auto records = run(architecture);
      for (std::size_t i = 0; i < records.size(); ++i) {
        for (const std::size_t machine : {kMfMacMachine, kFp32Machine}) {
          if (smaller.empty()) {
            continue;
          }
          const std::uint64_t before = smaller[i][machine].quantities.cycles.total();
          EXPECT_LE(records[i][machine].quantities.cycles.total(),
                    gemms(i).size() > 1 ? before + before / 100 : before)
              << "pass " << i << " " << kib;
        }
      }
      smaller = records;
    }
  }
}

TEST_P(MemoryOfWorkload, MoreBandwidthNeverCostsCycles) {
  for (const Dataflow dataflow : kDataflows) {
    std::vector<std::vector<MachineRecord>> slower;
    for (const double bandwidth : {0.8, 3.0, 25.6, 100.0, 100000.0}) {
      Architecture architecture = machine(dataflow, Issue::kPipelined, 32);
      architecture.memory->dram = {bandwidth, 60.0};
      const auto records = run(architecture);
      for (std::size_t i = 0; i < records.size(); ++i) {
        for (const std::size_t machine : {kMfMacMachine, kFp32Machine}) {
          const Quantities& now = records[i][machine].quantities;
          EXPECT_EQ((now.stall_by.first + now.stall_by.second + now.stall_by.results).value(),
                    now.cycles.stall);
          EXPECT_EQ(now.actions.idle_stall_pe_cycle, 256U * now.cycles.stall);
          if (!slower.empty()) {
            EXPECT_LE(now.cycles.total(), slower[i][machine].quantities.cycles.total());
          }
        }
      }
      slower = records;
    }
  }
}

// What is true of plans is looked for in the large network by the optimized tests; the sanitizers
// see the same code on the small one.
#ifdef POTOMAC_SANITIZES
const auto kPlannedWorkloads = testing::Values(kTrace);
#else
const auto kPlannedWorkloads = testing::Values(kTrace, kResnet);
#endif
INSTANTIATE_TEST_SUITE_P(Workloads, MemoryOfWorkload, kPlannedWorkloads, [](const auto& parameter) {
  return std::string(parameter.param) == kResnet ? "Resnet50" : "ShippedTrace";
});

TEST(PassPlans, ReuseThePlanOfALikePass) {
  const auto workload = workloads::open_workload(kResnet, {{"batch", 1}});
  const PassList list(*workload, {});
  Architecture architecture;
  architecture.memory.emplace();
  WorkerPool pool(2);
  const PassPlans plans(list, architecture, {}, pool);
  EXPECT_LT(list.distinct(architecture.lowering).size(), list.items().size() / 2);

  const PlannedPass* one = nullptr;
  std::size_t alike = 0;
  for (const PassItem& item : list.items()) {
    const workloads::LayerShape& layer = list.layer(item);
    if (item.pass == workloads::Pass::kForward && layer.w == workloads::Shape{256, 256, 3, 3} &&
        layer.conv.stride[0] == 1) {
      const PlannedPass* const found = plans.of(item).data();
      EXPECT_TRUE(one == nullptr || one == found);
      one = found;
      ++alike;
    }
  }
  EXPECT_GT(alike, 1U);
}

// What is one plan in the list is one plan for every machine: nothing but its key tells passes
// apart.
TEST(PassPlans, OfPassesThatAreAlikeAreWhatTheirOwnWouldBe) {
  const auto workload = workloads::open_workload(kResnet, {{"batch", 2}});
  const PassList list(*workload, {});
  const Architecture architecture;
  WorkerPool pool(1);
  const PassPlans plans(list, architecture, {}, pool);
  for (const PassItem& item : list.items()) {
    const PassShape own = shape_of(list.layer(item), workload->formats()[item.layer], item.pass,
                                   architecture.lowering);
    const PassPlan& plan = plans.of(item)[kMfMacMachine].plan;
    EXPECT_EQ(plan.schedule->gemms(), own.gemms);
    EXPECT_EQ(plan.macs, own.macs);
    EXPECT_EQ(plan.structural_zero_macs, own.structural_zero_macs);
  }
}

TEST(PassPlans, MachinesThatMoveElementsAsWideShareTheirTiles) {
  const auto workload = workloads::open_workload(kTrace, {});
  const PassList list(*workload, {.layers = {"*conv2"}, .passes = {workloads::Pass::kForward}});
  Architecture architecture;
  architecture.memory.emplace();
  WorkerPool pool(1);
  const std::array rivals = {Unit::kFp16Mac, Unit::kBf16Mac, Unit::kInt8Mac};
  const PassPlans plans(list, architecture, rivals, pool);
  const auto planned = plans.of(list.items().front());
  ASSERT_EQ(planned.size(), 5U);
  EXPECT_EQ(planned[2].memory, planned[3].memory);
  EXPECT_NE(planned[2].memory, planned[4].memory);
  EXPECT_EQ(planned[2].memory->bits, (ElementBits{16, 16, 32}));
  EXPECT_EQ(planned[4].memory->bits, (ElementBits{8, 8, 32}));
  EXPECT_EQ(planned[1].plan.machine->id, "fp32_mac");
}

TEST(PassPlans, RefuseAScratchpadThatHoldsNoFold) {
  const auto workload = workloads::open_workload(kResnet, {{"batch", 1}});
  const PassList list(*workload, {});
  Architecture architecture;
  architecture.array = {128, 128};
  architecture.memory.emplace();
  const auto refusal = [&] {
    try {
      require_fit(list, architecture, {});
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  // 128 x 128 sums of 32 bits are 64 KiB, twice.
  EXPECT_NE(refusal().find("memory.results.kib: 64 KiB, double-buffered, are too small for one "
                           "fold of the FP32 array"),
            std::string::npos)
      << refusal();
  EXPECT_NE(refusal().find("set memory.results.kib to 128 or more"), std::string::npos);
  architecture.memory->results.kib = 128;
  EXPECT_EQ(refusal(), "");
  architecture.memory->second.word_bits = 4;
  EXPECT_NE(refusal().find("memory.second.word_bits: a word of 4 bits is narrower than the 5 "
                           "that a lane of the MF-MAC array takes in a cycle"),
            std::string::npos)
      << refusal();
  architecture.memory->second.word_bits = 7;  // the FP32 array's are 32
  EXPECT_EQ(refusal(), "");
}

}  // namespace
}  // namespace potomac::sim
