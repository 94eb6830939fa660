// `potomac sweep` as a library: one workload through every combination of some architecture keys.
// Values are looked at once per accumulator; every point then follows from these facts.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "energy/pricing/operation_accounting.hpp"
#include "energy/pricing/structural_accounting.hpp"
#include "sim/machine/architecture.hpp"
#include "sim/results/pass_record.hpp"
#include "sim/studies/sweep_spec.hpp"
#include "workloads/workload/workload.hpp"

namespace potomac::sim {

struct SweepRow {
  std::size_t point = 0;
  std::vector<KeyValue> values;  // one per parameter
  Architecture architecture;
  // Why this machine cannot run this workload (an accumulator that holds no product, ...); empty if
  // it can. The fields below are then empty.
  std::string refusal;
  Quantities totals;
  std::vector<energy::OperationEnergy> energy;       // one per table
  std::vector<energy::StructuralEnergy> structural;  // one per table, or none
};

// Takes the rows in the order of the points, each as soon as it is done. Not kept.
using RowSink = std::function<void(const SweepRow& row)>;

// The same rows for any number of threads (0: all cores). Throws InputError if the workload is bad
// or if every point is refused (then no row was given), and whatever the sink throws.
void run_sweep(const workloads::Workload& workload, const SweepSpec& spec, unsigned threads,
               const RowSink& sink);

}  // namespace potomac::sim
