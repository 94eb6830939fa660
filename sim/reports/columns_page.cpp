#include "sim/reports/columns_page.hpp"

#include <fmt/format.h>

#include "sim/results/columns.hpp"

namespace potomac::sim {
namespace {

template <typename Columns>
std::string table_of(const Columns& columns) {
  std::string text = "| key | unit | meaning |\n|---|---|---|\n";
  for (const auto& column : columns) {
    if (!column.names.path.empty()) {
      text += fmt::format("| `{}` | {} | {} |\n", column.names.path, column.names.unit,
                          column.names.meaning);
    }
  }
  return text;
}

}  // namespace

std::string columns_page() {
  return fmt::format("Of a pass:\n\n{}\nOf a machine:\n\n{}\nOf an energy:\n\n{}",
                     table_of(pass_columns()), table_of(machine_columns()),
                     table_of(energy_columns()));
}

}  // namespace potomac::sim
