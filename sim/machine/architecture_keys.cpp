#include "sim/machine/architecture_keys.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "sim/machine/unit.hpp"
#include "support/nearest_word.hpp"

namespace potomac::sim {
namespace {

// Words of values, in the order of their enumerations.
constexpr std::array<std::string_view, 2> kOverflows = {name_of(rtl::Overflow::kWrap),
                                                        name_of(rtl::Overflow::kSaturate)};
constexpr std::array<std::string_view, 2> kStridedBackwardData = {"phases", "zero_insert"};
constexpr std::array<std::string_view, 2> kLsbRules = {"exact", "auto"};
constexpr std::array<std::string_view, 1> kIdeal = {"ideal"};
constexpr std::string_view kDefaultPreset = "ddr4-2400";

template <typename Enum, std::size_t N>
std::string enum_word(const std::array<std::string_view, N>& words, Enum value) {
  return std::string(words.at(static_cast<std::size_t>(value)));
}

template <typename Enum, std::size_t N>
Enum value_of(const std::array<std::string_view, N>& words, const KeyValue& word) {
  return static_cast<Enum>(
      std::distance(words.begin(), std::ranges::find(words, std::get<std::string>(word))));
}

KeyValue value_of(const rtl::Lsb& lsb) {
  if (lsb.is_exact() || lsb.is_auto()) {
    return std::string(kLsbRules.at(lsb.is_auto() ? 1 : 0));
  }
  return std::int64_t{lsb.fixed()};
}
rtl::Lsb lsb_of(const KeyValue& value) {
  if (const auto* fixed = std::get_if<std::int64_t>(&value)) {
    return static_cast<int>(*fixed);
  }
  return std::get<std::string>(value) == kLsbRules[0] ? rtl::Lsb() : rtl::Lsb::automatic();
}

std::string yaml_quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    quoted += c == '"' || c == '\\' ? fmt::format("\\{}", c) : std::string(1, c);
  }
  return quoted + "\"";
}

// One item of a list on a line, as YAML.
std::string line_of(const AccumulatorOverride& one) {
  std::string text = fmt::format("{{layer: {}", yaml_quoted(one.layer));
  if (one.pass) {
    text += fmt::format(", pass: {}", workloads::name_of(*one.pass));
  }
  if (one.bits) {
    text += fmt::format(", bits: {}", *one.bits);
  }
  if (one.lsb) {
    text += fmt::format(", lsb: {}", sim::text_of(value_of(*one.lsb)));
  }
  if (one.overflow) {
    text += fmt::format(", overflow: {}", enum_word(kOverflows, *one.overflow));
  }
  return text + "}";
}

std::string line_of(const TileMapping& one) {
  std::string text = fmt::format("{{layer: {}", yaml_quoted(one.layer));
  if (one.pass) {
    text += fmt::format(", pass: {}", workloads::name_of(*one.pass));
  }
  if (!one.machine.empty()) {
    text += fmt::format(", machine: {}", yaml_quoted(one.machine));
  }
  for (const auto& [name, extent] : {std::pair("m", one.m), {"n", one.n}, {"k", one.k}}) {
    if (extent) {
      text += fmt::format(", {}: {}", name, *extent);
    }
  }
  return text + fmt::format(", loop_order: \"{}\"}}", loop_order_text(one.loop_order));
}

template <typename T>
KeyValue value_of(const std::vector<T>& list) {
  std::vector<std::string> texts(list.size());
  std::ranges::transform(list, texts.begin(), [](const T& one) { return line_of(one); });
  return texts.empty() ? KeyValue() : KeyValue(fmt::format("[{}]", fmt::join(texts, ", ")));
}

constexpr IntegerKey kAccumulatorBits = {rtl::kMinAccumulatorBits, rtl::kMaxAccumulatorBits};
constexpr IntegerKey kLsb = {-rtl::kMaxAbsLsb, rtl::kMaxAbsLsb, kLsbRules};
KeyValue read_integer(const IntegerKey& type, const YamlValue& value);

