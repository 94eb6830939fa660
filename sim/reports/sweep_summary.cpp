#include "sim/reports/sweep_summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "sim/reports/cell_text.hpp"
#include "sim/reports/short_names.hpp"
#include "sim/results/columns.hpp"
#include "sim/results/si_units.hpp"

namespace potomac::sim {
namespace {

constexpr std::size_t kShown = 3;  // of each order

// The energy by the accounting that was asked for, which stands in front.
const energy::EnergyReport& shown_energy(const SweepRow& row) {
  return row.energy.front();
}

}  // namespace

void SweepSummary::keep(Best& best, Measure measure, const SweepRow& row) {
  const auto behind = std::ranges::upper_bound(best, measure, {}, &Entry::measure);
  if (behind != best.end() || best.size() < kShown) {
    best.insert(behind, {measure, row});
    best.resize(std::min(best.size(), kShown));
  }
}

void SweepSummary::add(const SweepRow& row) {
  if (!row.refusal.empty()) {
    return;
  }
  // Clocks may differ too: time, which orders as cycles do where they do not.
  const double time = time_s(row.totals[kMfMacMachine], row.machines[kMfMacMachine]);
  if (row.energy.empty()) {
    keep(by_time_, {time, 0.0}, row);
    return;
  }
  const double energy = shown_energy(row).total.total_pj();
  keep(by_time_, {time, energy}, row);
  keep(by_energy_, {energy, time}, row);
  keep(by_product_, {energy * time, time}, row);
}

std::string SweepSummary::text(TextForm form) const {
  if (by_time_.empty()) {
    return "";
  }
  const bool priced = !by_energy_.empty();
  std::vector<std::string> header{"best points", "point"};
  std::ranges::copy(short_names(parameters_), std::back_inserter(header));
  header.insert(header.end(), {"cycles", "time", "util."});
  if (priced) {
    header.emplace_back("MF-MAC");
  }
  TextTable table(header, 1);
  for (const auto& [name, best] : {std::pair{"by time", &by_time_},
                                   {"by energy", &by_energy_},
                                   {"by product", &by_product_}}) {
    for (std::size_t i = 0; i < best->size(); ++i) {
      const SweepRow& row = (*best)[i].row;
      const MachineSource source{row.totals[kMfMacMachine], row.machines[kMfMacMachine],
                                 row.architecture};
      std::vector<std::string> cells{i == 0 ? name : "", fmt::format("{}", row.point)};
      for (const KeyValue& value : row.values) {
        cells.push_back(text_of(value));
      }
      cells.insert(cells.end(),
                   {text_cell(machine_column("cycles_total").get(source)),
                    si_time(time_s(row.totals[kMfMacMachine], row.machines[kMfMacMachine]) * 1e9),
                    text_cell(machine_column("utilization").get(source))});
      if (priced) {
        cells.push_back(si_energy(shown_energy(row).total.total_pj()));
      }
      table.add(std::move(cells));
    }
  }
  std::string text = table.text(form);
  if (priced) {
    const energy::EnergyReport& shown = shown_energy(by_energy_.front().row);
    text += '\n';
    text +=
        paragraph(fmt::format("MF-MAC: its energy by table {}, accounting {}; points are "
                              "ranked by it.",
                              shown.table, shown.accounting));
  }
  return text;
}

}  // namespace potomac::sim
