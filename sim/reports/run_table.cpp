#include "sim/reports/run_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>
#include <vector>

namespace potomac::sim {
namespace {

// Three significant digits, scaled by 1000 at a time; `prefixes` begins at the value's own unit.
template <std::size_t N>
std::string scaled(double value, const std::array<std::string_view, N>& prefixes) {
  std::size_t step = 0;
  // 999.5 would print as "1000".
  while (value >= 999.5 && step + 1 < N) {
    value /= 1000.0;
    ++step;
  }
  const int decimals = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return fmt::format("{:.{}f} {}", value, decimals, prefixes[step]);
}

std::string percent(const std::optional<double>& share) {
  return share ? fmt::format("{:.2f}%", 100.0 * *share) : std::string("-");
}

double share_of(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

// Columns as wide as their widest cell; the first `left` ones flush left.
class TextTable {
 public:
  TextTable(std::vector<std::string> header, std::size_t left) : left_(left) {
    rows_.push_back(std::move(header));
  }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  void add_rule() { rules_.push_back(rows_.size()); }

  std::string text() const {
    std::vector<std::size_t> widths(rows_.front().size());
    for (const auto& row : rows_) {
      for (std::size_t i = 0; i < row.size(); ++i) {
        widths[i] = std::max(widths[i], row[i].size());
      }
    }
    std::string rule;
    for (const std::size_t width : widths) {
      rule += std::string(width, '-') + "  ";
    }
    rule.resize(rule.size() - 2);
    std::string text;
    for (std::size_t r = 0; r < rows_.size(); ++r) {
      if (r == 1 || std::ranges::count(rules_, r) > 0) {
        text += rule + "\n";
      }
      std::string line;
      for (std::size_t i = 0; i < rows_[r].size(); ++i) {
        line += i < left_ ? fmt::format("{:<{}}  ", rows_[r][i], widths[i])
                          : fmt::format("{:>{}}  ", rows_[r][i], widths[i]);
      }
      line.erase(line.find_last_not_of(' ') + 1);
      text += line + "\n";
    }
    return text;
  }

 private:
  std::size_t left_;
  std::vector<std::vector<std::string>> rows_;
  std::vector<std::size_t> rules_;
};

std::string gemm_text(const workloads::GemmShape& shape) {
  const std::string text = fmt::format("{} x {} x {}", shape.m, shape.n, shape.k);
  return shape.count == 1 ? text : fmt::format("{} * {}", shape.count, text);
}

std::string layer_table(const RunResult& result) {
  const bool priced = !result.energy.empty();
  std::vector<std::string> header{"layer",  "pass",  "GEMM (M x N x K)", "folds",
                                  "cycles", "util.", "zeros gated"};
  if (priced) {
    header.insert(header.end(), {"MF-MAC", "FP32", "reduction"});
  }
  TextTable table(header, 2);
  const auto energy_cells = [](const energy::Comparison& comparison) {
    return std::vector<std::string>{si_energy(comparison.mf_mac_pj),
                                    si_energy(comparison.fp32_mac_pj),
                                    percent(comparison.reduction)};
  };
  std::string_view last_layer;
  for (std::size_t i = 0; i < result.gemms.size(); ++i) {
    const PassRecord& record = result.gemms[i];
    std::vector<std::string> row{
        record.layer == last_layer ? "" : record.layer,
        std::string(workloads::name_of(record.pass)),
        gemm_text(record.shape),
        fmt::format("{}", record.folds),
        fmt::format("{}", record.cycles.total()),
        fmt::format("{:.1f}%", 100.0 * record.utilization(result.architecture.array)),
        fmt::format("{:.1f}%", 100.0 * share_of(record.actions.gated_mac, record.macs()))};
    if (priced) {
      const auto cells = energy_cells(result.energy.front().by_gemm[i].every_mac);
      row.insert(row.end(), cells.begin(), cells.end());
    }
    table.add(std::move(row));
    last_layer = record.layer;
  }
  const Totals& totals = result.totals;
  const auto pe_cycles =
      static_cast<std::uint64_t>(result.architecture.array.pes()) * totals.cycles.total();
  table.add_rule();
  std::vector<std::string> row{
      "total",
      "",
      fmt::format("{} MACs", totals.macs),
      fmt::format("{}", totals.folds),
      fmt::format("{}", totals.cycles.total()),
      fmt::format("{:.1f}%", 100.0 * share_of(totals.macs, pe_cycles)),
      fmt::format("{:.1f}%", 100.0 * share_of(totals.actions.gated_mac, totals.macs))};
  if (priced) {
    const auto cells = energy_cells(result.energy.front().total.every_mac);
    row.insert(row.end(), cells.begin(), cells.end());
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
  const energy::Comparison& gated = energy.total.zeros_gated;
  text += fmt::format("with zeros gated on both sides: MF-MAC {}, FP32 {}, reduction {}\n",
                      si_energy(gated.mf_mac_pj), si_energy(gated.fp32_mac_pj),
                      percent(gated.reduction));
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

std::string si_energy(double picojoules) {
  static constexpr std::array<std::string_view, 6> kUnits = {"pJ", "nJ", "uJ", "mJ", "J", "kJ"};
  return scaled(picojoules, kUnits);
}

std::string si_time(double nanoseconds) {
  static constexpr std::array<std::string_view, 4> kUnits = {"ns", "us", "ms", "s"};
  return scaled(nanoseconds, kUnits);
}

std::string run_table(const RunResult& result) {
  const ArrayShape& array = result.architecture.array;
  std::string text = fmt::format(
      "{}: {} ({}), step {}, on {} x {} MF-MAC PEs, {}, {} issue, engine {}\n\n",
      result.trace.filename().string(), result.workload.model, result.workload.dataset,
      result.workload.step, array.rows, array.cols, name_of(result.architecture.dataflow),
      name_of(result.architecture.issue), name_of(result.engine));
  text += layer_table(result);
  const Totals& totals = result.totals;
  text += fmt::format(
      "\nutil.: MACs / (PEs * cycles), zeros included. zeros gated: MACs with a zero operand, "
      "which fire no arithmetic.\n{} cycles at {} MHz: {}.",
      totals.cycles.total(), result.architecture.clock_mhz,
      si_time(static_cast<double>(totals.cycles.total()) * 1e3 / result.architecture.clock_mhz));
  if (totals.actions.overflow + totals.actions.dropped_product > 0) {
    text += fmt::format(" Accumulators: {} overflows, {} products dropped.",
                        totals.actions.overflow, totals.actions.dropped_product);
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
