// What a sweep is to do: a trace, a base machine, and the architecture keys that vary. Points are
// never stored: each follows from its number.
#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "energy/unit_energy_table.hpp"
#include "sim/engines/engine.hpp"
#include "sim/machine/architecture.hpp"
#include "sim/studies/selection.hpp"

namespace potomac::sim {

inline constexpr std::size_t kMaxSweepPoints = 100000;

struct SweepParameter {
  const ArchitectureKey* key = nullptr;
  std::vector<KeyValue> values;
};

struct SweepSpec {
  std::filesystem::path file;
  std::filesystem::path trace;
  EngineKind engine = EngineKind::kFast;
  Selection selection;
  std::vector<energy::UnitEnergyTable> tables;
  Architecture base;
  std::vector<SweepParameter> parameters;
  // Every file that the sweep reads, itself included: none may be one of its outputs.
  std::vector<std::filesystem::path> inputs;

  // Every combination of the values; the last parameter varies fastest.
  std::size_t points() const;
  // The value of each parameter at a point, and the machine that they make of the base.
  std::vector<KeyValue> values_at(std::size_t point) const;
  Architecture architecture_at(std::size_t point) const;
};

// Reads a sweep file (docs/sweep-file.md); paths in it are relative to its own folder. `workload`,
// if it is not empty, stands for the file's trace, which may then be left out. Throws
// InputError: unknown keys, no parameters, a value that an architecture cannot have, too many
// points.
SweepSpec load_sweep(const std::filesystem::path& path,
                     const std::vector<std::filesystem::path>& table_dirs,
                     const std::filesystem::path& workload = {});

}  // namespace potomac::sim
