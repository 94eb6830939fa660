#include "sim/machine/architecture_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <yaml-cpp/yaml.h>

#include <string_view>
#include <vector>

#include "sim/machine/architecture_keys.hpp"
#include "sim/machine/importers/scalesim_config.hpp"
#include "support/error.hpp"

namespace potomac::sim {
namespace {

// "array." for "array": what begins the names of the keys below `name`; empty for the root.
std::string prefix_below(std::string_view name) {
  return name.empty() ? std::string() : fmt::format("{}.", name);
}

// The next words of the keys that begin with `prefix`.
std::vector<std::string_view> words_below(const std::string& prefix) {
  std::vector<std::string_view> words;
  for (const ArchitectureKey& key : architecture_keys()) {
    if (key.name.starts_with(prefix)) {
      const std::string_view rest = key.name.substr(prefix.size());
      const std::string_view word = rest.substr(0, rest.find('.'));
      if (words.empty() || words.back() != word) {
        words.push_back(word);
      }
    }
  }
  return words;
}

// A part that is named without a key of its own has all defaults.
void make_part(const std::string& name, Architecture& architecture) {
  if (name == "memory") {
    memory_of(architecture);
  } else if (name == "memory.dram") {
    dram_of(architecture);
  }
}

// A device has its own bandwidth and latency.
void require_one_dram(const YamlValue& dram) {
  const auto preset = dram.find("preset");
  for (const std::string_view other : {"bandwidth_gb_s", "latency_ns"}) {
    if (preset && dram.find(other)) {
      preset->fail(fmt::format("stands beside {}", other),
                   "leave one of them out: a preset has its own bandwidth and latency");
    }
  }
}

void parse_map(const YamlValue& map, const std::string& prefix, Architecture& architecture) {
  for (const auto& [word, value] : map.entries()) {
    const std::string name = prefix + word;
    const bool has_below = !words_below(prefix_below(name)).empty();
    const ArchitectureKey* const key = find_architecture_key(name);
    if (key != nullptr && !(has_below && value.is_map())) {
      key->set(architecture, read_value(*key, value));
    } else if (has_below) {
      make_part(name, architecture);
      if (name == "memory.dram") {
        require_one_dram(value);
      }
      parse_map(value, prefix_below(name), architecture);
    } else {
      value.fail("is not a known key",
                 fmt::format("known here: {}", fmt::join(words_below(prefix), ", ")));
    }
  }
}

}  // namespace

Architecture parse_architecture(const YamlValue& root) {
  Architecture architecture;
  parse_map(root, "", architecture);
  load_dram_device(architecture);
  return architecture;
}

std::string architecture_text(const Architecture& architecture) {
  YAML::Node root(YAML::NodeType::Map);
  for (const ArchitectureKey& key : architecture_keys()) {
    if (!is_there(key.get(architecture))) {
      continue;
    }
    YAML::Node at = root;
    std::string_view rest = key.name;
    for (std::size_t dot = rest.find('.'); dot != std::string_view::npos; dot = rest.find('.')) {
      at.reset(at[std::string(rest.substr(0, dot))]);
      rest.remove_prefix(dot + 1);
    }
    at[std::string(rest)] = text_of(key.get(architecture));
  }
  YAML::Emitter out;
  out << root;
  return std::string(out.c_str()) + "\n";
}

Architecture load_architecture(const std::filesystem::path& path) {
  return path.extension() == ".cfg" ? load_scalesim_config(path).architecture
                                    : parse_architecture(read_yaml_file(path));
}

void set_key(Architecture& architecture, const std::string& assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string::npos) {
    throw InputError({"", "--set", fmt::format("'{}' is not KEY=VALUE", assignment),
                      "write it like array.rows=32"});
  }
  const std::string name = assignment.substr(0, equals);
  const YamlValue value = YamlValue::of_text(assignment.substr(equals + 1), "--set", name);
  const ArchitectureKey& key = architecture_key(name, value);
  key.set(architecture, read_value(key, value));
  load_dram_device(architecture);
}

void load_dram_device(Architecture& architecture) {
  if (!architecture.memory || !architecture.memory->dram) {
    return;
  }
  DramConfig& dram = *architecture.memory->dram;
  if (!dram.preset.empty() && !dram.device) {
    dram.device = load_dram_preset(dram.preset);
  }
}

}  // namespace potomac::sim
