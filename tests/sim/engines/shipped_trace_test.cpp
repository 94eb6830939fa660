// The whole shipped traces give one and the same result under both engines, baseline included.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sim/engines/count/closed_forms.hpp"
#include "sim/engines/engines.hpp"
#include "sim/machine/architecture_file.hpp"
#include "tests/sim/engines/reference_pass.hpp"
#include "workloads/sources/trace_reader.hpp"

namespace potomac::test {
namespace {

constexpr const char* kTraces = POTOMAC_SOURCE_DIR "/workloads/traces/";
constexpr const char* kArchitecture = POTOMAC_SOURCE_DIR "/sim/architectures/os-16x16.yaml";

// Sanitizers slow SystemC down tenfold; a layer of each kind is enough for them.
#ifdef POTOMAC_SANITIZES
constexpr std::size_t kMostLayers = 5;
#else
constexpr std::size_t kMostLayers = 1000;
#endif

class ShippedTraces : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(, ShippedTraces,
                         testing::Values("fashion-cnn-b16", "words-transformer-b32"),
                         [](const auto& shipped) {
                           std::string name = shipped.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST_P(ShippedTraces, EveryGemmIsTheSameInBothEngines) {
  const sim::Architecture architecture = sim::load_architecture(kArchitecture);
  sim::WorkerPool pool(2);
  const auto fast = sim::make_engine("fast", pool);
  const auto systemc = sim::make_engine("systemc", pool);
  const workloads::TraceReader trace(std::string(kTraces) + GetParam() + ".h5");
  for (std::size_t i = 0; i < std::min(trace.layers().size(), kMostLayers); ++i) {
    const workloads::Layer layer = *trace.read(i);
    for (const workloads::Pass pass : workloads::passes_of(layer.shape)) {
      SCOPED_TRACE(layer.shape.name + " " + std::string(workloads::name_of(pass)));
      const TestedPass machine(architecture, layer, pass);
      const auto by_fast = run_mf_mac(*fast, machine);
      const auto by_systemc = run_mf_mac(*systemc, machine);
      EXPECT_EQ(by_fast.result, by_systemc.result);
      EXPECT_EQ(by_fast.values, by_systemc.values);
    }
  }
}

// The FP32 array, simulated on the smaller layers, does what the closed form counts.
TEST(ShippedTrace, TheBaselineArrayAgreesWithItsClosedForm) {
  const sim::Architecture architecture = sim::load_architecture(kArchitecture);
  sim::WorkerPool pool(1);
  const auto systemc = sim::make_engine("systemc", pool);
  const auto fast = sim::make_engine("fast", pool);
  const workloads::TraceReader trace(std::string(kTraces) + "fashion-cnn-b16.h5");
  for (const std::size_t i : {std::size_t{0}, std::size_t{4}}) {
    const workloads::Layer layer = *trace.read(i);
    for (const workloads::Pass pass : workloads::passes_of(layer.shape)) {
      const TestedPass machine(architecture, layer, pass);
      const auto by_systemc = run_fp32(*systemc, machine);
      const auto by_fast = run_fp32(*fast, machine);
      EXPECT_EQ(by_systemc.values, by_fast.values);
      EXPECT_EQ(by_systemc.result, by_fast.result);
      sim::PassCounts but_toggles = by_systemc.result;
      but_toggles.toggles = energy::RegisterToggles::unknown();
      EXPECT_EQ(but_toggles, sim::baseline_counts(sim::Unit::kFp32Mac, architecture,
                                                  machine.schedule, by_systemc.result.zeros));
    }
  }
}

}  // namespace
}  // namespace potomac::test
