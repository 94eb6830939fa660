#include "sim/reports/sweep_summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <utility>
#include <variant>

#include "sim/reports/cell_text.hpp"
#include "sim/reports/short_names.hpp"
#include "sim/results/si_units.hpp"

namespace potomac::sim {
namespace {

constexpr std::size_t kShown = 3;  // of each order
constexpr std::string_view kEnergy = "energy[mf_mac,";

std::size_t place_of(const std::vector<std::string>& columns, std::string_view name) {
  return static_cast<std::size_t>(std::ranges::find(columns, name) - columns.begin());
}

}  // namespace

SweepSummary::SweepSummary(const SweepSource& sweep)
    : columns_(sweep.listed()),
      status_(place_of(columns_, "status")),
      cycles_(place_of(columns_, "mf_mac_cycles_total")),
      time_(place_of(columns_, "mf_mac_time_s")),
      utilization_(place_of(columns_, "mf_mac_utilization")) {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i] == kWorkloadColumn && sweep.is_parameter(columns_[i])) {
      workload_ = i;
    } else if (sweep.is_parameter(columns_[i])) {
      parameters_.push_back(i);
    }
    if (!energy_ && columns_[i].starts_with(kEnergy)) {
      energy_ = i;
    }
  }
}

void SweepSummary::keep(Best& best, Measure measure, std::span<const Cell> cells) {
  const auto behind = std::ranges::upper_bound(best, measure, {}, &Entry::measure);
  if (behind != best.end() || best.size() < kShown) {
    best.insert(behind, {measure, {cells.begin(), cells.end()}});
    best.resize(std::min(best.size(), kShown));
  }
}

void SweepSummary::add(std::size_t /*point*/, std::span<const Cell> listed) {
  ++points_;
  if (std::get<std::string>(listed[status_]) != "done") {
    ++refused_;
    return;
  }
  // Clocks may differ too: time, which orders as cycles do where they do not.
  const auto* const time = std::get_if<double>(&listed[time_]);
  if (time == nullptr) {
    return;  // of a pass without a GEMM
  }
  const auto* const energy = energy_ ? std::get_if<double>(&listed[*energy_]) : nullptr;
  OfWorkload& best = of_workload(listed);
  keep(best.by_time, {*time, energy == nullptr ? 0.0 : *energy}, listed);
  if (energy != nullptr) {
    keep(best.by_energy, {*energy, *time}, listed);
    keep(best.by_product, {*energy * *time, *time}, listed);
  }
}

// Points of a workload follow one another.
SweepSummary::OfWorkload& SweepSummary::of_workload(std::span<const Cell> cells) {
  const std::string name = workload_ ? plain_text(cells[*workload_]) : "";
  if (best_.empty() || best_.back().name != name) {
    best_.push_back({name, {}, {}, {}});
  }
  return best_.back();
}

std::vector<std::string> SweepSummary::row_of(const Entry& entry) const {
  const std::vector<Cell>& cells = entry.cells;
  std::vector<std::string> row{plain_text(cells.front())};
  for (const std::size_t parameter : parameters_) {
    row.push_back(plain_text(cells[parameter]));
  }
  row.push_back(si_count(static_cast<std::uint64_t>(std::get<std::int64_t>(cells[cycles_]))));
  row.push_back(si_time(std::get<double>(cells[time_]) * 1e9));
  const auto* const share = std::get_if<double>(&cells[utilization_]);
  row.push_back(text_cell(share == nullptr ? Cell() : Cell(Share{*share})));
  if (energy_) {
    row.push_back(si_energy(std::get<double>(cells[*energy_])));
  }
  return row;
}

std::string SweepSummary::table(const OfWorkload& best, TextForm form) const {
  std::vector<std::string> header{best.name.empty() ? "best points" : best.name, "point"};
  std::vector<const ArchitectureKey*> keys;
  for (const std::size_t parameter : parameters_) {
    keys.push_back(find_architecture_key(columns_[parameter]));
  }
  std::ranges::copy(short_names(keys), std::back_inserter(header));
  header.insert(header.end(), {"cycles", "time", "util."});
  if (energy_) {
    header.emplace_back("MF-MAC");
  }
  TextTable table(header, 1);
  for (const auto& [name, entries] : {std::pair{"by time", &best.by_time},
                                      {"by energy", &best.by_energy},
                                      {"by product", &best.by_product}}) {
    for (std::size_t i = 0; i < entries->size(); ++i) {
      std::vector<std::string> row = row_of((*entries)[i]);
      row.insert(row.begin(), i == 0 ? name : "");
      table.add(std::move(row));
    }
  }
  return table.text(form);
}

std::string SweepSummary::text(TextForm form) const {
  std::string text;
  for (const OfWorkload& best : best_) {
    text += text.empty() ? "" : "\n";
    text += table(best, form);
  }
  if (energy_ && !text.empty()) {
    // "energy[mf_mac,TABLE,ACCOUNTING]"; a table's name may have commas.
    const std::string& column = columns_[*energy_];
    const std::size_t comma = column.rfind(',');
    text += '\n';
    text += paragraph(
        fmt::format("MF-MAC: its energy by table {}, accounting {}; points are ranked by it.",
                    column.substr(kEnergy.size(), comma - kEnergy.size()),
                    column.substr(comma + 1, column.size() - comma - 2)));
  }
  return text;
}

}  // namespace potomac::sim
