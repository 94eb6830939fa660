// What each PE does, laid on the array fold by fold, against what the SystemC array's PEs count.
#include "sim/engines/count/pe_map.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <numeric>
#include <optional>
#include <string>

#include "sim/engines/engines.hpp"
#include "tests/sim/engines/random_passes.hpp"
#include "tests/sim/engines/reference_pass.hpp"
#include "tests/sim/machine/drawn_blocking.hpp"

namespace potomac::test {
namespace {

sim::PeMap map_of_hardware(const sim::Job& job) {
  sim::WorkerPool pool(1);
  std::optional<sim::PeMap> map;
  sim::make_engine("systemc", pool)->run(job, {.toggles = true, .pes = [&](const sim::PeMap& told) {
                                                 map = told;
                                               }});
  return *map;
}

// The first PE in which they differ; empty where there is none.
std::string difference(const sim::PeMap& map, const sim::PeMap& hardware) {
  for (std::size_t i = 0; i < map.pes.size(); ++i) {
    const sim::PeActivity& a = map.pes[i];
    const sim::PeActivity& b = hardware.pes[i];
    if (a != b) {
      return fmt::format("PE {} of {} x {}: macs {} {}, gated {} {}, toggles {} {}", i,
                         map.array.rows, map.array.cols, a.macs, b.macs, a.gated, b.gated,
                         a.toggles, b.toggles);
    }
  }
  return map.pes.size() == hardware.pes.size() ? "" : "another number of PEs";
}

void check_pes(const TestedPass& machine) {
  for (const sim::Unit unit : {sim::Unit::kMfMac, sim::Unit::kFp32Mac}) {
    const sim::Job job = machine.job(unit);
    const sim::PeMap hardware = map_of_hardware(job);
    const std::string found = difference(pe_map_of(job, {.toggles = true}), hardware);
    if (!found.empty()) {
      RC_FAIL(fmt::format("{}: {}", info_of(unit).label, found));
    }
    // Without toggles, and without values, it is the same as far as it is known.
    sim::PeMap known = hardware;
    for (sim::PeActivity& pe : known.pes) {
      pe.toggles = 0;
    }
    RC_ASSERT(difference(pe_map_of(job, {}), known).empty());
    for (sim::PeActivity& pe : known.pes) {
      pe.gated = 0;
    }
    sim::Job shapes = job;
    shapes.operands = nullptr;
    RC_ASSERT(difference(pe_map_of(shapes, {}), known).empty());
  }
}

RC_GTEST_PROP(PeMap, IsThatOfTheHardware, ()) {
  const int max_bits = *rc::gen::inRange(3, 9);
  const workloads::Layer layer = random_layer(max_bits);
  const auto pass = *rc::gen::elementOf(workloads::passes_of(layer.shape));
  const workloads::LoweredPass operands(layer, pass, {});
  const sim::Architecture architecture = random_architecture(operands, max_bits);
  if (*rc::gen::arbitrary<bool>()) {
    check_pes({architecture, layer, pass});
    return;
  }
  check_pes({architecture, layer, pass, [&](const workloads::GemmShape& gemm) {
               return drawn_blocking(gemm, architecture.array, architecture.dataflow);
             }});
}

}  // namespace
}  // namespace potomac::test
