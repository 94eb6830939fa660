// A sweep's file, written row by row as points are done: sweep.csv. Until the sweep is finished the
// rows are in sweep.partial.csv, which an interrupted or failed sweep leaves behind, every line
// whole; a finished one renames it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "sim/machine/architecture.hpp"
#include "sim/machine/architecture_keys.hpp"
#include "sim/results/sweep_row.hpp"

namespace potomac::sim {

class SweepTables {
 public:
  // Makes `directory` if it is not there. Throws InputError or MachineError.
  // `parameters`: keys of a row's values. `batch`: inputs that a point's work is done for, where it
  // is known.
  SweepTables(std::vector<const ArchitectureKey*> parameters, std::optional<std::int64_t> batch,
              const std::filesystem::path& directory);
  ~SweepTables();  // without finish(): keeps the finished rows, if there are any
  SweepTables(const SweepTables&) = delete;
  SweepTables& operator=(const SweepTables&) = delete;

  // Throws MachineError if the disk does not take it.
  void add(const SweepRow& row);
  void finish();

  std::size_t rows() const;
  std::size_t refused() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace potomac::sim
