// Memories around whole workloads: what holds whatever the sizes.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sim/plan/memory_plans.hpp"
#include "sim/studies/simulation.hpp"
#include "support/error.hpp"
#include "workloads/sources/open_workload.hpp"

namespace potomac::sim {
namespace {

constexpr const char* kTrace = POTOMAC_SOURCE_DIR "/workloads/traces/fashion-cnn-b16.h5";
constexpr const char* kResnet = POTOMAC_SOURCE_DIR "/workloads/models/resnet50.yaml";

class MemoryOfWorkload : public testing::TestWithParam<const char*> {
 protected:
  // Shapes are enough.
  std::vector<PassRecord> run(const Architecture& architecture) {
    return simulate_from_facts(*workload_, architecture, {}, {});
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
        EXPECT_EQ(records[i].quantities.cycles.stall, 0U);
        EXPECT_EQ(records[i].quantities.baseline_cycles.stall, 0U);
        bool is_cut = false;
        for (std::size_t j = 0; j < records[i].gemms.size(); ++j) {
          is_cut = is_cut || records[i].tiles[j].extents != extents_of(records[i].gemms[j]);
        }
        if (!is_cut || dataflow == Dataflow::kOutputStationary) {
          EXPECT_EQ(records[i].quantities.cycles, always_there[i].quantities.cycles);
          EXPECT_EQ(records[i].quantities.actions, always_there[i].quantities.actions);
        } else {
          EXPECT_GE(records[i].quantities.cycles.total(),
                    always_there[i].quantities.cycles.total());
        }
      }
    }
  }
}

TEST_P(MemoryOfWorkload, LargerScratchpadsNeverCostTraffic) {
  for (const Dataflow dataflow : kDataflows) {
    std::vector<PassRecord> smaller;
    for (const std::int64_t kib : {4, 16, 64, 256, 1 << 18}) {
      const auto records = run(machine(dataflow, Issue::kSerial, kib));
      for (std::size_t i = 0; i < records.size(); ++i) {
        const Quantities& now = records[i].quantities;
        for (const auto machine : {&Quantities::memory, &Quantities::baseline_memory}) {
          const energy::MemoryAccesses& memory = now.*machine;
          EXPECT_GE(traffic(memory), memory.compulsory_bits.value());
          if (kib == 1 << 18) {
            EXPECT_EQ(traffic(memory), memory.compulsory_bits.value());  // all of it fits
          }
          if (!smaller.empty()) {
            EXPECT_LE(traffic(memory), traffic(smaller[i].quantities.*machine))
                << records[i].layer << " " << name_of(records[i].pass) << " " << kib;
          }
        }
      }
      smaller = records;
    }
  }
}

TEST_P(MemoryOfWorkload, MoreBandwidthNeverCostsCycles) {
  for (const Dataflow dataflow : kDataflows) {
    std::vector<PassRecord> slower;
    for (const double bandwidth : {0.8, 3.0, 25.6, 100.0, 100000.0}) {
      Architecture architecture = machine(dataflow, Issue::kPipelined, 32);
      architecture.memory->dram = {bandwidth, 60.0};
      const auto records = run(architecture);
      for (std::size_t i = 0; i < records.size(); ++i) {
        const Quantities& now = records[i].quantities;
        EXPECT_EQ((now.stall_by.first + now.stall_by.second + now.stall_by.results).value(),
                  now.cycles.stall);
        EXPECT_EQ(now.actions.idle_stall_pe_cycle, 256U * now.cycles.stall);
        if (!slower.empty()) {
          EXPECT_LE(now.cycles.total(), slower[i].quantities.cycles.total());
          EXPECT_LE(now.baseline_cycles.total(), slower[i].quantities.baseline_cycles.total());
        }
      }
      slower = records;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Workloads, MemoryOfWorkload, testing::Values(kTrace, kResnet),
                         [](const auto& parameter) {
                           return std::string(parameter.param) == kResnet ? "Resnet50"
                                                                          : "ShippedTrace";
                         });

TEST(MemoryPlans, ReuseThePlanOfALikePass) {
  const auto workload = workloads::open_workload(kResnet, {{"batch", 1}});
  Architecture architecture;
  architecture.memory.emplace();
  WorkerPool pool(2);
  const MemoryPlans plans(*workload, architecture, {}, pool);

  EXPECT_NE(plans.find(0, workloads::Pass::kForward), nullptr);
  const PassPlans* one = nullptr;
  std::size_t alike = 0;
  for (std::size_t i = 0; i < workload->layers().size(); ++i) {
    const workloads::LayerShape& layer = workload->layers()[i];
    if (layer.w == workloads::Shape{256, 256, 3, 3} && layer.conv.stride[0] == 1) {
      const PassPlans* const found = plans.find(i, workloads::Pass::kForward);
      EXPECT_TRUE(one == nullptr || one == found);
      one = found;
      ++alike;
    }
  }
  EXPECT_GT(alike, 1U);
}

TEST(MemoryPlans, RefuseAScratchpadThatHoldsNoFold) {
  const auto workload = workloads::open_workload(kResnet, {{"batch", 1}});
  Architecture architecture;
  architecture.array = {128, 128};
  architecture.memory.emplace();
  const auto refusal = [&] {
    try {
      require_memory(architecture, *workload, {});
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
  EXPECT_NE(refusal().find("memory.second.word_bits: a word of 4 bits is narrower than the 32 "
                           "that a lane of the FP32 array takes in a cycle"),
            std::string::npos)
      << refusal();
}

}  // namespace
}  // namespace potomac::sim
