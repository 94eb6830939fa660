#include "sim/reports/run_table.hpp"

#include <fmt/format.h>

#include <string_view>
#include <utility>
#include <vector>

#include "sim/reports/memory_table.hpp"
#include "sim/reports/step_table.hpp"
#include "sim/results/columns.hpp"
#include "sim/results/si_units.hpp"
#include "support/plain_text.hpp"

namespace potomac::sim {
namespace {

// What the last row says in place of a pass and its GEMMs.
std::string total_cell(const Column& column, const Quantities& totals,
                       const Architecture& architecture) {
  if (column.of_totals) {
    return text_cell(column.get({nullptr, totals, architecture}));
  }
  return column.path == "pass" ? "total" : fmt::format("{} MACs", si_count(totals.macs));
}

std::string layer_table(const RunResult& result, TextForm form) {
  std::vector<const Column*> shown;
  std::vector<std::string> header;
  for (const Column& column : columns()) {
    if (!column.heading.empty()) {
      shown.push_back(&column);
      header.push_back(column.heading);
    }
  }
  const bool priced = !result.energy.empty();
  if (priced) {
    header.emplace_back("MF-MAC");
  }
  TextTable table(header, 1);
  std::string_view last_layer;
  for (std::size_t i = 0; i < result.passes.size(); ++i) {
    const PassRecord& record = result.passes[i];
    if (record.layer != last_layer) {
      table.add_section(record.layer);
      last_layer = record.layer;
    }
    std::vector<std::string> row;
    row.reserve(header.size());
    for (const Column* column : shown) {
      row.push_back(text_cell(column->get({&record, record.quantities, result.architecture})));
    }
    if (form != TextForm::kMarkdown) {
      row.front() = fmt::format(" {}", row.front());
    }
    if (priced) {
      row.push_back(si_energy(result.energy.front().by_gemm[i].every_mac.mf_mac_pj));
    }
    table.add(std::move(row));
  }
  table.add_rule();
  std::vector<std::string> row;
  row.reserve(header.size());
  for (const Column* column : shown) {
    row.push_back(total_cell(*column, result.totals, result.architecture));
  }
  if (priced) {
    row.push_back(si_energy(result.energy.front().total.every_mac.mf_mac_pj));
  }
  table.add(std::move(row));
  return table.text(form);
}

// `absent` takes the entries that rows lack.
std::string methods_table(const std::vector<energy::MethodEnergy>& methods, std::string& absent,
                          TextForm form) {
  TextTable table({"method", "per MAC", "total", "less than FP32", "MF-MAC saves"}, 1);
  for (const energy::MethodEnergy& method : methods) {
    if (!method.missing_entry.empty()) {
      absent += fmt::format("{}{}", absent.empty() ? "" : ", ", method.missing_entry);
      continue;
    }
    table.add({std::string(method.label),
               method.per_mac_pj ? fmt::format("{:.4g} pJ", *method.per_mac_pj) : "-",
               method.total_pj ? si_energy(*method.total_pj) : "-", percent(method.reduction),
               percent(method.mf_mac_saves)});
  }
  return table.text(form);
}

std::string energy_section(const energy::OperationEnergy& energy, TextForm form) {
  std::string text =
      paragraph(fmt::format("Energy by table {} (node: {}), accounting: {}, every MAC charged",
                            energy.table, energy.node, energy.accounting));
  text += '\n';
  std::string absent;
  text += methods_table(energy.methods, absent, form);
  text += '\n';
  if (const auto& gated = energy.total.zeros_gated) {
    text += paragraph(fmt::format(
        "With zeros gated on both sides: MF-MAC {}, FP32 {}, reduction {}.",
        si_energy(gated->mf_mac_pj), si_energy(gated->fp32_mac_pj), percent(gated->reduction)));
  }
  if (!absent.empty()) {
    text += paragraph(fmt::format("No row for what the table does not price: {}.", absent));
  }
  std::string derived;
  for (const energy::UnitEnergy& unit : energy.unit_energies) {
    if (unit.derived()) {
      derived +=
          fmt::format("{}{} {:.4g} pJ", derived.empty() ? "" : ", ", unit.entry, unit.energy_pj);
    }
  }
  if (!derived.empty()) {
    text += paragraph(
        fmt::format("Not listed by the source, derived by the table's rule: {}.", derived));
  }
  return text;
}

// What stands around the arithmetic, by the structural accounting.
std::string structural_section(const energy::StructuralEnergy& energy, TextForm form) {
  std::string text =
      paragraph(fmt::format("Energy by table {}, accounting: {}, registers from {}", energy.table,
                            energy::kStructuralAccounting,
                            energy.toggles_counted ? "the bits that changed"
                                                   : "their writes, half of the bits changing"));
  text += '\n';
  TextTable table({"component", "MF-MAC", "share", "FP32", "share", "less than FP32"}, 1);
  const energy::StructuralRow& row = energy.total;
  const energy::MachinePair total = row.total();
  const auto share = [](double part, double whole) {
    return whole > 0.0 ? fmt::format("{:.1f}%", 100.0 * part / whole) : std::string("-");
  };
  const auto add = [&](std::string name, const energy::MachinePair& pair) {
    table.add({std::move(name), si_energy(pair.mf_mac_pj), share(pair.mf_mac_pj, total.mf_mac_pj),
               si_energy(pair.fp32_mac_pj), share(pair.fp32_mac_pj, total.fp32_mac_pj),
               percent(pair.reduction())});
  };
  add("arithmetic", row.arithmetic);
  add("registers", row.registers);
  add("clock", row.clock);
  if (row.scratchpads) {
    add("scratchpads", *row.scratchpads);
    add("DRAM", *row.dram);
  }
  table.add_rule();
  add("total", total);
  text += table.text(form);
  text += '\n';
  if (!row.scratchpads) {
    text += paragraph("Without scratchpads and DRAM: the machine has no memory.");
  } else {
    const energy::MachinePair high = row.total_high();
    text += paragraph(fmt::format(
        "DRAM at the low end of the table's range; at its high end MF-MAC {}, FP32 {}, {} less.",
        si_energy(high.mf_mac_pj), si_energy(high.fp32_mac_pj), percent(high.reduction())));
  }
  if (energy.methods.size() > 2) {
    std::string absent;
    text += '\n';
    text += methods_table(energy.methods, absent, form);
  }
  return text;
}

// Bits that changed by class of register, of both arrays; nothing where they were not counted.
std::string toggles_section(const Quantities& totals, TextForm form) {
  if (!totals.toggles.known() || !totals.baseline_toggles.known()) {
    return "";
  }
  const auto per_mac = [&](std::uint64_t toggles) {
    return totals.macs == 0 ? std::string("-")
                            : fmt::format("{:.2f}", static_cast<double>(toggles) /
                                                        static_cast<double>(totals.macs));
  };
  TextTable table({"register toggles", "MF-MAC", "per MAC", "FP32", "per MAC"}, 1);
  std::uint64_t all = 0;
  std::uint64_t baseline_all = 0;
  const auto add = [&](std::string name, std::uint64_t toggles, std::uint64_t baseline) {
    table.add({std::move(name), si_count(toggles), per_mac(toggles), si_count(baseline),
               per_mac(baseline)});
  };
  for (const energy::RegisterClass& registers : energy::kRegisterClasses) {
    const std::uint64_t toggles = (totals.toggles.*registers.member).value();
    const std::uint64_t baseline = (totals.baseline_toggles.*registers.member).value();
    all += toggles;
    baseline_all += baseline;
    if (toggles + baseline > 0) {
      add(std::string(registers.name), toggles, baseline);
    }
  }
  table.add_rule();
  add("total", all, baseline_all);
  return fmt::format("\n{}", table.text(form));
}

std::string accumulators_text(const energy::ActionCounts& actions) {
  const Count events = actions.overflow + actions.dropped_product;
  if (!events.known()) {
    return "Whether accumulators overflow is not known: sums would tell (engine fast).";
  }
  if (events.value() == 0) {
    return "No accumulator overflowed, no product was dropped.";
  }
  return fmt::format("Accumulators: {} overflows, {} products dropped.", actions.overflow.value(),
                     actions.dropped_product.value());
}

// Whose values these are, or that there are none.
std::string workload_text(const RunResult& result) {
  const workloads::WorkloadInfo& info = result.workload;
  std::string text =
      fmt::format("{}: {}", printable(result.trace.filename().string(), kWhole), info.model);
  if (!info.dimensions.empty()) {
    text += fmt::format(", {}", workloads::text_of(info.dimensions));
  }
  switch (info.values) {
    case workloads::ValueSource::kCaptured:
      return text + fmt::format(" ({}), step {}", info.dataset, info.step);
    case workloads::ValueSource::kSynthetic:
      return text + fmt::format(". Synthetic values: {}", info.synthesis);
    case workloads::ValueSource::kNone:
      break;
  }
  return text + ". Shapes without values: zeros are not known";
}

// Expected numbers, apart from what was counted; nothing where nothing was assumed.
std::string assumed_text(const RunResult& result) {
  if (!result.assumed) {
    return "";
  }
  const double zeros = expected_zero_macs(result.passes, *result.assumed);
  std::string text = fmt::format(
      "Assumed, not counted: densities {}. {} of the MACs would have a zero operand.",
      text_of(*result.assumed), percent(zeros / static_cast<double>(result.totals.macs)));
  for (const energy::OperationEnergy& energy : result.energy) {
    const ExpectedEnergy gated = expected_gated(energy, result.passes, *result.assumed);
    text += fmt::format(" Gated on both sides, by table {}: MF-MAC {}, FP32 {}.", energy.table,
                        si_energy(gated.mf_mac_pj), si_energy(gated.fp32_mac_pj));
  }
  return paragraph(text);
}

std::string what_is_missing(const RunResult& result) {
  std::string text;
  if (result.left_out > 0) {
    text += paragraph(fmt::format("Not the whole step: {} only, {} other passes are left out.",
                                  result.selection.text(), result.left_out));
  }
  for (const std::string& parts : workloads::texts_of(result.not_included)) {
    text += paragraph(fmt::format("Not in the workload: {}.", parts));
  }
  return text;
}

}  // namespace

std::string run_table(const RunResult& result, TextForm form) {
  const Architecture& architecture = result.architecture;
  std::string text = paragraph(workload_text(result));
  text += paragraph(fmt::format("on {} x {} MF-MAC PEs, {}, {} issue, engine {}",
                                architecture.array.rows, architecture.array.cols,
                                name_of(architecture.dataflow), name_of(architecture.issue),
                                name_of(result.engine)));
  text += what_is_missing(result);
  text += '\n';
  text += layer_table(result, form);
  text += '\n';
  text += paragraph(fmt::format("{} cycles at {} MHz: {}. {}", result.totals.cycles.total(),
                                architecture.clock_mhz,
                                si_time(time_s(result.totals, architecture) * 1e9),
                                accumulators_text(result.totals.actions)));
  text += paragraph(
      "util.: MACs / (PEs * cycles). idle by: why PEs have no MAC most often; edge: the fold does "
      "not use them, fill: operands are on their way, drain: results are. zeros: MACs with a zero "
      "operand that were gated.");
  text += assumed_text(result);
  const std::string memory = memory_table(result, form);
  text += memory.empty() ? "" : fmt::format("\n{}", memory);
  text += toggles_section(result.totals, form);
  for (const energy::OperationEnergy& energy : result.energy) {
    text += '\n';
    text += energy_section(energy, form);
  }
  for (const energy::StructuralEnergy& energy : result.structural) {
    text += '\n';
    text += structural_section(energy, form);
  }
  text += step_section(result, form);
  return text;
}

}  // namespace potomac::sim
