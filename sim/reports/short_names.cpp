#include "sim/reports/short_names.hpp"

#include <algorithm>
#include <string_view>

namespace potomac::sim {

std::vector<std::string> short_names(const std::vector<const ArchitectureKey*>& keys) {
  const auto last_word = [](const ArchitectureKey* key) {
    return key->name.substr(key->name.rfind('.') + 1);
  };
  std::vector<std::string> names;
  for (const ArchitectureKey* key : keys) {
    const bool clear = std::ranges::count(keys, last_word(key), last_word) == 1;
    names.emplace_back(clear ? last_word(key) : key->name);
  }
  return names;
}

}  // namespace potomac::sim
