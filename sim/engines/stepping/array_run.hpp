// What an array that was stepped through a pass has counted, and what that says of the pass.
#pragma once

#include <cstdint>

#include "rtl_models/arithmetic/pe_counters.hpp"
#include "sim/engines/interface/engine.hpp"
#include "sim/engines/stepping/fold_sequencer.hpp"

namespace potomac::sim {

struct ArrayRun {
  Cycles cycles;
  PeCycles there;
  rtl::PeCounters pe;  // of all of them
  std::uint64_t skew_register_writes = 0;
  std::uint64_t row_skew_register_writes = 0;  // of these: in front of the rows
  std::uint64_t skew_register_toggles = 0;
};

// The counts of a pass on an array of the job's unit, MF-MAC or FP32 MAC; toggles where they are
// asked for.
PassCounts counts_of(const ArrayRun& run, const Job& job, const Detail& detail);

// Throws std::logic_error if that is not how many results the job's pass has.
void require_all_results(const Job& job, std::int64_t received);

}  // namespace potomac::sim
