// One point of a sweep.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "energy/pricing/energy_report.hpp"
#include "sim/machine/architecture.hpp"
#include "sim/machine/architecture_keys.hpp"
#include "sim/machine/machine.hpp"
#include "sim/results/pass_record.hpp"
#include "sim/results/store/stored_point.hpp"

namespace potomac::sim {

struct SweepRow {
  std::size_t point = 0;
  std::vector<KeyValue> values;  // one per parameter
  Architecture architecture;
  // Why this machine cannot run this workload (an accumulator that holds no product, ...); empty if
  // it can. The fields below are then empty.
  std::string refusal;
  std::vector<Machine> machines;
  std::vector<Quantities> totals;  // by machine
  // The reports by accounting, then table, then machine, the accounting that was asked for in
  // front; totals only.
  std::vector<energy::EnergyReport> energy;
  // For a keeper: the point as a store keeps it; of one that the keeper has, its key alone.
  std::optional<StoredPoint> stored = {};
  bool is_known = false;  // the keeper has it: nothing was simulated
};

// Takes the rows in the order of the points, each as soon as it is done. Not kept.
using RowSink = std::function<void(const SweepRow& row)>;

}  // namespace potomac::sim
