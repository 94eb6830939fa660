#include "sim/reports/text_table.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace potomac::sim {

std::string TextTable::text() const {
  std::vector<std::size_t> widths(rows_.front().size());
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string rule;
  for (const std::size_t width : widths) {
    rule += std::string(width, '-') + "  ";
  }
  rule.resize(rule.size() - 2);
  std::string text;
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    if (r == 1 || std::ranges::count(rules_, r) > 0) {
      text += rule + "\n";
    }
    std::string line;
    for (std::size_t i = 0; i < rows_[r].size(); ++i) {
      line += i < left_ ? fmt::format("{:<{}}  ", rows_[r][i], widths[i])
                        : fmt::format("{:>{}}  ", rows_[r][i], widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace potomac::sim
