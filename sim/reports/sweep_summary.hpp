// The best points of a sweep, for people: by time, by energy, and by their product.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sim/machine/architecture.hpp"
#include "sim/machine/architecture_keys.hpp"
#include "sim/reports/text_table.hpp"
#include "sim/results/sweep_row.hpp"

namespace potomac::sim {

class SweepSummary {
 public:
  // `parameters`: keys of a row's values.
  explicit SweepSummary(std::vector<const ArchitectureKey*> parameters)
      : parameters_(std::move(parameters)) {}

  // Rows come in the order of their points; of equal ones the first is the better. Holds a few of
  // them.
  void add(const SweepRow& row);
  // Empty if no point ran. Energies are MF-MAC's, by the first table and the accounting that was
  // asked for, and the text says so.
  std::string text(TextForm form) const;

 private:
  using Measure = std::pair<double, double>;  // the second decides between equals
  struct Entry {
    Measure measure;
    SweepRow row;
  };
  using Best = std::vector<Entry>;  // the best first

  static void keep(Best& best, Measure measure, const SweepRow& row);

  std::vector<const ArchitectureKey*> parameters_;
  Best by_time_, by_energy_, by_product_;
};

}  // namespace potomac::sim
