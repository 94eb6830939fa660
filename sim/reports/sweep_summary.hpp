// The best points of a sweep, for people: by time, by energy, and by their product; of several
// workloads for each.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sim/reports/text_table.hpp"
#include "sim/results/sweep_table.hpp"

namespace potomac::sim {

class SweepSummary {
 public:
  // Of a sweep that was written by potomac.
  explicit SweepSummary(const SweepSource& sweep);

  // The columns that the sweep lists, of points in their order; of equal ones the first is the
  // better. Holds a few of them.
  void add(std::size_t point, std::span<const Cell> listed);
  std::size_t points() const { return points_; }
  std::size_t refused() const { return refused_; }
  // Empty if no point ran. Energies are MF-MAC's, by the first table and the accounting that was
  // asked for, and the text says so.
  std::string text(TextForm form) const;

 private:
  using Measure = std::pair<double, double>;  // the second decides between equals
  struct Entry {
    Measure measure;
    std::vector<Cell> cells;
  };
  using Best = std::vector<Entry>;  // the best first
  struct OfWorkload {
    std::string name;  // empty: there is one
    Best by_time, by_energy, by_product;
  };

  static void keep(Best& best, Measure measure, std::span<const Cell> cells);
  OfWorkload& of_workload(std::span<const Cell> cells);
  std::vector<std::string> row_of(const Entry& entry) const;
  std::string table(const OfWorkload& best, TextForm form) const;

  std::vector<std::string> columns_;
  std::vector<std::size_t> parameters_;  // places of columns, but for the workload
  std::optional<std::size_t> workload_;
  std::size_t status_, cycles_, time_, utilization_;
  std::optional<std::size_t> energy_;
  std::size_t points_ = 0;
  std::size_t refused_ = 0;
  std::vector<OfWorkload> best_;  // in their order
};

}  // namespace potomac::sim
