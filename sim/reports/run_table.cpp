#include "sim/reports/run_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/reports/cell_text.hpp"
#include "sim/reports/memory_table.hpp"
#include "sim/reports/step_table.hpp"
#include "sim/results/columns.hpp"
#include "sim/results/pricing.hpp"
#include "sim/results/si_units.hpp"
#include "support/plain_text.hpp"

namespace potomac::sim {
namespace {

// The cells of the layer table: what each list of columns shows of the MF-MAC array.
struct ShownColumns {
  std::vector<const PassColumn*> of_pass;
  std::vector<const MachineColumn*> of_machine;

  ShownColumns() {
    for (const PassColumn& column : pass_columns()) {
      if (!column.names.heading.empty()) {
        of_pass.push_back(&column);
      }
    }
    for (const MachineColumn& column : machine_columns()) {
      if (!column.names.heading.empty()) {
        of_machine.push_back(&column);
      }
    }
  }
};

std::string layer_table(const RunResult& result, TextForm form) {
  const ShownColumns shown;
  const Machine& mf_mac = result.machines[kMfMacMachine];
  const energy::EnergyReport* const energy = shown_energy(result, mf_mac.id);
  std::vector<std::string> header;
  for (const PassColumn* column : shown.of_pass) {
    header.push_back(column->names.heading);
  }
  for (const MachineColumn* column : shown.of_machine) {
    header.push_back(column->names.heading);
  }
  if (energy != nullptr) {
    header.emplace_back("MF-MAC");
  }
  TextTable table(header, 1);
  const auto add = [&](std::vector<std::string> row, const MachineSource& source,
                       const energy::EnergyRow* priced) {
    for (const MachineColumn* column : shown.of_machine) {
      row.push_back(text_cell(column->get(source)));
    }
    if (priced != nullptr) {
      row.push_back(si_energy(priced->total_pj()));
    }
    table.add(std::move(row));
  };
  std::string_view last_layer;
  for (std::size_t i = 0; i < result.passes.size(); ++i) {
    const PassRecord& record = result.passes[i];
    if (record.layer != last_layer) {
      table.add_section(record.layer);
      last_layer = record.layer;
    }
    std::vector<std::string> row;
    for (const PassColumn* column : shown.of_pass) {
      row.push_back(text_cell(column->get(record)));
    }
    if (form != TextForm::kMarkdown) {
      row.front() = fmt::format(" {}", row.front());
    }
    const MachineRecord& machine = record.machines[kMfMacMachine];
    add(std::move(row), {machine.quantities, mf_mac, result.architecture, &machine},
        energy == nullptr ? nullptr : &energy->by_gemm[i]);
  }
  table.add_rule();
  const Quantities& totals = result.totals[kMfMacMachine];
  add({"total", fmt::format("{} MACs", si_count(totals.macs))},
      {totals, mf_mac, result.architecture}, energy == nullptr ? nullptr : &energy->total);
  return table.text(form);
}

// `absent` takes the entries that rows lack.
std::string methods_table(std::span<const energy::MethodEnergy* const> methods, std::string& absent,
                          TextForm form) {
  TextTable table({"method", "per MAC", "total", "less than FP32", "MF-MAC saves"}, 1);
  for (const energy::MethodEnergy* const method : methods) {
    if (!method->missing_entry.empty()) {
      absent += fmt::format("{}{}", absent.empty() ? "" : ", ", method->missing_entry);
      continue;
    }
    table.add({method->label,
               method->per_mac_pj ? fmt::format("{:.4g} pJ", *method->per_mac_pj) : "-",
               method->total_pj ? si_energy(*method->total_pj) : "-", percent(method->reduction),
               percent(method->mf_mac_saves)});
  }
  return table.text(form);
}

// Energies of one table and one accounting, and what follows from them.
struct EnergyView {
  const energy::EnergyReport& mf_mac;
  const energy::EnergyReport& fp32_mac;
  std::vector<energy::EnergyComparison> comparisons;
  std::vector<const energy::MethodEnergy*> methods;

