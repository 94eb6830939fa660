#include "sim/machine/architecture.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <type_traits>
#include <vector>

#include "sim/machine/scalesim_config.hpp"
#include "support/error.hpp"

namespace potomac::sim {
namespace {

// In the order of the enumerations.
constexpr std::array<std::string_view, 3> kDataflows = {"os", "ws", "is"};
constexpr std::array<std::string_view, 2> kIssues = {"serial", "pipelined"};
constexpr std::array<std::string_view, 2> kOverflows = {"wrap", "saturate"};
constexpr std::array<std::string_view, 2> kStridedBackwardData = {"phases", "zero_insert"};
constexpr std::string_view kExact = "exact";
constexpr std::array<std::string_view, 1> kIdeal = {"ideal"};
constexpr std::string_view kDefaultPreset = "ddr4-2400";

template <typename Enum, std::size_t N>
std::string word_of(const std::array<std::string_view, N>& words, Enum value) {
  return std::string(words.at(static_cast<std::size_t>(value)));
}

template <typename Enum, std::size_t N>
Enum value_of(const std::array<std::string_view, N>& words, const KeyValue& word) {
  return static_cast<Enum>(
      std::distance(words.begin(), std::ranges::find(words, std::get<std::string>(word))));
}

KeyValue lsb_value(const std::optional<int>& lsb) {
  return lsb ? KeyValue(std::int64_t{*lsb}) : KeyValue(std::string(kExact));
}

// A part that a machine may have, made if it has none.
MemoryConfig& memory_of(Architecture& architecture) {
  return architecture.memory ? *architecture.memory : architecture.memory.emplace();
}
DramConfig& dram_of(Architecture& architecture) {
  MemoryConfig& memory = memory_of(architecture);
  return memory.dram ? *memory.dram : memory.dram.emplace();
}

// One key of a scratchpad.
template <ScratchpadConfig MemoryConfig::*kScratchpad, auto kMember>
constexpr ArchitectureKey of_scratchpad(std::string_view name, KeyType type, std::string_view unit,
                                        std::string_view meaning) {
  return {name,
          type,
          unit,
          meaning,
          [](const Architecture& a) {
            return a.memory ? KeyValue((*a.memory).*kScratchpad.*kMember) : KeyValue();
          },
          [](Architecture& a, const KeyValue& v) {
            auto& value = memory_of(a).*kScratchpad.*kMember;
            value = std::get<std::remove_reference_t<decltype(value)>>(v);
          }};
}
template <ScratchpadConfig MemoryConfig::*kScratchpad>
constexpr ArchitectureKey kib_of(std::string_view name, std::string_view meaning) {
  return of_scratchpad<kScratchpad, &ScratchpadConfig::kib>(name, IntegerKey{1, kMaxScratchpadKib},
                                                            "KiB", meaning);
}
template <ScratchpadConfig MemoryConfig::*kScratchpad>
constexpr ArchitectureKey word_of_scratchpad(std::string_view name) {
  return of_scratchpad<kScratchpad, &ScratchpadConfig::word_bits>(
      name, IntegerKey{1, kMaxWordBits}, "bits",
      "what each of its banks, one to a lane of the array's edge, gives or takes in a cycle");
}
template <ScratchpadConfig MemoryConfig::*kScratchpad>
constexpr ArchitectureKey double_buffered(std::string_view name) {
  return of_scratchpad<kScratchpad, &ScratchpadConfig::double_buffered>(
      name, BooleanKey{}, "", "a tile has half of it; DMA works at the other half meanwhile");
}

template <double DramConfig::*kMember>
KeyValue get_of_dram(const Architecture& a) {
  return a.memory && a.memory->dram && !a.memory->dram->device
             ? KeyValue((*a.memory->dram).*kMember)
             : KeyValue();
}
template <double DramConfig::*kMember>
void set_of_dram(Architecture& a, const KeyValue& v) {
  DramConfig& dram = dram_of(a);
  dram.device.reset();
  dram.preset.clear();
  dram.channels.reset();
  dram.*kMember = std::get<double>(v);
}

bool has_device(const Architecture& a) {
  return a.memory && a.memory->dram && a.memory->dram->device;
}
void set_preset(Architecture& a, const std::string& name) {
  DramConfig& dram = dram_of(a);
  dram.device = load_dram_preset(name);
  dram.preset = name;
}

constexpr std::array<ArchitectureKey, 26> kKeys = {{
    {"array.rows", IntegerKey{1, kMaxArrayExtent}, "PEs",
     "rows; the `systemc` engine takes up to 65536 PEs in all",
     [](const Architecture& a) { return KeyValue(a.array.rows); },
     [](Architecture& a, const KeyValue& v) { a.array.rows = std::get<std::int64_t>(v); }},
    {"array.cols", IntegerKey{1, kMaxArrayExtent}, "PEs", "columns",
     [](const Architecture& a) { return KeyValue(a.array.cols); },
     [](Architecture& a, const KeyValue& v) { a.array.cols = std::get<std::int64_t>(v); }},
    {"array.dataflow", WordKey{kDataflows}, "",
     "what stays in the PEs: `os`, results; `ws`, the second operand (the weights, in forward); "
     "`is`, "
     "the first",
     [](const Architecture& a) { return KeyValue(word_of(kDataflows, a.dataflow)); },
     [](Architecture& a, const KeyValue& v) { a.dataflow = value_of<Dataflow>(kDataflows, v); }},
    {"array.issue", WordKey{kIssues}, "",
     "`serial`: a fold starts when the one before has left the far corner; `pipelined`: as soon as "
     "its operands may follow",
     [](const Architecture& a) { return KeyValue(word_of(kIssues, a.issue)); },
     [](Architecture& a, const KeyValue& v) { a.issue = value_of<Issue>(kIssues, v); }},
    {"pe.operand_bits", IntegerKey{rtl::kMinPotBits, rtl::kMaxPotBits}, "bits",
     "widest PoT code that a PE takes; narrower tensors are widened",
     [](const Architecture& a) { return KeyValue(std::int64_t{a.pe.operand_bits}); },
     [](Architecture& a, const KeyValue& v) {
       a.pe.operand_bits = static_cast<int>(std::get<std::int64_t>(v));
     }},
    {"pe.accumulator.bits", IntegerKey{rtl::kMinAccumulatorBits, rtl::kMaxAccumulatorBits}, "bits",
     "width of the two's-complement accumulator",
     [](const Architecture& a) { return KeyValue(std::int64_t{a.pe.accumulator.bits}); },
     [](Architecture& a, const KeyValue& v) {
       a.pe.accumulator.bits = static_cast<int>(std::get<std::int64_t>(v));
     }},
    {"pe.accumulator.lsb", IntegerKey{-rtl::kMaxAbsLsb, rtl::kMaxAbsLsb, kExact}, "",
     "the lowest bit weighs 2^lsb; `exact`: every product has its bit",
     [](const Architecture& a) { return lsb_value(a.pe.accumulator.lsb); },
     [](Architecture& a, const KeyValue& v) {
       a.pe.accumulator.lsb.reset();
       if (const auto* lsb = std::get_if<std::int64_t>(&v)) {
         a.pe.accumulator.lsb = static_cast<int>(*lsb);
       }
     }},
    {"pe.accumulator.overflow", WordKey{kOverflows}, "",
     "what a sum does that leaves the accumulator's range",
     [](const Architecture& a) { return KeyValue(word_of(kOverflows, a.pe.accumulator.overflow)); },
     [](Architecture& a, const KeyValue& v) {
       a.pe.accumulator.overflow = value_of<rtl::Overflow>(kOverflows, v);
     }},
    {"pe.zero_gating", BooleanKey{}, "", "a zero operand fires no arithmetic",
     [](const Architecture& a) { return KeyValue(a.pe.zero_gating); },
     [](Architecture& a, const KeyValue& v) { a.pe.zero_gating = std::get<bool>(v); }},
    {"baseline.zero_gating", BooleanKey{}, "", "the same for the FP32 array",
     [](const Architecture& a) { return KeyValue(a.baseline.zero_gating); },
     [](Architecture& a, const KeyValue& v) { a.baseline.zero_gating = std::get<bool>(v); }},
    {"lowering.strided_backward_data", WordKey{kStridedBackwardData}, "",
     "a strided convolution's backward-data: `phases`, a GEMM without holes for each residue of a "
     "pixel; `zero_insert`, one GEMM with zeros between the gradients",
     [](const Architecture& a) {
       return KeyValue(word_of(kStridedBackwardData, a.lowering.strided_backward_data));
     },
     [](Architecture& a, const KeyValue& v) {
       a.lowering.strided_backward_data =
           value_of<workloads::StridedBackwardData>(kStridedBackwardData, v);
     }},
    kib_of<&MemoryConfig::first>("memory.first.kib", "the scratchpad of the first operand"),
    word_of_scratchpad<&MemoryConfig::first>("memory.first.word_bits"),
    double_buffered<&MemoryConfig::first>("memory.first.double_buffered"),
    kib_of<&MemoryConfig::second>("memory.second.kib", "the scratchpad of the second operand"),
    word_of_scratchpad<&MemoryConfig::second>("memory.second.word_bits"),
    double_buffered<&MemoryConfig::second>("memory.second.double_buffered"),
    kib_of<&MemoryConfig::results>("memory.results.kib",
                                   "the scratchpad of results and partial sums"),
    word_of_scratchpad<&MemoryConfig::results>("memory.results.word_bits"),
    double_buffered<&MemoryConfig::results>("memory.results.double_buffered"),
    {"memory.dram", WordKey{kIdeal}, "",
     "`ideal`: what is asked of DRAM is there at once; or its bandwidth and latency, or a preset",
     [](const Architecture& a) {
       return a.memory && !a.memory->dram ? KeyValue(std::string(kIdeal[0])) : KeyValue();
     },
     [](Architecture& a, const KeyValue& /*ideal*/) { memory_of(a).dram.reset(); }},
    {"memory.dram.bandwidth_gb_s", NumberKey{0.001, 100000.0}, "GB/s",
     "of DRAM, all that is read and written together, 10^9 bytes a second",
     &get_of_dram<&DramConfig::bandwidth_gb_s>, &set_of_dram<&DramConfig::bandwidth_gb_s>},
    {"memory.dram.latency_ns", NumberKey{0.0, 1000000.0}, "ns", "from a request to its first bit",
     &get_of_dram<&DramConfig::latency_ns>, &set_of_dram<&DramConfig::latency_ns>},
    {"memory.dram.preset", FileKey{}, "",
     "a device with its timing, in place of a bandwidth and a latency",
     [](const Architecture& a) {
       return has_device(a) ? KeyValue(a.memory->dram->preset) : KeyValue();
     },
     [](Architecture& a, const KeyValue& v) { set_preset(a, std::get<std::string>(v)); }},
    {"memory.dram.channels", IntegerKey{1, kMaxDramChannels}, "channels",
     "of the preset's, each with a controller; left out: as many as the preset has",
     [](const Architecture& a) {
       return has_device(a) ? KeyValue(channels_of(*a.memory->dram)) : KeyValue();
     },
     [](Architecture& a, const KeyValue& v) {
       if (!has_device(a)) {
         set_preset(a, std::string(kDefaultPreset));
       }
       dram_of(a).channels = std::get<std::int64_t>(v);
     }},
    {"clock_mhz", NumberKey{0.001, kMaxClockMhz}, "MHz",
     "turns cycles into time; decides nothing else",
     [](const Architecture& a) { return KeyValue(a.clock_mhz); },
     [](Architecture& a, const KeyValue& v) { a.clock_mhz = std::get<double>(v); }},
}};

const ArchitectureKey* find_key(std::string_view name) {
  for (const ArchitectureKey& key : kKeys) {
    if (key.name == name) {
      return &key;
    }
  }
  return nullptr;
}

// "array." for "array": what begins the names of the keys below `name`; empty for the root.
std::string prefix_below(std::string_view name) {
  return name.empty() ? std::string() : fmt::format("{}.", name);
}

// The next words of the keys that begin with `prefix`.
std::vector<std::string_view> words_below(const std::string& prefix) {
  std::vector<std::string_view> words;
  for (const ArchitectureKey& key : kKeys) {
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
    const ArchitectureKey* const key = find_key(name);
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

struct Text {
  std::string operator()(std::monostate /*not there*/) const { return {}; }
  std::string operator()(const auto& value) const { return fmt::format("{}", value); }
};

struct ValueReader {
  const YamlValue& value;

  KeyValue operator()(const IntegerKey& type) const {
    if (!type.word.empty() && value.is_scalar() && value.as_string() == type.word) {
      return std::string(type.word);
    }
    return value.as_integer(type.low, type.high);
  }
  KeyValue operator()(const NumberKey& type) const { return value.as_number(type.low, type.high); }
  KeyValue operator()(const BooleanKey& /*type*/) const { return value.as_bool(); }
  KeyValue operator()(const FileKey& /*type*/) const { return value.as_string(); }
  KeyValue operator()(const WordKey& type) const {
    return std::string(type.words[value.as_one_of(type.words)]);
  }
};

}  // namespace

std::string_view name_of(Dataflow dataflow) {
  return kDataflows.at(static_cast<std::size_t>(dataflow));
}

std::string_view name_of(Issue issue) {
  return kIssues.at(static_cast<std::size_t>(issue));
}

std::int64_t channels_of(const DramConfig& dram) {
  return dram.channels.value_or(dram.device ? dram.device->channels : 1);
}

double peak_gb_s(const DramConfig& dram) {
  return dram.device ? dram.device->channel_gb_s() * static_cast<double>(channels_of(dram))
                     : dram.bandwidth_gb_s;
}

DramConfig without_device(const DramConfig& dram) {
  return {peak_gb_s(dram), dram.device ? dram.device->idle_latency_ns() : dram.latency_ns};
}

std::string text_of(const DramConfig& dram) {
  if (!dram.device) {
    return fmt::format("{} GB/s, {} ns", dram.bandwidth_gb_s, dram.latency_ns);
  }
  const std::int64_t channels = channels_of(dram);
  return fmt::format("{}, {} channel{}, {:g} GB/s", dram.device->name, channels,
                     channels == 1 ? "" : "s", peak_gb_s(dram));
}

std::span<const ArchitectureKey> architecture_keys() {
  return kKeys;
}

const ArchitectureKey& architecture_key(std::string_view name, const YamlValue& where) {
  const ArchitectureKey* key = find_key(name);
  if (key == nullptr) {
    std::vector<std::string_view> names;
    std::ranges::transform(kKeys, std::back_inserter(names), &ArchitectureKey::name);
    where.fail("is no key of an architecture", fmt::format("use {}", fmt::join(names, ", ")));
  }
  return *key;
}

KeyValue read_value(const ArchitectureKey& key, const YamlValue& value) {
  return std::visit(ValueReader{value}, key.type);
}

std::string text_of(const KeyValue& value) {
  return std::visit(Text{}, value);
}

Architecture parse_architecture(const YamlValue& root) {
  Architecture architecture;
  parse_map(root, "", architecture);
  return architecture;
}

std::string architecture_text(const Architecture& architecture) {
  YAML::Node root(YAML::NodeType::Map);
  for (const ArchitectureKey& key : kKeys) {
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
  const YamlValue value(YAML::Node(assignment.substr(equals + 1)), "--set", name);
  const ArchitectureKey& key = architecture_key(name, value);
  key.set(architecture, read_value(key, value));
}

rtl::Accumulator require_fit(const Architecture& architecture, const std::string& layer,
                             rtl::PotFormat first, rtl::PotFormat second) {
  const int widest = std::max(first.bits(), second.bits());
  if (widest > architecture.pe.operand_bits) {
    throw InputError({"", fmt::format("layer {}", layer),
                      fmt::format("a {}-bit tensor does not fit pe.operand_bits {}", widest,
                                  architecture.pe.operand_bits),
                      fmt::format("set pe.operand_bits to {} or more", widest)});
  }
  try {
    return rtl::resolve(architecture.pe.accumulator, first, second);
  } catch (const InputError& error) {
    Fault fault = error.fault();
    fault.place = fmt::format("layer {}, {}", layer, fault.place);
    throw InputError(fault);
  }
}

}  // namespace potomac::sim
