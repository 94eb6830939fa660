#include "sim/reports/run_table.hpp"

#include <fmt/format.h>

#include <string_view>
#include <utility>
#include <vector>

#include "sim/reports/columns.hpp"
#include "sim/reports/si_units.hpp"
#include "sim/reports/text_table.hpp"

namespace potomac::sim {
namespace {

// What the last row says in place of a layer and a shape.
std::string total_cell(const Column& column, const Quantities& totals,
                       const Architecture& architecture) {
  if (column.of_totals) {
    return text_cell(column.get({nullptr, totals, architecture}));
  }
  if (column.path == "layer") {
    return "total";
  }
  return column.path == "pass" ? "" : fmt::format("{} MACs", totals.macs);
}

void add_energy(std::vector<std::string>& row, const energy::Comparison& comparison) {
  row.push_back(si_energy(comparison.mf_mac_pj));
  row.push_back(si_energy(comparison.fp32_mac_pj));
  row.push_back(percent(comparison.reduction));
}

std::string layer_table(const RunResult& result) {
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
    header.insert(header.end(), {"MF-MAC", "FP32", "reduction"});
  }
  TextTable table(header, 2);
  std::string_view last_layer;
  for (std::size_t i = 0; i < result.passes.size(); ++i) {
    const PassRecord& record = result.passes[i];
    std::vector<std::string> row;
    row.reserve(header.size());
    for (const Column* column : shown) {
      row.push_back(text_cell(column->get({&record, record.quantities, result.architecture})));
    }
    if (record.layer == last_layer) {
      row.front().clear();
    }
    if (priced) {
      add_energy(row, result.energy.front().by_gemm[i].every_mac);
    }
    table.add(std::move(row));
    last_layer = record.layer;
  }
  table.add_rule();
  std::vector<std::string> row;
  row.reserve(header.size());
  for (const Column* column : shown) {
    row.push_back(total_cell(*column, result.totals, result.architecture));
  }
  if (priced) {
    add_energy(row, result.energy.front().total.every_mac);
  }
  table.add(std::move(row));
  return table.text();
}

std::string method_name(std::string_view name) {
  if (name == "fp32_mac") {
    return "FP32 MAC";
  }
  if (name == "fp32_multiplier") {
    return "FP32 multiplier alone";
  }
  if (name == "int8_mac") {
    return "INT8 MAC, 32-bit sum";
  }
  if (name == "int4_mac") {
    return "INT4 MAC, 32-bit sum";
  }
  return "MF-MAC";
}

std::string energy_section(const energy::OperationEnergy& energy) {
  std::string text = fmt::format("\nEnergy by table {} (node: {}), accounting: {}\n", energy.table,
                                 energy.node, energy.accounting);
  TextTable table({"method", "per MAC", "total", "less than FP32 MAC", "MF-MAC takes less by"}, 1);
  for (const energy::MethodEnergy& method : energy.methods) {
    if (!method.missing_entry.empty()) {
      table.add(
          {method_name(method.name), "-", fmt::format("no {}", method.missing_entry), "-", "-"});
      continue;
    }
    table.add({method_name(method.name),
               method.per_mac_pj ? fmt::format("{:.4g} pJ", *method.per_mac_pj) : "-",
               method.total_pj ? si_energy(*method.total_pj) : "-", percent(method.reduction),
               percent(method.mf_mac_saves)});
  }
  text += table.text();
  if (const auto& gated = energy.total.zeros_gated) {
    text += fmt::format("with zeros gated on both sides: MF-MAC {}, FP32 {}, reduction {}\n",
                        si_energy(gated->mf_mac_pj), si_energy(gated->fp32_mac_pj),
                        percent(gated->reduction));
  }
  std::string derived;
  for (const energy::UnitEnergy& unit : energy.unit_energies) {
    if (unit.derived()) {
      derived +=
          fmt::format("{}{} {:.4g} pJ", derived.empty() ? "" : ", ", unit.entry, unit.energy_pj);
    }
  }
  if (!derived.empty()) {
    text += fmt::format("not listed by the source, derived by the table's rule: {}\n", derived);
  }
  return text;
}

}  // namespace

std::string run_table(const RunResult& result) {
  const ArrayShape& array = result.architecture.array;
  std::string text = fmt::format(
      "{}: {} ({}), step {}, on {} x {} MF-MAC PEs, {}, {} issue, engine {}\n\n",
      result.trace.filename().string(), result.workload.model, result.workload.dataset,
      result.workload.step, array.rows, array.cols, name_of(result.architecture.dataflow),
      name_of(result.architecture.issue), name_of(result.engine));
  text += layer_table(result);
  const Quantities& totals = result.totals;
  text += fmt::format(
      "\nutil.: MACs / (PEs * cycles), zeros included. zeros gated: MACs with a zero operand, "
      "which fire no arithmetic.\n{} cycles at {} MHz: {}.",
      totals.cycles.total(), result.architecture.clock_mhz,
      si_time(time_s(totals, result.architecture) * 1e9));
  const Count overflows = totals.actions.overflow;
  const Count dropped = totals.actions.dropped_product;
  if (!(overflows + dropped).known()) {
    text += " Whether accumulators overflow is not known without values.";
  } else if ((overflows + dropped).value() > 0) {
    text += fmt::format(" Accumulators: {} overflows, {} products dropped.", overflows.value(),
                        dropped.value());
  } else {
    text += " No accumulator overflowed, no product was dropped.";
  }
  text += "\n";
  if (!result.energy.empty()) {
    text += fmt::format("Energy in the table above: {}, every MAC charged on both sides.\n",
                        result.energy.front().table);
  }
  for (const energy::OperationEnergy& energy : result.energy) {
    text += energy_section(energy);
  }
  return text;
}

}  // namespace potomac::sim
