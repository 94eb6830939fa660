#include "sim/results/condition.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>
#include <system_error>
#include <utility>

#include "support/error.hpp"
#include "support/nearest_word.hpp"
#include "support/plain_text.hpp"

namespace potomac::sim {

struct Condition::Node {
  enum class Kind { kAnd, kOr, kNot, kCompare, kArithmetic, kNumber, kText, kName };

  Kind kind = Kind::kNumber;
  std::string operation;  // of a comparison or arithmetic; a text itself
  double number = 0.0;
  std::size_t name = 0;
  std::size_t at = 0;  // where it begins in the text
  std::vector<Node> children;
};

namespace {

using Node = Condition::Node;
using Kind = Node::Kind;

// A condition has no more parts within each other than these.
constexpr int kDeepestCondition = 100;

class ConditionParser {
 public:
  ConditionParser(std::string_view text, std::span<const std::string> known,
                  const std::string& where, std::vector<std::string>& names)
      : text_(text), known_(known), where_(where), names_(names) {}

  Node parse() {
    Node node = disjunction();
    skip_spaces();
    require_condition(node);
    if (at_ != text_.size()) {
      fail("more follows where it should end");
    }
    return node;
  }

 private:
  [[noreturn]] void fail(const std::string& what, const std::string& remedy = {}) const {
    throw InputError({"", where_,
                      fmt::format("'{}' at character {}: {}", printable(text_), at_ + 1, what),
                      remedy.empty() ? "write it like: array.rows * array.cols <= 4096 and "
                                       "array.dataflow = ws"
                                     : remedy});
  }

  void skip_spaces() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) {
      ++at_;
    }
  }
  bool take(std::string_view token) {
    skip_spaces();
    if (!text_.substr(at_).starts_with(token)) {
      return false;
    }
    at_ += token.size();
    return true;
  }
  bool take_word(std::string_view word) {
    skip_spaces();
    const std::size_t end = at_ + word.size();
    if (!text_.substr(at_).starts_with(word) || (end < text_.size() && is_of_word(text_[end]))) {
      return false;
    }
    at_ = end;
    return true;
  }
  static bool is_of_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
  }

  // Counts how deep it is while it lives.
  class Depth {
   public:
    explicit Depth(ConditionParser& parser) : parser_(parser) {
      if (++parser_.depth_ > kDeepestCondition) {
        parser_.fail(fmt::format("is more than {} levels deep", kDeepestCondition));
      }
    }
    ~Depth() { --parser_.depth_; }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;

   private:
    ConditionParser& parser_;
  };

  // A condition; or a sum alone, which stands in parentheses.
  Node disjunction() {
    const Depth depth(*this);
    Node node = conjunction();
    while (take_word("or")) {
      require_condition(node);
      node = joined(Kind::kOr, {}, std::move(node), required_condition(conjunction()));
    }
    return node;
  }
  Node conjunction() {
    Node node = negation();
    while (take_word("and")) {
      require_condition(node);
      node = joined(Kind::kAnd, {}, std::move(node), required_condition(negation()));
    }
    return node;
  }
  Node negation() {
    const Depth depth(*this);
    if (take_word("not")) {
      Node node{.kind = Kind::kNot, .operation = {}, .children = {}};
      node.children.push_back(required_condition(negation()));
      return node;
    }
    return comparison();
  }
  void require_condition(const Node& node) {
    if (node.kind == Kind::kText) {
      unknown(node.operation, node.at);
    }
    if (!is_condition(node)) {
      fail("a comparison is missing: =, !=, <, <=, > or >=");
    }
  }
  Node required_condition(Node node) {
    require_condition(node);
    return node;
  }

  static Node joined(Kind kind, std::string operation, Node left, Node right) {
    Node node{.kind = kind, .operation = std::move(operation), .children = {}};
    node.at = left.at;
    node.children.push_back(std::move(left));
    node.children.push_back(std::move(right));
    return node;
  }
  static bool is_condition(const Node& node) { return node.kind <= Kind::kCompare; }

  Node comparison() {
    Node left = sum();
    skip_spaces();
    for (const char* const operation : {"<=", ">=", "!=", "=", "<", ">"}) {
      if (take(operation)) {
        Node right = sum();
        if (is_condition(left) || is_condition(right)) {
          fail("a condition is compared with something");
        }
        Node node = joined(Kind::kCompare, operation, std::move(left), std::move(right));
        check_texts(node);
        return node;
      }
    }
    return left;
  }

  // A word is a text only if a name stands opposite.
  void check_texts(const Node& node) {
    const Node& left = node.children[0];
    const Node& right = node.children[1];
    for (const auto& [text, other] : {std::pair(&left, &right), std::pair(&right, &left)}) {
      if (text->kind != Kind::kText) {
        continue;
      }
      if (other->kind != Kind::kName) {
        unknown(text->operation, text->at);
      }
      if (node.operation != "=" && node.operation != "!=") {
        at_ = text->at;
        fail(fmt::format("'{}' is a text, which has no order", printable(text->operation)),
             "compare texts with = or !=");
      }
    }
  }

  [[noreturn]] void unknown(const std::string& word, std::size_t at) {
    at_ = at;
    const std::string nearest = nearest_word(word, known_);
    fail(fmt::format("there is no '{}'", printable(word)),
         nearest.empty() ? "name a key or a column" : fmt::format("did you mean '{}'?", nearest));
  }

  Node sum() { return chain({"+", "-"}, &ConditionParser::product); }
  Node product() { return chain({"*", "/"}, &ConditionParser::factor); }
  // Parts with any of two operations between, from left to right.
  Node chain(std::array<const char*, 2> operations, Node (ConditionParser::*part)()) {
    Node node = (this->*part)();
    while (true) {
      const auto* const found = std::ranges::find_if(
          operations, [this](const char* operation) { return take(operation); });
      if (found == operations.end()) {
        return node;
      }
      node = arithmetic(*found, std::move(node), (this->*part)());
    }
  }
  Node arithmetic(std::string operation, Node left, Node right) {
    for (const Node* const side : {&left, &right}) {
      if (side->kind == Kind::kText) {
        unknown(side->operation, side->at);
      }
      if (is_condition(*side)) {
        fail("a condition is no number");
      }
    }
    return joined(Kind::kArithmetic, std::move(operation), std::move(left), std::move(right));
  }

  Node factor() {
    const Depth depth(*this);
    skip_spaces();
    const std::size_t begin = at_;
    Node node{.operation = {}, .at = begin, .children = {}};
    if (take("(")) {
      node = disjunction();
      if (!take(")")) {
        fail("a parenthesis is not closed");
      }
      return node;
    }
    if (take("-")) {
      return arithmetic("-", node, factor());
    }
    if (take("'")) {
      const std::size_t end = text_.find('\'', at_);
      if (end == std::string_view::npos) {
        fail("a quoted text does not end");
      }
      node.kind = Kind::kText;
      node.operation = text_.substr(at_, end - at_);
      at_ = end + 1;
      return node;
    }
    if (at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_])) != 0) {
      const char* const end = text_.data() + text_.size();
      const auto read = std::from_chars(text_.data() + at_, end, node.number);
      at_ = static_cast<std::size_t>(read.ptr - text_.data());
      if (read.ec != std::errc() || (at_ < text_.size() && is_of_word(text_[at_]))) {
        fail("that is no number");
      }
      return node;
    }
    return name_or_text(std::move(node));
  }
  Node name_or_text(Node node) {
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_of_word(text_[at_])) {
      ++at_;
    }
    if (at_ < text_.size() && text_[at_] == '[' && at_ > begin) {
      const std::size_t end = text_.find(']', at_);
      at_ = end == std::string_view::npos ? text_.size() : end + 1;
    }
    if (at_ == begin) {
      fail("a number or a name is missing");
    }
    std::string word(text_.substr(begin, at_ - begin));
    if (std::ranges::find(known_, word) != known_.end()) {
      node.kind = Kind::kName;
      const auto found = std::ranges::find(names_, word);
      node.name = static_cast<std::size_t>(found - names_.begin());
      if (found == names_.end()) {
        names_.push_back(std::move(word));
      }
      return node;
    }
    if (word.find_first_of(".[") != std::string::npos) {
      unknown(word, begin);
    }
    node.kind = Kind::kText;
    node.operation = std::move(word);
    return node;
  }

  std::string_view text_;
  std::span<const std::string> known_;
  const std::string& where_;
  std::vector<std::string>& names_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