std::optional<workloads::Pass> read_pass(const YamlValue& map) {
  const auto pass = map.find("pass");
  if (!pass) {
    return std::nullopt;
  }
  std::array<std::string_view, workloads::kPasses.size()> names{};
  std::ranges::transform(workloads::kPasses, names.begin(),
                         [](workloads::Pass one) { return workloads::name_of(one); });
  return workloads::kPasses.at(pass->as_one_of(names));
}

AccumulatorOverride read_override(const YamlValue& map) {
  map.allow_only({"layer", "pass", "bits", "lsb", "overflow"});
  AccumulatorOverride one;
  if (const auto layer = map.find("layer")) {
    one.layer = layer->as_string();
  }
  one.pass = read_pass(map);
  if (const auto bits = map.find("bits")) {
    one.bits = static_cast<int>(bits->as_integer(kAccumulatorBits.low, kAccumulatorBits.high));
  }
  if (const auto lsb = map.find("lsb")) {
    one.lsb = lsb_of(read_integer(kLsb, *lsb));
  }
  if (const auto overflow = map.find("overflow")) {
    one.overflow = static_cast<rtl::Overflow>(overflow->as_one_of(kOverflows));
  }
  if (!one.bits && !one.lsb && !one.overflow) {
    map.fail("changes nothing", "give it bits, lsb or overflow");
  }
  return one;
}

TileMapping read_mapping(const YamlValue& map) {
  map.allow_only({"layer", "pass", "machine", "m", "n", "k", "loop_order"});
  TileMapping one;
  if (const auto layer = map.find("layer")) {
    one.layer = layer->as_string();
  }
  one.pass = read_pass(map);
  if (const auto machine = map.find("machine")) {
    std::array<std::string_view, kUnits.size()> ids{};
    std::ranges::transform(kUnits, ids.begin(), &UnitInfo::name);
    one.machine = ids.at(machine->as_one_of(ids));
  }
  const auto extent = [&](const char* name) {
    const auto value = map.find(name);
    return value ? std::optional(value->as_integer(1, std::int64_t{1} << 62)) : std::nullopt;
  };
  one.m = extent("m");
  one.n = extent("n");
  one.k = extent("k");
  if (const auto order = map.find("loop_order")) {
    one.loop_order = kLoopOrders.at(order->as_one_of(kLoopOrderTexts));
  }
  return one;
}

