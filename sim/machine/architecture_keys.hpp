// The one table of an architecture's keys: files, `--set KEY=VALUE`, sweeps, reports and
// docs/architecture-file.md follow from it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "sim/machine/architecture.hpp"
#include "support/yaml_reader.hpp"

namespace potomac::sim {

// std::monostate: of a part that the machine does not have; it is not written.
using KeyValue = std::variant<std::monostate, std::int64_t, double, bool, std::string>;
inline bool is_there(const KeyValue& value) {
  return !std::holds_alternative<std::monostate>(value);
}

// What may stand at a key.
struct IntegerKey {
  std::int64_t low, high;
  std::span<const std::string_view> words = {};  // that may stand instead of a number
};
struct NumberKey {
  double low, high;
};
struct BooleanKey {};
struct WordKey {
  std::span<const std::string_view> words;
};
// What ships with Potomac by its name, or a file.
struct FileKey {};
// A list of maps. As a value it is a text, the list on one line.
struct ListKey {
  std::string_view items;                    // what it is a list of
  KeyValue (*read)(const YamlValue& value);  // or "[]"
};
using KeyType = std::variant<IntegerKey, NumberKey, BooleanKey, WordKey, FileKey, ListKey>;

struct ArchitectureKey {
  std::string_view name;  // dotted: "pe.accumulator.bits"
  KeyType type;
  std::string_view unit;  // empty: a bare number or a word
  std::string_view meaning;
  KeyValue (*get)(const Architecture&);
  // Gives the machine the part that has the key. Precondition: `value` came from read_value() or
  // get() of the same key, and is there.
  void (*set)(Architecture&, const KeyValue& value);
};

// All keys, in the order of the file. The default of each is its value in Architecture{}; of a part
// that this one lacks, what it has where another of the part's keys is given.
std::span<const ArchitectureKey> architecture_keys();

// Null: no key has that name.
const ArchitectureKey* find_architecture_key(std::string_view name);
// The key of that name. Throws InputError that names the keys there are; `where` says where the
// name was written.
const ArchitectureKey& architecture_key(std::string_view name, const YamlValue& where);

// A value for the key. Throws InputError (a wrong type, out of range) at `value`.
KeyValue read_value(const ArchitectureKey& key, const YamlValue& value);

// A value as it is written in a file; empty if it is not there.
std::string text_of(const KeyValue& value);

}  // namespace potomac::sim
