#include "sim/machine/importers/scalesim_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <string_view>
#include <system_error>

#include "sim/machine/architecture_keys.hpp"
#include "support/ascii.hpp"
#include "support/error.hpp"
#include "support/plain_text.hpp"
#include "support/text_file.hpp"

namespace potomac::sim {
namespace {

constexpr std::size_t kLargestFileMib = 1;
// What becomes a key of ours, in lower case.
struct Taken {
  std::string_view theirs;
  std::string_view ours;
};
constexpr std::array<Taken, 3> kTaken = {
    {{"arrayheight", "array.rows"}, {"arraywidth", "array.cols"}, {"dataflow", "array.dataflow"}}};
// The same where memory is simulated (InterfaceBandwidth: USER).
constexpr std::array<Taken, 3> kScratchpads = {{{"ifmapsramszkb", "memory.first.kib"},
                                                {"filtersramszkb", "memory.second.kib"},
                                                {"ofmapsramszkb", "memory.results.kib"}}};

struct Setting {
  std::string section;
  std::string key;
  std::string value;
  std::size_t line = 0;
};

// "[section]", "key : value" or "key = value", and comments, as Python's configparser reads them.
std::vector<Setting> settings_of(const std::string& text, const std::string& file) {
  std::vector<Setting> settings;
  std::string section;
  std::size_t number = 0;
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  std::string_view rest = text;
  if (rest.starts_with(kByteOrderMark)) {
    rest.remove_prefix(kByteOrderMark.size());
  }
  std::map<std::string, std::size_t> places;  // of sections and keys, which stand once
  const auto once = [&](const std::string& what) {
    const auto [place, is_new] = places.emplace(what, number);
    if (!is_new) {
      throw InputError({file, fmt::format("line {}", number),
                        fmt::format("{} stands in line {} already", printable(what), place->second),
                        "keep one"});
    }
  };
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::string line(trimmed(rest.substr(0, end)));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    ++number;
    if (line.empty() || line.front() == '#' || line.front() == ';') {
      continue;
    }
    if (line.front() == '[' && line.back() == ']') {
      section = lowercase(line.substr(1, line.size() - 2));
      once(fmt::format("[{}]", section));
      continue;
    }
    const std::size_t separator = line.find_first_of(":=");
    if (separator == std::string::npos) {
      throw InputError({file, fmt::format("line {}", number),
                        fmt::format("'{}' is not KEY : VALUE", printable(line)),
                        "name a SCALE-Sim configuration"});
    }
    settings.push_back({section, std::string(trimmed(std::string_view(line).substr(0, separator))),
                        std::string(trimmed(std::string_view(line).substr(separator + 1))),
                        number});
    once(fmt::format("[{}] {}", section, lowercase(settings.back().key)));
  }
  return settings;
}

// Words in a cycle at each of three interfaces, "10" or "10,10,5". A word is a byte, and all are of
// one DRAM here.
void set_bandwidth(Architecture& architecture, const Setting& setting, const std::string& file) {
  double words = 0;
  int interfaces = 0;
  for (std::string_view rest = setting.value;;) {
    const std::size_t comma = rest.find(',');
    const std::string_view text = trimmed(rest.substr(0, comma));
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !(value > 0 && value < 1e9)) {
      throw InputError({file, fmt::format("line {}, {}", setting.line, printable(setting.key)),
                        fmt::format("'{}' is no number of words in a cycle", printable(text)),
                        "write one, or three with commas between"});
    }
    words += value;
    interfaces += 1;
    if (comma == std::string_view::npos) {
      break;
    }
    rest.remove_prefix(comma + 1);
  }
  const double all = interfaces == 1 ? 3 * words : words;
  const YamlValue value =
      YamlValue::of_text(fmt::format("{}", all * architecture.clock_mhz / 1000.0),
                         fmt::format("{}: line {}", file, setting.line), setting.key);
  const ArchitectureKey& ours = architecture_key("memory.dram.bandwidth_gb_s", value);
  ours.set(architecture, read_value(ours, value));
}

// What SCALE-Sim itself makes nothing of: names, and what is switched off.
bool is_without_effect_there(const Setting& setting) {
  const std::string value = lowercase(setting.value);
  return setting.section == "general" || setting.section == "sparsity" ||
         setting.section == "network_presets" ||
         (setting.section != "architecture_presets" && (value == "false" || value == "none"));
}

}  // namespace

ScalesimConfig parse_scalesim_config(const std::string& text, const std::string& file) {
  ScalesimConfig config;
  std::map<std::string_view, bool> seen;
  const std::vector<Setting> settings = settings_of(text, file);
  const auto find = [&](std::string_view section, std::string_view key) {
    const auto found = std::ranges::find_if(settings, [&](const Setting& setting) {
      return setting.section == section && lowercase(setting.key) == key;
    });
    return found == settings.end() ? nullptr : &*found;
  };
  const Setting* const interface = find("run_presets", "interfacebandwidth");
  const bool has_memory = interface != nullptr && lowercase(interface->value) == "user";
  const auto take = [&](const Setting& setting, std::string_view key) {
    const YamlValue value = YamlValue::of_text(
        lowercase(setting.value), fmt::format("{}: line {}", file, setting.line), setting.key);
    const ArchitectureKey& ours = architecture_key(key, value);
    ours.set(config.architecture, read_value(ours, value));
  };
  for (const Setting& setting : settings) {
    const std::string key = lowercase(setting.key);
    const auto* const taken = std::ranges::find(kTaken, key, &Taken::theirs);
    const auto* const scratchpad = std::ranges::find(kScratchpads, key, &Taken::theirs);
    const bool of_architecture = setting.section == "architecture_presets";
    if (key == "sparsitysupport") {
      if (lowercase(setting.value) == "true") {
        throw InputError({file, fmt::format("line {}, {}", setting.line, printable(setting.key)),
                          "asks for sparsity, which is not simulated", "set it to false"});
      }
    } else if (of_architecture && taken != kTaken.end()) {
      take(setting, taken->ours);
      seen[taken->theirs] = true;
    } else if (of_architecture && has_memory && scratchpad != kScratchpads.end()) {
      take(setting, scratchpad->ours);
    } else if (of_architecture && has_memory && key == "bandwidth") {
      set_bandwidth(config.architecture, setting, file);
    } else if (!is_without_effect_there(setting) && &setting != interface) {
      config.left_out.push_back(setting.key);
    }
  }
  for (const Taken& taken : kTaken) {
    if (!seen.contains(taken.theirs)) {
      throw InputError({file, "[architecture_presets]",
                        fmt::format("does not say {}", taken.theirs),
                        "name a SCALE-Sim configuration"});
    }
  }
  return config;
}

ScalesimConfig load_scalesim_config(const std::filesystem::path& path) {
  return parse_scalesim_config(read_text_file(path, "configuration", kLargestFileMib),
                               path.string());
}

}  // namespace potomac::sim
