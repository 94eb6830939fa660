#include "sim/results/pass_record.hpp"

namespace potomac::sim {

Quantities& Quantities::add(const Quantities& other, std::uint64_t times) {
  macs += other.macs * times;
  folds += other.folds * times;
  structural_zero_macs += other.structural_zero_macs * times;
  value_zero_macs += other.value_zero_macs * times;
  cycles.preload += other.cycles.preload * times;
  cycles.stream += other.cycles.stream * times;
  cycles.drain += other.cycles.drain * times;
  cycles.stall += other.cycles.stall * times;
  actions.add(other.actions, times);
  toggles.add(other.toggles, times);
  stall_by.first += other.stall_by.first * times;
  stall_by.second += other.stall_by.second * times;
  stall_by.results += other.stall_by.results * times;
  memory.add(other.memory, times);
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
