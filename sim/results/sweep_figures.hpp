// A sweep's rows as a table: what is said of a point that ran. sweep.csv and data frames are it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/results/columns.hpp"
#include "sim/results/sweep_row.hpp"

namespace potomac::sim {

class SweepFigures {
 public:
  // The figures of rows like `first`, which ran. `batch`: inputs that a point's work is done for,
  // where it is known.
  SweepFigures(const SweepRow& first, std::optional<std::int64_t> batch);

  const std::vector<std::string>& names() const { return names_; }
  // A cell a name. Precondition: the row ran.
  std::vector<Cell> cells(const SweepRow& row) const;

 private:
  struct ShownColumn {
    std::size_t machine;
    const MachineColumn* column;
  };

  std::optional<std::int64_t> batch_;
  std::vector<ShownColumn> columns_;
  std::vector<std::string> names_;
};

}  // namespace potomac::sim
