// Strict reading of a JSON document that nobody vouches for: a value knows its file and its place,
// and what is missing, of another type, out of range or no plain text is an InputError that names
// both.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/results/json_tree.hpp"
#include "support/error.hpp"
#include "support/plain_text.hpp"

namespace potomac::sim {

class JsonValue {
 public:
  // A view: `json` must outlive it. `place` is empty at the root.
  JsonValue(const Json& json, std::string file, std::string place)
      : json_(&json), file_(std::move(file)), place_(std::move(place)) {}

  const Json& json() const { return *json_; }
  const std::string& file() const { return file_; }
  bool is_null() const { return json_->is_null(); }

  [[noreturn]] void fail(const std::string& problem, const std::string& remedy) const {
    throw InputError({file_, printable(place_), problem, remedy});
  }

  bool has(std::string_view key) const { return json_->is_object() && json_->contains(key); }
  JsonValue at(std::string_view key) const {
    if (!has(key)) {
      fail(fmt::format("key '{}' is missing", printable(key)), kRemedy);
    }
    return {json_->find(key).value(), file_,
            place_.empty() ? std::string(key) : fmt::format("{}.{}", place_, key)};
  }
  // Null is as good as not there.
  std::optional<JsonValue> find(std::string_view key) const {
    return has(key) && !json_->find(key)->is_null() ? std::optional(at(key)) : std::nullopt;
  }
  std::vector<std::pair<std::string, JsonValue>> entries() const {
    require(json_->is_object(), "a map");
    std::vector<std::pair<std::string, JsonValue>> entries;
    for (const auto& [key, value] : json_->items()) {
      require(is_plain_text(key), "a map of plain names");
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

  // The text must be without control characters: what is read here is shown on terminals.
  std::string text() const {
    require(json_->is_string(), "a text");
    std::string text = json_->get<std::string>();
    require(is_plain_text(text), "a plain text, without control characters");
    return text;
  }
  std::string text_or_empty(std::string_view key) const {
    const std::optional<JsonValue> found = find(key);
    return found ? found->text() : std::string();
  }
  double number(double low, double high) const {
    require(json_->is_number(), "a number");
    const double value = json_->get<double>();
    if (!(value >= low && value <= high)) {
      fail(fmt::format("must be a number from {} to {}", low, high), kRemedy);
    }
    return value;
  }
  // A count is at most 2^63 - 1, as all that is counted; sums are checked where they are made.
  std::uint64_t count() const {
    require(json_->is_number_unsigned() &&
                json_->get<std::uint64_t>() <=
                    static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()),
            "a count");
    return json_->get<std::uint64_t>();
  }
  std::int64_t integer(std::int64_t low = std::numeric_limits<std::int64_t>::min(),
                       std::int64_t high = std::numeric_limits<std::int64_t>::max()) const {
    require(json_->is_number_integer() &&
                !(json_->is_number_unsigned() &&
                  json_->get<std::uint64_t>() >
                      static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())),
            "an integer");
    const auto value = json_->get<std::int64_t>();
    if (value < low || value > high) {
      fail(fmt::format("must be an integer from {} to {}", low, high), kRemedy);
    }
    return value;
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
