#include "sim/machine/importers/scalesim_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

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
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = rest.find('\n');
    const std::string line(trimmed(rest.substr(0, end)));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    ++number;
    if (line.empty() || line.front() == '#' || line.front() == ';') {
      continue;
    }
    if (line.front() == '[' && line.back() == ']') {
      section = lowercase(line.substr(1, line.size() - 2));
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
  }
  return settings;
}

}  // namespace

ScalesimConfig parse_scalesim_config(const std::string& text, const std::string& file) {
  ScalesimConfig config;
  std::map<std::string_view, bool> seen;
  for (const Setting& setting : settings_of(text, file)) {
    const std::string place = fmt::format("line {}, {}", setting.line, printable(setting.key));
    const std::string key = lowercase(setting.key);
    if (key == "sparsitysupport" && lowercase(setting.value) == "true") {
      throw InputError(
          {file, place, "asks for sparsity, which is not simulated", "set it to false"});
    }
    if (setting.section != "architecture_presets") {
      continue;
    }
    const auto* const taken = std::ranges::find(kTaken, key, &Taken::theirs);
    if (taken == kTaken.end()) {
      config.left_out.push_back(setting.key);
      continue;
    }
    const YamlValue value = YamlValue::of_text(
        lowercase(setting.value), fmt::format("{}: line {}", file, setting.line), setting.key);
    const ArchitectureKey& ours = architecture_key(taken->ours, value);
    ours.set(config.architecture, read_value(ours, value));
    seen[taken->theirs] = true;
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
