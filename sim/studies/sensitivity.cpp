#include "sim/studies/sensitivity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>

#include "support/error.hpp"

namespace potomac::sim {
namespace {

struct Change {
  std::string text;
  Architecture architecture;
};

std::string kib_text(const MemoryConfig& memory) {
  return fmt::format("scratchpads of {}, {}, {} KiB", memory.first.kib, memory.second.kib,
                     memory.results.kib);
}

// The machines that are tried besides the one in hand.
std::vector<Change> changes_of(const Architecture& architecture) {
  std::vector<Change> changes;
  const auto add = [&](const auto& apply, const auto& text_of) {
    Architecture changed = architecture;
    apply(changed);
    if (!(changed == architecture)) {
      changes.push_back({text_of(changed), changed});
    }
  };
  for (const int bits : {24, 30, 32, 40, 48, 64}) {
    add([&](Architecture& a) { a.pe.accumulator.bits = bits; },
        [&](const Architecture&) { return fmt::format("accumulators of {} bits", bits); });
  }
  for (const double times : {0.25, 4.0, 16.0}) {
    add(
        [&](Architecture& a) {
          for (ScratchpadConfig* scratchpad :
               {&a.memory->first, &a.memory->second, &a.memory->results}) {
            const auto kib =
                static_cast<std::int64_t>(static_cast<double>(scratchpad->kib) * times);
            scratchpad->kib = std::clamp<std::int64_t>(kib, 1, kMaxScratchpadKib);
          }
        },
        [](const Architecture& a) { return kib_text(*a.memory); });
  }
  if (architecture.memory->dram && !architecture.memory->dram->device) {
    for (const double times : {0.25, 4.0}) {
      add([&](Architecture& a) { a.memory->dram->bandwidth_gb_s *= times; },
          [](const Architecture& a) {
            return fmt::format("DRAM of {:g} GB/s", a.memory->dram->bandwidth_gb_s);
          });
    }
  }
  for (const std::string& name : shipped_dram_presets().names()) {
    if (!architecture.memory->dram || architecture.memory->dram->preset != name) {
      add(
          [&](Architecture& a) {
            set_key(a, "memory.dram=ideal");  // without the channels of another one
            set_key(a, "memory.dram.preset=" + name);
          },
          [](const Architecture& a) { return fmt::format("DRAM {}", text_of(*a.memory->dram)); });
    }
  }
  return changes;
}

const energy::MethodEnergy* method_named(const std::vector<energy::MethodEnergy>& methods,
                                         std::string_view name) {
  const auto found = std::ranges::find(methods, name, &energy::MethodEnergy::name);
  return found == methods.end() ? nullptr : &*found;
}

SensitivityRow row_of(std::string change, const RunResult& result) {
  SensitivityRow row;
  row.change = std::move(change);
  row.energy = result.structural.front().total.total();
  if (const auto* int8 = method_named(result.structural.front().methods, "int8_mac")) {
    row.int8_pj = int8->total_pj;
  }
  row.cycles = result.totals.cycles.total();
  row.baseline_cycles = result.totals.baseline_cycles.total();
  return row;
}

// What the same run says under another way to count.
void add_countings(std::vector<SensitivityRow>& rows, const RunResult& result) {
  const energy::StructuralEnergy& structural = result.structural.front();
  const energy::OperationEnergy& operation = result.energy.front();
  const energy::Comparison& every_mac = operation.total.every_mac;
  SensitivityRow arithmetic = rows.front();
  arithmetic.change = "arithmetic only (operation)";
  arithmetic.energy = {every_mac.mf_mac_pj, every_mac.fp32_mac_pj};
  const auto* const int8 = method_named(operation.methods, "int8_mac");
  arithmetic.int8_pj = int8 == nullptr ? std::nullopt : int8->total_pj;
  rows.push_back(arithmetic);
  SensitivityRow on_chip = rows.front();
  on_chip.change = "without DRAM";
  on_chip.energy.mf_mac_pj -= structural.total.dram->mf_mac_pj;
  on_chip.energy.fp32_mac_pj -= structural.total.dram->fp32_mac_pj;
  on_chip.int8_pj.reset();
  rows.push_back(on_chip);
  SensitivityRow high = rows.front();
  high.change = "DRAM at the high end of the table's range";
  high.energy = structural.total.total_high();
  high.int8_pj.reset();
  rows.push_back(high);
  if (const auto& gated = operation.total.zeros_gated) {
    SensitivityRow zeros = rows.front();
    zeros.change = "arithmetic of zeros gated on both sides";
    zeros.energy.mf_mac_pj += gated->mf_mac_pj - every_mac.mf_mac_pj;
    zeros.energy.fp32_mac_pj += gated->fp32_mac_pj - every_mac.fp32_mac_pj;
    zeros.int8_pj.reset();
    rows.push_back(zeros);
  }
  for (const energy::MethodEnergy& method : structural.methods) {
    if (method.name.starts_with("mf_mac_shift") && method.total_pj) {
      SensitivityRow shifted = rows.front();
      shifted.change = method.label;
      shifted.energy.mf_mac_pj = *method.total_pj;
      rows.push_back(shifted);
    }
  }
}

}  // namespace

std::vector<SensitivityRow> sensitivity(const workloads::Workload& workload,
                                        const RunOptions& options) {
  assert(options.tables.size() == 1);
  if (!options.architecture.memory) {
    throw InputError({"", "memory", "the machine has none, and most of its energy would be missing",
                      "give it one, as with --set memory.dram.bandwidth_gb_s=25.6"});
  }
  RunOptions changed = options;
  changed.engine = EngineKind::kCount;
  changed.structural = true;
  const RunResult result = run(workload, changed);
  std::vector<SensitivityRow> rows{row_of("as it is", result)};
  add_countings(rows, result);
  for (const Change& change : changes_of(options.architecture)) {
    changed.architecture = change.architecture;
    try {
      rows.push_back(row_of(change.text, run(workload, changed)));
    } catch (const InputError& refusal) {
      SensitivityRow row;
      row.change = change.text;
      row.refusal = refusal.what();
      rows.push_back(row);
    }
  }
  return rows;
}

}  // namespace potomac::sim
