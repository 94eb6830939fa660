#include "sim/reports/layers_csv.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "sim/reports/cell_text.hpp"
#include "sim/results/csv_field.hpp"
#include "sim/results/flat_passes.hpp"

namespace potomac::sim {

std::string layers_csv(const RunResult& result) {
  std::vector<std::string> fields = flat_pass_names(result);
  std::ranges::transform(fields, fields.begin(), csv_field);
  std::string csv = csv_line(fields);
  for (std::size_t pass = 0; pass < result.passes.size(); ++pass) {
    fields.clear();
    std::ranges::transform(flat_pass(result, pass), std::back_inserter(fields), csv_cell);
    csv += csv_line(fields);
  }
  return csv;
}

}  // namespace potomac::sim
