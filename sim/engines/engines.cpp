#include "sim/engines/engines.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "sim/engines/count/count_engine.hpp"
#include "sim/engines/fast/fast_engine.hpp"
#include "sim/engines/systemc/systemc_engine.hpp"
#include "sim/engines/verilog/verilog_engine.hpp"

namespace potomac::sim {
namespace {

constexpr auto kEngines = std::to_array<EngineInfo>({
    {.name = "count",
     .meaning = "without results, sooner (default without values)",
     .closed_forms = true,
     .make = [](const EngineParts& parts) { return make_count_engine(parts.pool); }},
    {.name = "fast",
     .meaning = "results too (default)",
     .needs_values = true,
     .computes_sums = true,
     .make = [](const EngineParts& parts) { return make_fast_engine(parts.pool); }},
    {.name = "systemc",
     .meaning = "the same, PE by PE",
     .needs_values = true,
     .computes_sums = true,
     .steps = true,
     .most_pes = kMaxSystemCPes,
     .make = [](const EngineParts& parts) { return make_systemc_engine({}, parts.modules); }},
    {.name = "verilog",
     .meaning = "the same in SystemVerilog, compiled by Verilator",
     .needs_values = true,
     .computes_sums = true,
     .steps = true,
     .compiles = true,
     .most_pes = kMaxVerilogPes,
     .make =
         [](const EngineParts& parts) {
           ArrayCompilation compilation;
           compilation.say = parts.say;
           return make_verilog_engine(std::move(compilation));
         }},
});

}  // namespace

std::span<const EngineInfo> engines() {
  return kEngines;
}

std::vector<std::string_view> engine_names() {
  std::vector<std::string_view> names(kEngines.size());
  std::ranges::transform(kEngines, names.begin(), &EngineInfo::name);
  return names;
}

const EngineInfo* find_engine(std::string_view name) {
  const auto* const found = std::ranges::find(kEngines, name, &EngineInfo::name);
  return found == kEngines.end() ? nullptr : found;
}

const EngineInfo& engine_named(std::string_view name) {
  const EngineInfo* const found = find_engine(name);
  assert(found != nullptr);
  return *found;
}

const EngineInfo& closed_form_engine() {
  return *std::ranges::find(kEngines, true, &EngineInfo::closed_forms);
}

std::unique_ptr<Engine> make_engine(std::string_view name, WorkerPool& pool) {
  return engine_named(name).make({pool, {}});
}

}  // namespace potomac::sim
