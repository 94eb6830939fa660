// Strict reading of a JSON document: a value knows its file and its place, and what is missing or
// of another type is an InputError that names both.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/error.hpp"

namespace potomac::sim {

class JsonValue {
 public:
  using Json = nlohmann::ordered_json;

  // A view: `json` must outlive it. `place` is empty at the root.
  JsonValue(const Json& json, std::string file, std::string place)
      : json_(&json), file_(std::move(file)), place_(std::move(place)) {}

  const Json& json() const { return *json_; }
  bool is_null() const { return json_->is_null(); }

  [[noreturn]] void fail(const std::string& problem, const std::string& remedy) const {
    throw InputError({file_, place_, problem, remedy});
  }

  bool has(std::string_view key) const { return json_->is_object() && json_->contains(key); }
  JsonValue at(std::string_view key) const {
    if (!has(key)) {
      fail(fmt::format("key '{}' is missing", key), kRemedy);
    }
    return {json_->find(key).value(), file_,
            place_.empty() ? std::string(key) : fmt::format("{}.{}", place_, key)};
  }
  std::optional<JsonValue> find(std::string_view key) const {
    return has(key) ? std::optional(at(key)) : std::nullopt;
  }
  std::vector<std::pair<std::string, JsonValue>> entries() const {
    require(json_->is_object(), "a map");
    std::vector<std::pair<std::string, JsonValue>> entries;
    for (const auto& [key, value] : json_->items()) {
      entries.emplace_back(key, at(key));
    }
    return entries;
  }
  std::vector<JsonValue> items() const {
    require(json_->is_array(), "a list");
    std::vector<JsonValue> list;
    for (std::size_t i = 0; i < json_->size(); ++i) {
      list.emplace_back((*json_)[i], file_, fmt::format("{}[{}]", place_, i));
    }
    return list;
  }

  std::string text() const {
    require(json_->is_string(), "a text");
    return json_->get<std::string>();
  }
  double number() const {
    require(json_->is_number(), "a number");
    return json_->get<double>();
  }
  std::uint64_t count() const {
    require(json_->is_number_unsigned(), "a count");
    return json_->get<std::uint64_t>();
  }
  std::int64_t integer() const {
    require(json_->is_number_integer(), "an integer");
    return json_->get<std::int64_t>();
  }

 private:
  static constexpr const char* kRemedy = "name a report that `potomac run` wrote";

  void require(bool is, const char* what) const {
    if (!is) {
      fail(fmt::format("must be {}", what), kRemedy);
    }
  }

  const Json* json_;
  std::string file_;
  std::string place_;
};

}  // namespace potomac::sim