class ConditionEvaluator {
 public:
  explicit ConditionEvaluator(const Condition::ValueOf& value_of) : value_of_(value_of) {}

  bool holds(const Node& node) const {
    switch (node.kind) {
      case Kind::kAnd:
        return holds(node.children[0]) && holds(node.children[1]);
      case Kind::kOr:
        return holds(node.children[0]) || holds(node.children[1]);
      case Kind::kNot:
        return !holds(node.children[0]);
      default:
        return compares(node.operation, value(node.children[0]), value(node.children[1]));
    }
  }

 private:
  Condition::Value value(const Node& node) const {
    switch (node.kind) {
      case Kind::kText:
        return node.operation;
      case Kind::kName:
        return value_of_(node.name);
      case Kind::kArithmetic:
        return arithmetic(node);
      default:
        return node.number;
    }
  }

  Condition::Value arithmetic(const Node& node) const {
    const Condition::Value left = value(node.children[0]);
    const Condition::Value right = value(node.children[1]);
    const auto* const a = std::get_if<double>(&left);
    const auto* const b = std::get_if<double>(&right);
    if (a == nullptr || b == nullptr || (node.operation == "/" && *b == 0.0)) {
      return {};
    }
    return node.operation == "+"   ? *a + *b
           : node.operation == "-" ? *a - *b
           : node.operation == "*" ? *a * *b
                                   : *a / *b;
  }

  static bool compares(std::string_view operation, const Condition::Value& left,
                       const Condition::Value& right) {
    if (left.index() == 0 || right.index() == 0) {
      return false;
    }
    if (operation == "=" || operation == "!=") {
      return (left == right) == (operation == "=");
    }
    const auto* const a = std::get_if<double>(&left);
    const auto* const b = std::get_if<double>(&right);
    if (a == nullptr || b == nullptr) {
      return false;
    }
    return operation == "<"    ? *a < *b
           : operation == "<=" ? *a <= *b
           : operation == ">"  ? *a > *b
                               : *a >= *b;
  }

  const Condition::ValueOf& value_of_;
};

}  // namespace

Condition::Condition(std::string_view text, std::span<const std::string> known,
                     const std::string& where)
    : text_(text) {
  root_ = std::make_shared<const Node>(ConditionParser(text_, known, where, names_).parse());
}

bool Condition::holds(const ValueOf& value_of) const {
  return ConditionEvaluator(value_of).holds(*root_);
}

}  // namespace potomac::sim
