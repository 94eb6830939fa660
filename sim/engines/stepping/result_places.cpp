#include "sim/engines/stepping/result_places.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace potomac::sim {

void require_fold(const Schedule::Walk& walk, std::size_t column) {
  if (walk.done()) {
    throw std::logic_error(
        fmt::format("more results leave column {} of the array than the pass has there", column));
  }
}

void DrainedResults::start(const Schedule& schedule, std::size_t cols) {
  columns_.assign(cols, Column{Schedule::Walk(schedule), {}, 0});
  for (std::size_t c = 0; c < cols; ++c) {
    find_fold(c);
  }
}

ResultPlace DrainedResults::next(std::size_t c) {
  Column& column = columns_[c];
  if (column.rows_left == 0 && !column.walk.done()) {
    column.walk.next_fold();
    find_fold(c);
  }
  require_fold(column.walk, c);
  column.rows_left -= 1;
  return {column.walk.number(), &column.fold, column.fold.m.begin + column.rows_left,
          column.fold.n.begin + static_cast<std::int64_t>(c)};
}

// The next fold, from the one in hand on, that occupies this column.
void DrainedResults::find_fold(std::size_t c) {
  Column& column = columns_[c];
  for (; !column.walk.done(); column.walk.next_fold()) {
    column.fold = column.walk.fold();
    if (static_cast<std::int64_t>(c) < column.fold.n.size()) {
      column.rows_left = column.fold.m.size();
      return;
    }
  }
}

}  // namespace potomac::sim
