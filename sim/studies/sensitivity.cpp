#include "sim/studies/sensitivity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>

#include "energy/pricing/operation_accounting.hpp"
#include "energy/pricing/structural_accounting.hpp"
#include "sim/engines/engines.hpp"
#include "sim/machine/architecture_file.hpp"
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

constexpr std::array kMachines = {Unit::kMfMac, Unit::kFp32Mac, Unit::kInt8Mac};

// What a run says of each machine by an accounting, as `pj` reads it from a report.
template <typename Pj>
SensitivityRow row_of(std::string change, const RunResult& result, std::string_view accounting,
                      const Pj& pj) {
  SensitivityRow row{.change = std::move(change), .refusal = {}, .figures = {}};
  const std::string& table = result.energy.front().table;
  for (const Unit unit : kMachines) {
    const std::string_view id = info_of(unit).name;
    const auto machine = std::ranges::find(result.machines, id, &Machine::id);
    if (machine == result.machines.end()) {
      continue;
    }
    SensitivityFigure& figure = row.figures.emplace_back();
    figure.machine = id;
    figure.cycles =
        result.totals[static_cast<std::size_t>(machine - result.machines.begin())].cycles.total();
    if (const auto* const report = energy::find_energy(result.energy, id, table, accounting)) {
      figure.energy_pj = pj(*report);
    }
  }
  return row;
}

std::optional<double> total_of(const energy::EnergyReport& report) {
  return report.total.total_pj();
}

// What the same run says under another way to count.
void add_countings(std::vector<SensitivityRow>& rows, const RunResult& result) {
  const auto add = [&](std::string change, std::string_view accounting, const auto& pj) {
    rows.push_back(row_of(std::move(change), result, accounting, pj));
  };
  add("arithmetic only (operation)", energy::kOperationAccounting, total_of);
  add("without DRAM", energy::kStructuralAccounting, [](const energy::EnergyReport& report) {
    return std::optional(report.total.total_pj() - report.total.pj(energy::Component::kDram));
  });
  add("DRAM at the high end of the table's range", energy::kStructuralAccounting,
      [](const energy::EnergyReport& report) { return report.total.total_dram_high_pj(); });
  if (result.energy.front().total.zeros_known) {
    add("arithmetic of zeros gated on both sides", energy::kStructuralAccounting,
        [](const energy::EnergyReport& report) { return report.total.total_zeros_gated_pj(); });
  }
  for (const energy::MethodEnergy& method : result.methods) {
    const bool shifts = method.of == info_of(Unit::kMfMac).name && method.name != method.of;
    if (shifts && method.total_pj && method.accounting == energy::kStructuralAccounting) {
      SensitivityRow shifted = rows.front();
      shifted.change = method.label;
      shifted.figures.front().energy_pj = method.total_pj;
      rows.push_back(std::move(shifted));
    }
  }
}

}  // namespace

std::vector<SensitivityRow> sensitivity(const workloads::Workload& workload,
                                        const RunOptions& options, const Caller& caller) {
  assert(options.prices.tables.size() == 1);
  if (!options.architecture.memory) {
    throw InputError({"", "memory", "the machine has none, and most of its energy would be missing",
                      "give it one, as with --set memory.dram.bandwidth_gb_s=25.6"});
  }
  RunOptions changed = options;
  changed.engine = closed_form_engine().name;
  changed.prices.accountings = accountings_for(energy::kStructuralAccounting, "");
  changed.rivals = {};
  const auto row_as = [&](std::string change, const RunResult& result) {
    return row_of(std::move(change), result, energy::kStructuralAccounting, total_of);
  };
  const RunResult result = run(workload, changed, caller);
  std::vector<SensitivityRow> rows{row_as("as it is", result)};
  add_countings(rows, result);
  for (const Change& change : changes_of(options.architecture)) {
    changed.architecture = change.architecture;
    try {
      rows.push_back(row_as(change.text, run(workload, changed, caller)));
    } catch (const InputError& refusal) {
      rows.push_back({change.text, refusal.what(), {}});
    }
  }
  return rows;
}

}  // namespace potomac::sim
