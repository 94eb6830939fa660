// `potomac sweep` as a library: one trace through every combination of some architecture
// parameters. A layer is read once and run on all design points, on all cores, before the next is
// read.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "energy/operation_accounting.hpp"
#include "energy/unit_energy_table.hpp"
#include "sim/engines/engine.hpp"
#include "sim/machine/architecture.hpp"
#include "sim/studies/simulation.hpp"

namespace potomac::sim {

inline constexpr std::size_t kMaxSweepPoints = 100000;

// One parameter: a dotted architecture key ("array.rows") and its values as written.
struct SweepParameter {
  std::string key;
  std::vector<std::string> values;
};

struct SweepPoint {
  std::vector<std::string> values;  // one per parameter
  Architecture architecture;
};

struct SweepSpec {
  std::filesystem::path file;
  std::filesystem::path trace;
  EngineKind engine = EngineKind::kFast;
  Selection selection;
  std::vector<energy::UnitEnergyTable> tables;
  std::vector<SweepParameter> parameters;
  std::vector<SweepPoint> points;  // every combination; the last parameter varies fastest
};

// Reads a sweep file (docs/sweep-file.md); paths in it are relative to its own folder. Throws
// InputError: unknown keys, no parameters, a value that an architecture cannot have, too many
// points.
SweepSpec load_sweep(const std::filesystem::path& path,
                     const std::vector<std::filesystem::path>& table_dirs);

struct SweepRecord {
  // Why this machine cannot run this trace (an accumulator that holds no product, ...); empty if it
  // can. The other fields are then empty.
  std::string refusal;
  Totals totals;
  std::vector<energy::OperationEnergy> energy;  // one per table
};

// One record per point, in order; the same for any number of threads (0: all cores). Throws
// InputError if the trace is bad or if every point is refused.
std::vector<SweepRecord> run_sweep(const SweepSpec& spec, unsigned threads);

// Writes sweep.csv (a row a point) and sweep.json (a record a point) into `directory`.
void write_sweep(const SweepSpec& spec, const std::vector<SweepRecord>& records,
                 const std::filesystem::path& directory);

}  // namespace potomac::sim
