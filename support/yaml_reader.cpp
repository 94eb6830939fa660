#include "support/yaml_reader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>
#include <sstream>

#include "support/error.hpp"
#include "support/plain_text.hpp"
#include "support/text_file.hpp"

namespace potomac {
namespace {

constexpr std::size_t kLargestDocumentMib = 16;

std::string child_key(const std::string& parent, std::string_view name) {
  return parent.empty() ? std::string(name) : fmt::format("{}.{}", parent, name);
}

// The line, from 1; 0 where yaml-cpp kept no position.
int line_of(const YAML::Mark& mark) {
  return mark.is_null() ? 0 : mark.line + 1;
}

// "line 3"; empty without a position.
std::string line_text(int line) {
  return line == 0 ? std::string() : fmt::format("line {}", line);
}

// Notes where a document begins, and nothing else.
class DocumentStart : public YAML::EventHandler {
 public:
  const YAML::Mark& mark() const { return mark_; }

  void OnDocumentStart(const YAML::Mark& mark) override { mark_ = mark; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& /*mark*/, YAML::anchor_t /*anchor*/) override {}
  void OnAlias(const YAML::Mark& /*mark*/, YAML::anchor_t /*anchor*/) override {}
  void OnScalar(const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                const std::string& /*value*/) override {}
  void OnSequenceStart(const YAML::Mark& /*mark*/, const std::string& /*tag*/,
                       YAML::anchor_t /*anchor*/, YAML::EmitterStyle::value /*style*/) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                  YAML::EmitterStyle::value /*style*/) override {}
  void OnMapEnd() override {}

 private:
  YAML::Mark mark_ = YAML::Mark::null_mark();
};

YamlValue parse(const std::string& text, const std::string& name) {
  try {
    // Not YAML::LoadAll(), which takes a document of nothing, and does not go on, where a file
    // begins with a comma.
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    DocumentStart document;
    const bool first = parser.HandleNextDocument(document);
    if (first && parser.HandleNextDocument(document)) {
      throw InputError({name, line_text(line_of(document.mark())), "a second document begins here",
                        "keep one document in the file"});
    }
    const YAML::Node root = YAML::Load(text);
    if (!first || root.IsNull()) {
      throw InputError({name, "", "is empty", "write at least one key"});
    }
    return {root, name, ""};
  } catch (const YAML::Exception& error) {
    throw InputError(
        {name, line_text(line_of(error.mark)), error.msg, "mend the YAML syntax there"});
  }
}

}  // namespace

YamlValue::YamlValue(const YAML::Node& node, std::string file, std::string key)
    : YamlValue(node, line_of(node.Mark()), std::move(file), std::move(key)) {}

YamlValue::YamlValue(const YAML::Node& node, int line, std::string file, std::string key)
    : node_(std::make_shared<YAML::Node>(node)),
      line_(line),
      file_(std::move(file)),
      key_(std::move(key)) {}

YamlValue YamlValue::of_text(const std::string& text, std::string file, std::string key) {
  return {YAML::Node(text), std::move(file), std::move(key)};
}

bool YamlValue::is_scalar() const {
  return node_->IsScalar();
}

bool YamlValue::is_sequence() const {
  return node_->IsSequence();
}

bool YamlValue::is_map() const {
  return node_->IsMap();
}

void YamlValue::fail(const std::string& problem, const std::string& remedy) const {
  const std::string line = line_text(line_);
  const std::string key = key_.empty() ? "top level" : fmt::format("key '{}'", key_);
  throw InputError({file_, line.empty() ? key : line + ", " + key, problem, remedy});
}

std::string YamlValue::as_string() const {
  if (!node_->IsScalar()) {
    fail("must be a text", "write a single value");
  }
  // Texts end up in reports and on terminals: none may be broken there, or control them.
  std::string visible = node_->Scalar();
  std::ranges::replace_if(
      visible, [](char c) { return c == '\n' || c == '\t'; }, ' ');
  if (!is_plain_text(visible)) {
    fail(fmt::format("'{}' is not plain UTF-8 text", printable(visible)),
         "save the file as UTF-8, without control characters");
  }
  return node_->Scalar();
}

