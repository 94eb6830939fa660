#include "sim/results/pass_record.hpp"

namespace potomac::sim {

StallBy& StallBy::operator+=(const StallBy& other) {
  first += other.first;
  second += other.second;
  results += other.results;
  return *this;
}

Quantities& Quantities::operator+=(const Quantities& other) {
  macs += other.macs;
  folds += other.folds;
  structural_zero_macs += other.structural_zero_macs;
  value_zero_macs += other.value_zero_macs;
  cycles += other.cycles;
  actions += other.actions;
  toggles += other.toggles;
  stall_by += other.stall_by;
  memory += other.memory;
  return *this;
}

std::optional<double> utilization(const Quantities& quantities, ArrayShape array) {
  const std::uint64_t cycles = quantities.cycles.total();
  if (cycles == 0) {
    return std::nullopt;
  }
  return static_cast<double>(quantities.macs) /
         (static_cast<double>(array.pes()) * static_cast<double>(cycles));
}

double time_s(const Quantities& quantities, const Machine& machine) {
  return static_cast<double>(quantities.cycles.total()) / (machine.clock_mhz * 1e6);
}

std::vector<Quantities> totals_of(std::span<const PassRecord> records, std::size_t machines) {
  std::vector<Quantities> totals(machines);
  for (const PassRecord& record : records) {
    for (std::size_t i = 0; i < machines; ++i) {
      totals[i] += record.machines[i].quantities;
    }
  }
  return totals;
}

}  // namespace potomac::sim