  std::optional<double> less(bool zeros_gated, bool dram_high) const {
    return energy::reduction_in(comparisons, fp32_mac.machine, mf_mac.table, mf_mac.accounting,
                                zeros_gated, dram_high);
  }
};

// Arithmetic alone: methods beside each other.
std::string arithmetic_text(const EnergyView& view, TextForm form) {
  std::string text =
      paragraph(fmt::format("Energy by table {} (node: {}), accounting: {}, every MAC charged",
                            view.mf_mac.table, view.mf_mac.node, view.mf_mac.accounting));
  text += '\n';
  std::string absent;
  if (view.methods.empty()) {
    text += paragraph(
        fmt::format("MF-MAC {}, FP32 {}: {} less.", si_energy(view.mf_mac.total.total_pj()),
                    si_energy(view.fp32_mac.total.total_pj()), percent(view.less(false, false))));
  } else {
    text += methods_table(view.methods, absent, form);
  }
  text += '\n';
  const auto mf_mac = view.mf_mac.total.total_zeros_gated_pj();
  const auto fp32_mac = view.fp32_mac.total.total_zeros_gated_pj();
  if (mf_mac && fp32_mac) {
    text += paragraph(
        fmt::format("With zeros gated on both sides: MF-MAC {}, FP32 {}, reduction {}.",
                    si_energy(*mf_mac), si_energy(*fp32_mac), percent(view.less(true, false))));
  }
  if (!absent.empty()) {
    text += paragraph(fmt::format("No row for what the table does not price: {}.", absent));
  }
  std::string derived;
  for (const energy::UnitEnergy& unit : view.mf_mac.unit_energies) {
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

// What stands around the arithmetic, component by component.
std::string components_text(const EnergyView& view, TextForm form) {
  std::string text = paragraph(fmt::format("Energy by table {}, accounting: {}, registers from {}",
                                           view.mf_mac.table, view.mf_mac.accounting,
                                           view.mf_mac.registers == "toggles"
                                               ? "the bits that changed"
                                               : "their writes, half of the bits changing"));
  text += '\n';
  TextTable table({"component", "MF-MAC", "share", "FP32", "share", "less than FP32"}, 1);
  const energy::EnergyRow& mf_mac = view.mf_mac.total;
  const energy::EnergyRow& fp32_mac = view.fp32_mac.total;
  const auto add = [&](std::string name, double of_mf_mac, double of_fp32_mac) {
    table.add({std::move(name), si_energy(of_mf_mac), share_text(of_mf_mac, mf_mac.total_pj()),
               si_energy(of_fp32_mac), share_text(of_fp32_mac, fp32_mac.total_pj()),
               percent(energy::reduction_of(of_mf_mac, of_fp32_mac))});
  };
  for (std::size_t i = 0; i < energy::kComponents.size(); ++i) {
    if (mf_mac.by_component.at(i) && fp32_mac.by_component.at(i)) {
      add(std::string(energy::kComponents.at(i).label), *mf_mac.by_component.at(i),
          *fp32_mac.by_component.at(i));
    }
  }
  table.add_rule();
  add("total", mf_mac.total_pj(), fp32_mac.total_pj());
  text += table.text(form);
  text += '\n';
  const auto high = mf_mac.total_dram_high_pj();
  const auto fp32_high = fp32_mac.total_dram_high_pj();
  if (high && fp32_high) {
    text += paragraph(fmt::format(
        "DRAM at the low end of the table's range; at its high end MF-MAC {}, FP32 {}, {} less.",
        si_energy(*high), si_energy(*fp32_high), percent(view.less(false, true))));
  } else {
    text += paragraph("Without scratchpads and DRAM: the machine has no memory.");
  }
  std::string absent;
  text += '\n';
  text += methods_table(view.methods, absent, form);
  return text;
}

// What people quote of an energy: "0.015 W, 12.9 TOPS/W, 0.0193 uJ s, 1.06 uJ an input".
std::string quoted_figures(const RunResult& result, const energy::EnergyReport& report) {
  const EnergySource source =
      total_source(report, result.machines, result.totals, result.workload.batch);
  std::vector<std::string> figures;
  for (const EnergyColumn& column : figure_columns()) {
    const Cell cell = column.get(source);
    const auto* const value = std::get_if<double>(&cell);
    if (!column.of_rows && value != nullptr) {
      figures.push_back(column.names.unit == "pJ"
                            ? fmt::format("{} an input", si_energy(*value))
                            : fmt::format("{:.3g} {}", *value, column.names.unit));
    }
  }
  return fmt::format("{} {}", info_of(source.machine->unit).label, fmt::join(figures, ", "));
}

// One section for each table and accounting, in the order of the report.
std::string energy_sections(const RunResult& result, TextForm form) {
  const std::string& fp32 = result.machines[kFp32Machine].id;
  const auto comparisons = energy::compare(result.energy, result.machines[kMfMacMachine].id);
  std::string text;
  for (const energy::EnergyReport& report : result.energy) {
    if (report.machine != result.machines[kMfMacMachine].id) {
      continue;
    }
    EnergyView view{report,
                    *energy::find_energy(result.energy, fp32, report.table, report.accounting),
                    comparisons,
                    {}};
    for (const energy::MethodEnergy& method : result.methods) {
      if (method.table == report.table && method.accounting == report.accounting) {
        view.methods.push_back(&method);
      }
    }
    text += '\n';
    text += report.total.has(energy::Component::kRegisters) ? components_text(view, form)
                                                            : arithmetic_text(view, form);
    text += paragraph(fmt::format("{}; {}.", quoted_figures(result, view.mf_mac),
                                  quoted_figures(result, view.fp32_mac)));
  }
  return text;
}

// Bits that changed by class of register, of both arrays; nothing where they were not counted.
std::string toggles_section(const RunResult& result, TextForm form) {
  const Quantities& mf_mac = result.totals[kMfMacMachine];
  const Quantities& fp32_mac = result.totals[kFp32Machine];
  if (!mf_mac.toggles.known() || !fp32_mac.toggles.known()) {
    return "";
  }
  const auto per_mac = [&](std::uint64_t toggles) {
    return mf_mac.macs == 0 ? std::string("-")
                            : fmt::format("{:.2f}", static_cast<double>(toggles) /
                                                        static_cast<double>(mf_mac.macs));
  };
  TextTable table({"register toggles", "MF-MAC", "per MAC", "FP32", "per MAC"}, 1);
  std::uint64_t all = 0;
  std::uint64_t all_fp32 = 0;
  const auto add = [&](std::string name, std::uint64_t toggles, std::uint64_t of_fp32) {
    table.add({std::move(name), si_count(toggles), per_mac(toggles), si_count(of_fp32),
               per_mac(of_fp32)});
  };
  for (const energy::RegisterClass& registers : energy::kRegisterClasses) {
    const std::uint64_t toggles = (mf_mac.toggles.*registers.member).value();
    const std::uint64_t of_fp32 = (fp32_mac.toggles.*registers.member).value();
    all += toggles;
    all_fp32 += of_fp32;
    if (toggles + of_fp32 > 0) {
      add(std::string(registers.name), toggles, of_fp32);
    }
  }
  table.add_rule();
  add("total", all, all_fp32);
  return fmt::format("\n{}", table.text(form));
}

// Above this share of results that overflowed it is not by the way that accumulators are told of.
constexpr double kManyOverflowed = 1e-4;

// The pass of which most results overflowed, if they are many in all.
std::string overflow_warning(const RunResult& result) {
  const PassRecord* worst = nullptr;
  double worst_share = 0.0;
  double all = 0.0;
  double overflowed = 0.0;
  for (const PassRecord& record : result.passes) {
    double results = 0.0;
    for (const workloads::GemmShape& gemm : record.gemms) {
      results += static_cast<double>(gemm.count * gemm.m * gemm.n);
    }
    const Count count = record.machines[kMfMacMachine].quantities.actions.overflowed_result;
    if (!count.known() || results == 0.0) {
      continue;
    }
    all += results;
    overflowed += static_cast<double>(count.value());
    if (static_cast<double>(count.value()) > worst_share * results) {
      worst_share = static_cast<double>(count.value()) / results;
      worst = &record;
    }
  }
  if (worst == nullptr || overflowed <= kManyOverflowed * all) {
    return {};
  }
  return fmt::format(
      "WARNING: {:.2g}% of the results overflowed their accumulator, most of them in {} {}: "
      "{:.2g}%. A network may not train with such sums; a higher pe.accumulator.lsb has room for "
      "larger ones.",
      100.0 * overflowed / all, worst->layer, workloads::name_of(worst->pass), 100.0 * worst_share);
}

// Says where results were summed otherwise in training; nothing where they were not, or nobody
// knows.
std::string training_text(const RunResult& result) {
  const PassRecord* first = nullptr;
  std::size_t others = 0;
  for (const PassRecord& record : result.passes) {
    if (record.trained_with &&
        record.trained_with->accumulator != record.machines[kMfMacMachine].accumulator) {
      first = first == nullptr ? &record : first;
      ++others;
    }
  }
  return first == nullptr
             ? ""
             : paragraph(fmt::format(
                   "Trained with other sums in {} of {} passes: {} {} with {}, here {}.", others,
                   result.passes.size(), first->layer, workloads::name_of(first->pass),
                   text_of(*first->trained_with),
                   text_of(workloads::TrainedSum{first->machines[kMfMacMachine].accumulator})));
}

std::string accumulators_text(const energy::ActionCounts& actions) {
  const Count events = actions.overflow + actions.dropped_product;
  if (!events.known()) {
    return "Whether accumulators overflow is not known: sums would tell (engine fast).";
  }
  const std::string dropped =
      actions.dropped_product.value() == 0
          ? "no product was dropped"
          : fmt::format("{} products were dropped", actions.dropped_product.value());
  if (actions.overflow.value() == 0) {
    return fmt::format("No accumulator overflowed, {}.", dropped);
  }
  // Reports of before do not know of results.
  const std::string results =
      actions.overflowed_result.known()
          ? fmt::format(", which {} results show", actions.overflowed_result.value())
          : "";
  return fmt::format("Accumulators: {} overflows{}; {}.", actions.overflow.value(), results,
                     dropped);
}

// Says whose values these are, or that there are none.
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
  std::string text =
      fmt::format("Assumed, not counted: densities {}. {} of the MACs would have a zero operand.",
                  text_of(*result.assumed),
                  percent(zeros / static_cast<double>(result.totals[kMfMacMachine].macs)));
  for (const energy::EnergyReport& report : result.energy) {
    if (report.machine == result.machines[kMfMacMachine].id) {
      const auto* const fp32_mac = energy::find_energy(
          result.energy, result.machines[kFp32Machine].id, report.table, report.accounting);
      text += fmt::format(" Gated on both sides, by table {}, accounting {}: MF-MAC {}, FP32 {}.",
                          report.table, report.accounting,
                          si_energy(expected_gated_pj(report, result.passes, *result.assumed)),
                          si_energy(expected_gated_pj(*fp32_mac, result.passes, *result.assumed)));
    }
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
                                result.engine));
  if (result.machines[kFp32Machine].has_originals) {
    text += paragraph("Machines that multiply compute with the originals of W, A and G.");
  }
  text += what_is_missing(result);
  text += '\n';
  text += layer_table(result, form);
  text += '\n';
  const Quantities& totals = result.totals[kMfMacMachine];
  const Machine& mf_mac = result.machines[kMfMacMachine];
  text += paragraph(fmt::format("{} cycles at {} MHz: {}. {}", totals.cycles.total(),
                                mf_mac.clock_mhz, si_time(time_s(totals, mf_mac) * 1e9),
                                accumulators_text(totals.actions)));
  if (const std::string warning = overflow_warning(result); !warning.empty()) {
    text += paragraph(warning);
  }
  text += training_text(result);
  std::string legend =
      "util.: MACs / (PEs * cycles). idle by: why PEs have no MAC most often; edge: the fold does "
      "not use them, fill: operands are on their way, drain: results are. zeros: MACs with a zero "
      "operand that were gated.";
  if (const auto* const energy = shown_energy(result, mf_mac.id)) {
    legend += fmt::format(" MF-MAC: its energy by table {}, accounting {}.", energy->table,
                          energy->accounting);
  }
  text += paragraph(legend);
  text += assumed_text(result);
  const std::string memory = memory_table(result, form);
  text += memory.empty() ? "" : fmt::format("\n{}", memory);
  text += toggles_section(result, form);
  text += energy_sections(result, form);
  text += step_section(result, form);
  return text;
}

}  // namespace potomac::sim