bool YamlValue::as_bool() const {
  bool value = false;
  if (!node_->IsScalar() || !YAML::convert<bool>::decode(*node_, value)) {
    fail("must be true or false", "write true or false");
  }
  return value;
}

std::int64_t YamlValue::as_integer(std::int64_t low, std::int64_t high) const {
  std::int64_t value = 0;
  const std::string text = node_->IsScalar() ? node_->Scalar() : std::string();
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value < low ||
      value > high) {
    fail(text.empty() ? "must be a whole number"
                      : fmt::format("'{}' is not a whole number from {} to {}", text, low, high),
         fmt::format("write a whole number from {} to {}", low, high));
  }
  return value;
}

double YamlValue::as_number(double low, double high) const {
  double value = 0.0;
  const std::string text = node_->IsScalar() ? node_->Scalar() : std::string();
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() ||
      !std::isfinite(value) || value < low || value > high) {
    fail(text.empty() ? "must be a number"
                      : fmt::format("'{}' is not a number from {} to {}", text, low, high),
         fmt::format("write a number from {} to {}", low, high));
  }
  return value;
}

std::size_t YamlValue::as_one_of(std::span<const std::string_view> names) const {
  const std::string text = as_string();
  std::size_t position = 0;
  for (std::string_view name : names) {
    if (text == name) {
      return position;
    }
    ++position;
  }
  fail(fmt::format("'{}' is not known", text),
       fmt::format("use one of: {}", fmt::join(names, ", ")));
}

std::vector<YamlValue> YamlValue::items() const {
  if (!node_->IsSequence()) {
    fail("must be a list", "write [a, b, ...]");
  }
  std::vector<YamlValue> list;
  std::size_t index = 0;
  for (const YAML::Node& child : *node_) {
    list.emplace_back(child, file_, fmt::format("{}[{}]", key_, index++));
  }
  return list;
}

std::vector<std::pair<std::string, YamlValue>> YamlValue::entries() const {
  if (!node_->IsMap()) {
    fail("must be a map of keys", "write key: value");
  }
  std::vector<std::pair<std::string, YamlValue>> list;
  std::set<std::string> seen;
  for (const auto& child : *node_) {
    if (!child.first.IsScalar()) {
      // The key has no name; YAML's own sign of such a key is a question mark.
      YamlValue(child.first, file_, child_key(key_, "?"))
          .fail("must be a text", "write a single word before the colon");
    }
    const std::string text = child.first.Scalar();
    if (!seen.insert(text).second) {
      YamlValue(child.first, file_, child_key(key_, text))
          .fail("is given twice", "keep one of them");
    }
    // yaml-cpp notices that a value is missing at what comes after it.
    const int line = line_of(child.second.IsNull() ? child.first.Mark() : child.second.Mark());
    list.emplace_back(text, YamlValue(child.second, line, file_, child_key(key_, text)));
  }
  return list;
}

YamlValue YamlValue::at(std::string_view name) const {
  std::optional<YamlValue> value = find(name);
  if (!value) {
    fail(fmt::format("key '{}' is missing", child_key(key_, name)),
         fmt::format("add '{}: ...'", name));
  }
  return *value;
}

std::optional<YamlValue> YamlValue::find(std::string_view name) const {
  for (auto& [key, value] : entries()) {
    if (key == name) {
      return value;
    }
  }
  return std::nullopt;
}

void YamlValue::allow_only(std::initializer_list<std::string_view> known) const {
  for (const auto& [name, value] : entries()) {
    bool found = false;
    for (std::string_view candidate : known) {
      found = found || candidate == name;
    }
    if (!found) {
      value.fail("is not a known key", fmt::format("known here: {}", fmt::join(known, ", ")));
    }
  }
}

YamlValue read_yaml_file(const std::filesystem::path& path) {
  return parse(read_text_file(path, "YAML", kLargestDocumentMib), path.string());
}

YamlValue read_yaml_text(const std::string& text, const std::string& name) {
  return parse(text, name);
}

}  // namespace potomac
