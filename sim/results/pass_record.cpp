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
  baseline_macs += other.baseline_macs;
  folds += other.folds;
  structural_zero_macs += other.structural_zero_macs;
  value_zero_macs += other.value_zero_macs;
  cycles += other.cycles;
  baseline_cycles += other.baseline_cycles;
  actions += other.actions;
  baseline_actions += other.baseline_actions;
  toggles += other.toggles;
  baseline_toggles += other.baseline_toggles;
  stall_by += other.stall_by;
  baseline_stall_by += other.baseline_stall_by;
  memory += other.memory;
  baseline_memory += other.baseline_memory;
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

double time_s(const Quantities& quantities, const Architecture& architecture) {
  return static_cast<double>(quantities.cycles.total()) / (architecture.clock_mhz * 1e6);
}

Quantities total_of(std::span<const PassRecord> records) {
  Quantities total;
  for (const PassRecord& record : records) {
    total += record.quantities;
  }
  return total;
}

}  // namespace potomac::sim
