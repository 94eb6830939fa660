#include "sim/reports/keys_page.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <variant>

#include "sim/machine/architecture_keys.hpp"
#include "sim/machine/dram_preset.hpp"

namespace potomac::sim {
namespace {

std::string values_of(const KeyType& type) {
  struct Visitor {
    std::string operator()(const IntegerKey& key) const {
      const std::string range = fmt::format("{} to {}", key.low, key.high);
      return key.words.empty() ? range
                               : fmt::format("`{}`, {}", fmt::join(key.words, "`, `"), range);
    }
    std::string operator()(const NumberKey& key) const {
      return fmt::format("{} to {}", key.low, key.high);
    }
    std::string operator()(const BooleanKey& /*key*/) const { return "`true`, `false`"; }
    std::string operator()(const FileKey& /*key*/) const {
      return fmt::format("`{}`, or a file", fmt::join(shipped_dram_presets().names(), "`, `"));
    }
    std::string operator()(const ListKey& key) const { return std::string(key.items); }
    std::string operator()(const WordKey& key) const {
      return fmt::format("`{}`", fmt::join(key.words, "`, `"));
    }
  };
  return std::visit(Visitor{}, type);
}

// What a key is by default, of a part that the default machine lacks too.
KeyValue default_of(const ArchitectureKey& key) {
  Architecture machine;
  if (!is_there(key.get(machine))) {
    machine.memory.emplace();
  }
  if (!is_there(key.get(machine))) {
    machine.memory->dram.emplace();
  }
  if (!is_there(key.get(machine))) {
    machine.memory->dram->preset = shipped_dram_presets().names().front();
  }
  return key.get(machine);
}

std::string default_text(const ArchitectureKey& key) {
  return std::holds_alternative<ListKey>(key.type) ? "none" : text_of(default_of(key));
}

}  // namespace

std::string keys_page() {
  std::string page = "| key | values | default | unit | meaning |\n|---|---|---|---|---|\n";
  for (const ArchitectureKey& key : architecture_keys()) {
    page += fmt::format("| `{}` | {} | `{}` | {} | {} |\n", key.name, values_of(key.type),
                        default_text(key), key.unit, key.meaning);
  }
  return page;
}

}  // namespace potomac::sim
