#include "sim/results/pass_pe_map.hpp"

#include <fmt/format.h>

#include "sim/results/csv_field.hpp"

namespace potomac::sim {

std::string pe_map_csv(const PassPeMap& map) {
  std::vector<std::string> header = {"row", "col"};
  for (const PassPeMap::OfMachine& machine : map.machines) {
    for (const char* const figure : {"macs", "gated", "toggles"}) {
      header.push_back(fmt::format("{}_{}", machine.machine, figure));
    }
  }
  std::string csv = csv_line(header);
  const ArrayShape array = map.machines.front().map.array;
  const auto known = [](bool is_known, std::uint64_t count) {
    return is_known ? fmt::format("{}", count) : std::string();
  };
  for (std::size_t i = 0; i < map.machines.front().map.pes.size(); ++i) {
    const auto place = static_cast<std::int64_t>(i);
    std::vector<std::string> row = {fmt::format("{}", place / array.cols),
                                    fmt::format("{}", place % array.cols)};
    for (const PassPeMap::OfMachine& machine : map.machines) {
      const PeActivity& pe = machine.map.pes[i];
      row.push_back(fmt::format("{}", pe.macs));
      row.push_back(known(map.gated_known, pe.gated));
      row.push_back(known(map.toggles_known, pe.toggles));
    }
    csv += csv_line(row);
  }
  return csv;
}

}  // namespace potomac::sim
