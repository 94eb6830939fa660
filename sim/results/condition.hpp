// Conditions over named values, as somebody writes them: "array.rows * array.cols <= 4096 and
// array.dataflow = ws".
//
//   condition   a and b, a or b, not a, (a); "and" binds closer than "or"
//   comparison  x = y, x != y, x < y, x <= y, x > y, x >= y
//   x, y        numbers, names, + - * / and parentheses; or a text: a word, or 'quoted'
//
// What is not known compares false, whatever is asked of it. A text is equal to another one or is
// not; it has no order.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace potomac::sim {

class Condition {
 public:
  // std::monostate: not known.
  using Value = std::variant<std::monostate, double, std::string>;
  // Of a name, by its position in names().
  using ValueOf = std::function<Value(std::size_t name)>;

  // `known`: the names that may stand in it ("array.rows",
  // "energy[mf_mac,horowitz-45nm,operation]"). `where` it was written, for messages. Throws
  // InputError: what is wrong, at which character; a name that is not there (the nearest).
  Condition(std::string_view text, std::span<const std::string> known, const std::string& where);

  const std::string& text() const { return text_; }
  // Those that stand in it, each once.
  const std::vector<std::string>& names() const { return names_; }
  bool holds(const ValueOf& value_of) const;

  struct Node;  // of its tree

 private:
  std::string text_;
  std::vector<std::string> names_;
  std::shared_ptr<const Node> root_;
};

}  // namespace potomac::sim
