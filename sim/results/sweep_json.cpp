#include "sim/results/sweep_json.hpp"

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <system_error>

#include "sim/results/json_tree.hpp"

namespace potomac::sim {

Json json_of_csv(const std::string& cell) {
  if (cell.empty()) {
    return nullptr;
  }
  std::uint64_t count = 0;
  const char* const end = cell.data() + cell.size();
  if (const auto read = std::from_chars(cell.data(), end, count);
      read.ec == std::errc() && read.ptr == end) {
    return count;
  }
  const std::optional<double> number = number_in(cell);
  if (number && std::isfinite(*number)) {
    return *number;
  }
  return cell;
}

std::string sweep_json(const SweepTable& sweep) {
  Json json = Json::array();
  for (const std::vector<std::string>& cells : sweep.rows) {
    Json& row = json.emplace_back(Json::object());
    for (std::size_t i = 0; i < cells.size(); ++i) {
      row[sweep.columns[i].name] = json_of_csv(cells[i]);
    }
  }
  return json_text(json);
}

}  // namespace potomac::sim
