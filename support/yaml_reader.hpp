// Strict reading of YAML: every key must be known, every value must have the right type and lie in
// its range; what does not is an InputError that names file, line and key ("top level" where
// there is none).
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace YAML {
class Node;
}  // namespace YAML

namespace potomac {

// One node of a YAML document, with its file and its path of keys ("pe.accumulator.bits"), so that
// every fault can say where it lies. Cheap to copy (yaml-cpp nodes are references).
class YamlValue {
 public:
  YamlValue(const YAML::Node& node, std::string file, std::string key);
  // A single value that stood in no YAML document: an option's, a cell's.
  static YamlValue of_text(const std::string& text, std::string file, std::string key);

  const std::string& file() const { return file_; }
  const std::string& key() const { return key_; }  // dotted path; empty at the root

  // An InputError that points at this value.
  [[noreturn]] void fail(const std::string& problem, const std::string& remedy) const;

  // --- scalars; each throws InputError on a wrong type or a value outside of [low, high] ---
  std::string as_string() const;
  bool as_bool() const;
  std::int64_t as_integer(std::int64_t low, std::int64_t high) const;
  double as_number(double low, double high) const;  // finite
  // One of `names`; returns its position.
  std::size_t as_one_of(std::span<const std::string_view> names) const;
  std::size_t as_one_of(std::initializer_list<std::string_view> names) const {
    return as_one_of(std::span(names.begin(), names.size()));
  }

  // --- containers ---
  std::vector<YamlValue> items() const;                            // of a sequence
  std::vector<std::pair<std::string, YamlValue>> entries() const;  // of a map, no duplicate keys
  bool is_scalar() const;
  bool is_sequence() const;
  bool is_map() const;
  YamlValue at(std::string_view name) const;                   // required key of a map
  std::optional<YamlValue> find(std::string_view name) const;  // optional key of a map

  // Throws InputError if this is not a map, or holds a key that is not in `known` (the message
  // lists the known ones), or holds a key twice.
  void allow_only(std::initializer_list<std::string_view> known) const;

 private:
  YamlValue(const YAML::Node& node, int line, std::string file, std::string key);

  // yaml-cpp's headers are heavier than most files that read a key, so they stay behind a pointer.
  std::shared_ptr<const YAML::Node> node_;
  int line_;  // where it begins, from 1; 0 where yaml-cpp kept no position
  std::string file_;
  std::string key_;
};

// Reads a whole document from a file, or from a pipe to its end. Throws InputError if it cannot be
// read, is a folder, is larger than 16 MiB, is not YAML, or is empty.
YamlValue read_yaml_file(const std::filesystem::path& path);

// The same from a string; `name` stands for the file in messages.
YamlValue read_yaml_text(const std::string& text, const std::string& name);

}  // namespace potomac
