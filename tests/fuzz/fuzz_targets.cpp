#include "tests/fuzz/fuzz_targets.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "energy/pricing/unit_energy_table.hpp"
#include "sim/machine/architecture_file.hpp"
#include "sim/machine/dram_preset.hpp"
#include "sim/results/report_reader.hpp"
#include "sim/studies/shipped.hpp"
#include "sim/studies/sweep_spec.hpp"
#include "support/error.hpp"
#include "support/plain_text.hpp"
#include "workloads/sources/model_description.hpp"
#include "workloads/sources/onnx_model.hpp"
#include "workloads/sources/scalesim_topology.hpp"
#include "workloads/sources/trace_reader.hpp"

namespace potomac {
namespace {

using Path = std::filesystem::path;

void read_weights(const workloads::Workload& workload) {
  const std::unique_ptr<workloads::WeightSource> weights = workload.weights();
  constexpr std::size_t kMostLayers = 8;
  for (std::size_t i = 0; weights && i < std::min(kMostLayers, workload.layers().size()); ++i) {
    if (workloads::element_count(workload.layers()[i].w) < (1 << 20)) {
      weights->read(i);
    }
  }
}

// With dynamic axes bound, where it has some, so that more of it is read.
void read_onnx(const Path& file) {
  for (const workloads::Dimensions& bound : {workloads::Dimensions{}, {{"batch", 2}}}) {
    try {
      return read_weights(workloads::OnnxModel::load(file, bound));
    } catch (const InputError&) {
      continue;
    }
  }
  read_weights(workloads::OnnxModel::load(file, {{"batch", 2}, {"length", 3}}));
}

void read_trace(const Path& file) {
  const workloads::TraceReader trace(file);
  constexpr std::int64_t kMost = 1 << 22;
  for (std::size_t i = 0; i < trace.layers().size(); ++i) {
    const workloads::LayerShape& layer = trace.layers()[i];
    if (std::max({workloads::element_count(layer.w), workloads::element_count(layer.a),
                  workloads::element_count(layer.g)}) < kMost) {
      trace.read(i);
    }
  }
}

void read_sweep(const Path& file) {
  sim::load_sweep(file,
                  {sim::shipped_models(), sim::shipped_architectures(), sim::shipped_tables()});
}

constexpr std::array<FuzzTarget, 10> kTargets = {{
    {"onnx", ".onnx", read_onnx},
    {"trace", ".h5", read_trace},
    {"report", ".json", [](const Path& file) { sim::load_report(file); }},
    {"architecture", ".yaml", [](const Path& file) { sim::load_architecture(file); }},
    {"scalesim-config", ".cfg", [](const Path& file) { sim::load_architecture(file); }},
    {"scalesim-topology", ".csv",
     [](const Path& file) { workloads::load_scalesim_topology(file, {}); }},
    {"model", ".yaml", [](const Path& file) { workloads::load_model(file, {}); }},
    {"energy", ".yaml", [](const Path& file) { energy::load_unit_energy_table(file); }},
    {"sweep", ".yaml", read_sweep},
    {"preset", ".yaml", [](const Path& file) { sim::load_dram_preset(file.string()); }},
}};

[[noreturn]] void die(const FuzzTarget& target, const std::string& why) {
  std::fprintf(stderr, "fuzz: %s: %s\n", std::string(target.name).c_str(),
               printable(why, 1000).c_str());
  std::abort();
}

}  // namespace

std::span<const FuzzTarget> fuzz_targets() {
  return kTargets;
}

const FuzzTarget* find_fuzz_target(std::string_view name) {
  const auto* const found = std::ranges::find(kTargets, name, &FuzzTarget::name);
  return found == kTargets.end() ? nullptr : found;
}

std::string fuzz(const FuzzTarget& target, const std::filesystem::path& file) {
  try {
    target.read(file);
    return "";
  } catch (const InputError& error) {
    if (!is_plain_text(error.what())) {
      die(target, std::string("a message that is no line: ") + error.what());
    }
    return error.what();
  } catch (const std::exception& error) {
    die(target, std::string("no InputError: ") + error.what());
  }
}

}  // namespace potomac