// A list, or a text that is one.
template <typename T>
std::vector<T> read_items(const YamlValue& value, T (*read)(const YamlValue&),
                          std::string_view example) {
  if (value.is_scalar()) {
    const YamlValue list = read_yaml_text(value.as_string(), value.file());
    if (list.is_scalar()) {
      value.fail("is not a list", fmt::format("write it like {}", example));
    }
    return read_items(list, read, example);
  }
  std::vector<T> list;
  for (const YamlValue& item : value.items()) {
    list.push_back(read(item));
  }
  return list;
}
std::vector<AccumulatorOverride> read_overrides(const YamlValue& value) {
  return read_items(value, &read_override, R"([{layer: "*fc*", lsb: -4}])");
}
std::vector<TileMapping> read_mappings(const YamlValue& value) {
  return read_items(value, &read_mapping,
                    R"([{layer: "*fc*", m: 64, n: 64, loop_order: "m,n,k"}])");
}
// As a value: the list on one line.
template <auto kRead>
KeyValue read_list(const YamlValue& value) {
  const KeyValue list = value_of(kRead(value));
  return is_there(list) ? list : KeyValue("[]");
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

bool has_preset(const Architecture& a) {
  return a.memory && a.memory->dram && !a.memory->dram->preset.empty();
}

template <double DramConfig::*kMember>
KeyValue get_of_dram(const Architecture& a) {
  return a.memory && a.memory->dram && !has_preset(a) ? KeyValue((*a.memory->dram).*kMember)
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

void set_preset(Architecture& a, const std::string& name) {
  DramConfig& dram = dram_of(a);
  dram.preset = name;
  dram.device.reset();
}

// Of a key that only a preset has.
DramConfig& dram_with_preset(Architecture& a) {
  if (!has_preset(a)) {
    set_preset(a, std::string(kDefaultPreset));
  }
  return dram_of(a);
}

constexpr auto kKeys = std::to_array<ArchitectureKey>({
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
     [](const Architecture& a) { return KeyValue(enum_word(kDataflows, a.dataflow)); },
     [](Architecture& a, const KeyValue& v) { a.dataflow = value_of<Dataflow>(kDataflows, v); }},
    {"array.issue", WordKey{kIssues}, "",
     "`serial`: a fold starts when the one before has left the far corner; `pipelined`: as soon as "
     "its operands may follow",
     [](const Architecture& a) { return KeyValue(enum_word(kIssues, a.issue)); },
     [](Architecture& a, const KeyValue& v) { a.issue = value_of<Issue>(kIssues, v); }},
    {"pe.operand_bits", IntegerKey{rtl::kMinPotBits, rtl::kMaxPotBits}, "bits",
     "widest PoT code that a PE takes; narrower tensors are widened",
     [](const Architecture& a) { return KeyValue(std::int64_t{a.pe.operand_bits}); },
     [](Architecture& a, const KeyValue& v) {
       a.pe.operand_bits = static_cast<int>(std::get<std::int64_t>(v));
     }},
    {"pe.accumulator.bits", kAccumulatorBits, "bits", "width of the two's-complement accumulator",
     [](const Architecture& a) { return KeyValue(std::int64_t{a.pe.accumulator.bits}); },
     [](Architecture& a, const KeyValue& v) {
       a.pe.accumulator.bits = static_cast<int>(std::get<std::int64_t>(v));
     }},
    {"pe.accumulator.lsb", kLsb, "",
     "the lowest bit weighs 2^lsb; `exact`: every product has its bit; `auto`: pass by pass the "
     "lowest at which no sum can overflow",
     [](const Architecture& a) { return value_of(a.pe.accumulator.lsb); },
     [](Architecture& a, const KeyValue& v) { a.pe.accumulator.lsb = lsb_of(v); }},
    {"pe.accumulator.overflow", WordKey{kOverflows}, "",
     "what a sum does that leaves the accumulator's range",
     [](const Architecture& a) {
       return KeyValue(enum_word(kOverflows, a.pe.accumulator.overflow));
     },
     [](Architecture& a, const KeyValue& v) {
       a.pe.accumulator.overflow = value_of<rtl::Overflow>(kOverflows, v);
     }},
    {"pe.accumulator.overrides",
     ListKey{"a list of maps with `layer` (a pattern), `pass`, and what changes",
             &read_list<&read_overrides>},
     "",
     "other accumulators for some layers' passes, each with any of `bits` (at most the PE's), "
     "`lsb` "
     "and `overflow`; of those that match a pass the last counts",
     [](const Architecture& a) { return value_of(a.pe.overrides); },
     [](Architecture& a, const KeyValue& v) {
       a.pe.overrides = read_overrides(YamlValue::of_text(std::get<std::string>(v), "", ""));
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
       return KeyValue(enum_word(kStridedBackwardData, a.lowering.strided_backward_data));
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
    {"memory.objective", WordKey{kTileObjectives}, "",
     "what tiles are chosen for: `time`, to be done first; `traffic`, to move least",
     [](const Architecture& a) {
       return a.memory ? KeyValue(enum_word(kTileObjectives, a.memory->objective)) : KeyValue();
     },
     [](Architecture& a, const KeyValue& v) {
       memory_of(a).objective = value_of<TileObjective>(kTileObjectives, v);
     }},
    {"memory.tiles",
     ListKey{"a list of maps with `layer` (a pattern), `pass`, `machine`, `m`, `n`, `k` and "
             "`loop_order`",
             &read_list<&read_mappings>},
     "",
     "tiles for some layers' passes that are not chosen; of those that match a pass the last "
     "counts",
     [](const Architecture& a) { return a.memory ? value_of(a.memory->tiles) : KeyValue(); },
     [](Architecture& a, const KeyValue& v) {
       memory_of(a).tiles = read_mappings(YamlValue::of_text(std::get<std::string>(v), "", ""));
     }},
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
       return has_preset(a) ? KeyValue(a.memory->dram->preset) : KeyValue();
     },
     [](Architecture& a, const KeyValue& v) { set_preset(a, std::get<std::string>(v)); }},
    {"memory.dram.channels", IntegerKey{1, kMaxDramChannels}, "channels",
     "of the preset's, each with a controller; left out: as many as the preset has",
     [](const Architecture& a) {
       return has_preset(a) ? KeyValue(channels_of(*a.memory->dram)) : KeyValue();
     },
     [](Architecture& a, const KeyValue& v) {
       dram_with_preset(a).channels = std::get<std::int64_t>(v);
     }},
    {"memory.dram.lookahead", IntegerKey{1, kMaxLookahead}, "transfers",
     "in which a preset's controllers open rows, the one in hand and those behind it",
     [](const Architecture& a) {
       return has_preset(a) ? KeyValue(a.memory->dram->lookahead) : KeyValue();
     },
     [](Architecture& a, const KeyValue& v) {
       dram_with_preset(a).lookahead = std::get<std::int64_t>(v);
     }},
    {"memory.dram.mapping", WordKey{kDramMappings}, "",
     "which channel and bank of a preset's a burst goes to: `xor`, by an XOR of its address's bits "
     "(channels are a power of two); `plain`, in turn",
     [](const Architecture& a) {
       return has_preset(a) ? KeyValue(enum_word(kDramMappings, a.memory->dram->mapping))
                            : KeyValue();
     },
     [](Architecture& a, const KeyValue& v) {
       dram_with_preset(a).mapping = value_of<DramMapping>(kDramMappings, v);
     }},
    {"clock_mhz", NumberKey{0.001, kMaxClockMhz}, "MHz",
     "turns cycles into time; decides nothing else",
     [](const Architecture& a) { return KeyValue(a.clock_mhz); },
     [](Architecture& a, const KeyValue& v) { a.clock_mhz = std::get<double>(v); }},
});

KeyValue read_integer(const IntegerKey& type, const YamlValue& value) {
  if (value.is_scalar() && std::ranges::find(type.words, value.as_string()) != type.words.end()) {
    return value.as_string();
  }
  return value.as_integer(type.low, type.high);
}

struct Text {
  std::string operator()(std::monostate /*not there*/) const { return {}; }
  std::string operator()(const auto& value) const { return fmt::format("{}", value); }
};

struct ValueReader {
  const YamlValue& value;

  KeyValue operator()(const IntegerKey& type) const { return read_integer(type, value); }
  KeyValue operator()(const NumberKey& type) const { return value.as_number(type.low, type.high); }
  KeyValue operator()(const BooleanKey& /*type*/) const { return value.as_bool(); }
  KeyValue operator()(const FileKey& /*type*/) const { return value.as_string(); }
  KeyValue operator()(const ListKey& type) const { return type.read(value); }
  KeyValue operator()(const WordKey& type) const {
    return std::string(type.words[value.as_one_of(type.words)]);
  }
};

}  // namespace

std::span<const ArchitectureKey> architecture_keys() {
  return kKeys;
}

const ArchitectureKey* find_architecture_key(std::string_view name) {
  for (const ArchitectureKey& key : kKeys) {
    if (key.name == name) {
      return &key;
    }
  }
  return nullptr;
}

const ArchitectureKey& architecture_key(std::string_view name, const YamlValue& where) {
  const ArchitectureKey* key = find_architecture_key(name);
  if (key == nullptr) {
    std::vector<std::string> names;
    std::ranges::transform(kKeys, std::back_inserter(names),
                           [](const ArchitectureKey& one) { return std::string(one.name); });
    const std::string nearest = nearest_word(name, names);
    where.fail("is no key of an architecture",
               nearest.empty()
                   ? fmt::format("use {}", fmt::join(names, ", "))
                   : fmt::format("did you mean '{}'? use {}", nearest, fmt::join(names, ", ")));
  }
  return *key;
}

KeyValue read_value(const ArchitectureKey& key, const YamlValue& value) {
  return std::visit(ValueReader{value}, key.type);
}

std::string text_of(const KeyValue& value) {
  return std::visit(Text{}, value);
}

}  // namespace potomac::sim
