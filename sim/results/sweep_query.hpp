// What somebody asks of a sweep: which points, in which order, which of them are on a Pareto front.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "sim/results/sweep_table.hpp"

namespace potomac::sim {

inline constexpr std::size_t kMostParetoQuantities = 4;

struct SweepQuery {
  std::string where;                 // a condition over columns; empty: all points that ran
  std::vector<std::string> sort;     // columns, the first decides first; "NAME desc": falling
  std::vector<std::string> pareto;   // columns of which less is better; "NAME max": more
  std::vector<std::string> columns;  // beside point and parameters; none: those that are asked of
  std::optional<std::size_t> limit;  // the first so many

  bool asks() const { return !where.empty() || !sort.empty() || !pareto.empty() || limit; }
};

// The points of a sweep that ran and fulfil the condition, in the order that is asked for, with a
// last column `pareto`, 1 or 0, if a front is asked for: of a point with 1 there is no other that
// is as good in all quantities and better in one. What is not known is last in any order, and on no
// front. `front_alone`: those on it, and no others; `rows_left_out` has the others' number. Throws
// InputError: a column that is not there, a condition that is none or holds for no point, too many
// quantities, a word behind a column that says nothing.
SweepTable ask_sweep(const SweepSource& sweep, const SweepQuery& query, bool front_alone = false);

}  // namespace potomac::sim
