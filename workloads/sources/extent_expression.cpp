#include "workloads/sources/extent_expression.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cctype>
#include <charconv>
#include <string_view>
#include <system_error>

#include "support/plain_text.hpp"

namespace potomac::workloads {
namespace {

// Recursive descent: sum = product {+- product}, product = factor {*/ factor}, factor = number,
// name, -factor or (sum).
class Expression {
 public:
  Expression(const YamlValue& value, const Dimensions& dimensions)
      : value_(value), dimensions_(dimensions), text_(value.as_string()) {}

  std::int64_t result() {
    const std::int64_t result = sum();
    if (peek() != '\0') {
      fail_syntax();
    }
    return result;
  }

 private:
  // Brackets may nest so deep.
  static constexpr int kMaxDepth = 64;

  [[noreturn]] void fail_syntax() const {
    value_.fail(fmt::format("'{}' is not an extent", printable(text_)),
                "write whole numbers, names of dimensions, + - * / and brackets");
  }
  [[noreturn]] void fail_overflow() const {
    value_.fail(fmt::format("'{}' does not fit 64 bits", printable(text_)), "choose less");
  }

  char peek() {
    while (at_ < text_.size() && text_[at_] == ' ') {
      ++at_;
    }
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  bool take(char wanted) {
    if (peek() != wanted) {
      return false;
    }
    ++at_;
    return true;
  }

  std::int64_t sum() {
    std::int64_t left = product();
    for (;;) {
      const bool plus = take('+');
      if (!plus && !take('-')) {
        return left;
      }
      const std::int64_t right = product();
      if (plus ? __builtin_add_overflow(left, right, &left)
               : __builtin_sub_overflow(left, right, &left)) {
        fail_overflow();
      }
    }
  }

  std::int64_t product() {
    std::int64_t left = factor();
    for (;;) {
      if (take('*')) {
        if (__builtin_mul_overflow(left, factor(), &left)) {
          fail_overflow();
        }
      } else if (take('/')) {
        const std::int64_t divisor = factor();
        if (divisor <= 0 || left % divisor != 0) {
          value_.fail(fmt::format("'{}' divides {} by {}, which leaves a rest", printable(text_),
                                  left, divisor),
                      "choose dimensions that divide");
        }
        left /= divisor;
      } else {
        return left;
      }
    }
  }

  std::int64_t factor() {
    if (++depth_ > kMaxDepth) {
      fail_syntax();
    }
    const std::int64_t result = primary();
    --depth_;
    return result;
  }

  std::int64_t primary() {
    if (take('(')) {
      const std::int64_t inner = sum();
      if (!take(')')) {
        fail_syntax();
      }
      return inner;
    }
    if (take('-')) {
      std::int64_t negative = 0;
      if (__builtin_sub_overflow(std::int64_t{0}, factor(), &negative)) {
        fail_overflow();
      }
      return negative;
    }
    return is_digit(peek()) ? number() : name();
  }

  std::int64_t number() {
    std::int64_t number = 0;
    const auto [end, error] =
        std::from_chars(text_.data() + at_, text_.data() + text_.size(), number);
    if (error != std::errc()) {
      fail_overflow();
    }
    at_ = static_cast<std::size_t>(end - text_.data());
    return number;
  }

  std::int64_t name() {
    peek();
    const std::size_t begin = at_;
    while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]))) {
      ++at_;
    }
    const std::string_view name = std::string_view(text_).substr(begin, at_ - begin);
    if (name.empty()) {
      fail_syntax();
    }
    const auto found = dimensions_.find(name);
    if (found == dimensions_.end()) {
      std::vector<std::string_view> known;
      for (const auto& [word, extent] : dimensions_) {
        known.push_back(word);
      }
      value_.fail(fmt::format("the dimension '{}' is not known", printable(name)),
                  known.empty() ? std::string("name it under 'dimensions'")
                                : fmt::format("known here: {}; or name it under 'dimensions'",
                                              fmt::join(known, ", ")));
    }
    return found->second;
  }

  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  }

  const YamlValue& value_;
  const Dimensions& dimensions_;
  std::string text_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

std::int64_t evaluate(const YamlValue& value, const Dimensions& dimensions) {
  return Expression(value, dimensions).result();
}

std::int64_t evaluate(const YamlValue& value, const Dimensions& dimensions, std::int64_t low,
                      std::int64_t high) {
  const std::int64_t result = evaluate(value, dimensions);
  if (result < low || result > high) {
    value.fail(fmt::format("'{}' is {}", printable(value.as_string()), result),
               fmt::format("it must be from {} to {}", low, high));
  }
  return result;
}

}  // namespace potomac::workloads
