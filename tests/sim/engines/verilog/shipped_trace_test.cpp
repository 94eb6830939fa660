// The whole shipped CNN trace through the array in SystemVerilog: every sum, cycle, action and
// toggle of either machine is that of the fast engine, which tests/sim/engines holds equal to
// SystemC.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sim/engines/engines.hpp"
#include "sim/engines/verilog/verilog_engine.hpp"
#include "sim/machine/architecture_file.hpp"
#include "tests/sim/engines/reference_pass.hpp"
#include "workloads/sources/trace_reader.hpp"

namespace potomac::test {
namespace {

sim::ArrayCompilation tested_arrays() {
  sim::ArrayCompilation compilation;
  compilation.cache = POTOMAC_BINARY_DIR "/tests-cache/potomac/verilog";
  return compilation;
}

TEST(VerilogShippedTrace, EveryGemmIsTheSameInSystemVerilog) {
  const sim::Architecture architecture =
      sim::load_architecture(POTOMAC_SOURCE_DIR "/sim/architectures/os-16x16.yaml");
  sim::WorkerPool pool(2);
  const auto fast = sim::make_engine("fast", pool);
  const auto verilog = sim::make_verilog_engine(tested_arrays());
  const workloads::TraceReader trace(POTOMAC_SOURCE_DIR "/workloads/traces/fashion-cnn-b16.h5");
  for (std::size_t i = 0; i < trace.layers().size(); ++i) {
    const workloads::Layer layer = *trace.read(i);
    for (const workloads::Pass pass : workloads::passes_of(layer.shape)) {
      SCOPED_TRACE(layer.shape.name + " " + std::string(workloads::name_of(pass)));
      const TestedPass machine(architecture, layer, pass);
      const auto by_fast = run_mf_mac(*fast, machine);
      const auto by_verilog = run_mf_mac(*verilog, machine);
      EXPECT_EQ(by_fast.result, by_verilog.result);
      EXPECT_EQ(by_fast.values, by_verilog.values);
      if (layer.shape.kind == workloads::LayerKind::kLinear) {  // the smaller ones
        const auto floats_by_fast = run_fp32(*fast, machine);
        const auto floats_by_verilog = run_fp32(*verilog, machine);
        EXPECT_EQ(floats_by_fast.result, floats_by_verilog.result);
        EXPECT_EQ(bits_of(floats_by_fast.values), bits_of(floats_by_verilog.values));
      }
    }
  }
}

// What each PE did, as both arrays that are stepped through tell it.
TEST(VerilogShippedTrace, EveryPeDoesWhatTheSystemCPeDoes) {
  sim::Architecture architecture =
      sim::load_architecture(POTOMAC_SOURCE_DIR "/sim/architectures/os-16x16.yaml");
  architecture.issue = sim::Issue::kPipelined;
  sim::WorkerPool pool(1);
  const auto systemc = sim::make_engine("systemc", pool);
  const auto verilog = sim::make_verilog_engine(tested_arrays());
  const workloads::TraceReader trace(POTOMAC_SOURCE_DIR "/workloads/traces/fashion-cnn-b16.h5");
  const workloads::Layer layer = *trace.read(4);
  for (const sim::Dataflow dataflow :
       {sim::Dataflow::kOutputStationary, sim::Dataflow::kWeightStationary}) {
    architecture.dataflow = dataflow;
    const TestedPass machine(architecture, layer, workloads::Pass::kBackwardData);
    const auto pes_of = [&](sim::Engine& engine) {
      std::vector<sim::PeActivity> pes;
      engine.run(machine.job(sim::Unit::kMfMac),
                 {.toggles = true, .pes = [&](const sim::PeMap& map) { pes = map.pes; }});
      return pes;
    };
    const auto by_systemc = pes_of(*systemc);
    EXPECT_EQ(by_systemc.size(), 256U);
    EXPECT_TRUE(by_systemc == pes_of(*verilog));
  }
}

}  // namespace
}  // namespace potomac::test
