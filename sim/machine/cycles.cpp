#include "sim/machine/cycles.hpp"

#include "sim/machine/fold_timing.hpp"

namespace potomac::sim {

Cycles& Cycles::operator+=(const Cycles& other) {
  preload += other.preload;
  stream += other.stream;
  drain += other.drain;
  stall += other.stall;
  return *this;
}

Cycles cycles_of(const Schedule& schedule, Issue issue) {
  Cycles cycles;
  if (schedule.gemms().empty()) {
    return cycles;
  }
  const bool os = keeps_sums(schedule.dataflow());
  const auto rows = static_cast<std::uint64_t>(schedule.array().rows);
  for_each_share(schedule, issue, [&](const Shares& shares) {
    cycles.stream += shares.folds * static_cast<std::uint64_t>(shares.share);
  });
  cycles.preload = os ? 0 : rows * (issue == Issue::kSerial ? schedule.folds() : 1);
  cycles.drain = os ? rows : 0;
  return cycles;
}

}  // namespace potomac::sim
