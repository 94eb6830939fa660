#include "energy/pricing/energy_report.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace potomac::energy {

double EnergyRow::total_pj() const {
  double sum = 0.0;
  for (const std::optional<double>& component : by_component) {
    sum += component.value_or(0.0);
  }
  return sum;
}

std::optional<double> EnergyRow::total_dram_high_pj() const {
  if (!dram_high_pj) {
    return std::nullopt;
  }
  EnergyRow high = *this;
  high.by_component.at(static_cast<std::size_t>(Component::kDram)) = dram_high_pj;
  return high.total_pj();
}

std::optional<double> EnergyRow::total_zeros_gated_pj() const {
  if (!zeros_known) {
    return std::nullopt;
  }
  double arithmetic = 0.0;
  for (const ActionEnergy& action : by_action) {
    arithmetic += action.zeros_gated_pj;
  }
  EnergyRow gated = *this;
  gated.by_component.at(static_cast<std::size_t>(Component::kArithmetic)) = arithmetic;
  return gated.total_pj();
}

EnergyRow& EnergyRow::operator+=(const EnergyRow& other) {
  macs += other.macs;
  zeros_known = zeros_known && other.zeros_known;
  const auto add = [](std::optional<double>& sum, const std::optional<double>& part) {
    if (part) {
      sum = sum.value_or(0.0) + *part;
    }
  };
  for (std::size_t i = 0; i < by_component.size(); ++i) {
    add(by_component.at(i), other.by_component.at(i));
  }
  add(dram_high_pj, other.dram_high_pj);
  for (std::size_t i = 0; i < by_action.size(); ++i) {
    ActionEnergy& sum = by_action.at(i);
    const ActionEnergy& part = other.by_action.at(i);
    sum.action = part.action;
    sum.charged += part.charged;
    sum.fired += part.fired;
    sum.pj += part.pj;
    sum.zeros_gated_pj += part.zeros_gated_pj;
  }
  return *this;
}

const EnergyReport* find_energy(std::span<const EnergyReport> reports, std::string_view machine,
                                std::string_view table, std::string_view accounting) {
  const auto found = std::ranges::find_if(reports, [&](const EnergyReport& report) {
    return report.machine == machine && report.table == table && report.accounting == accounting;
  });
  return found == reports.end() ? nullptr : &*found;
}

std::string flat_name(std::string_view figure, const EnergyReport& report) {
  return fmt::format("{}[{},{},{}]", figure, report.machine, report.table, report.accounting);
}

}  // namespace potomac::energy
