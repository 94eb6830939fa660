// CSV (RFC 4180): a field is quoted where it holds a comma, a quote or a line end. A text that a
// spreadsheet would take for a formula has an apostrophe in front.
#pragma once

#include <fmt/format.h>

#include <charconv>
#include <span>
#include <string>
#include <string_view>

namespace potomac::sim {

// Of a text; numbers are written as they are.
inline std::string csv_field(std::string_view content) {
  constexpr std::string_view kFormula = "=+-@";
  double number = 0;
  const bool is_formula =
      !content.empty() && kFormula.find(content.front()) != std::string_view::npos &&
      std::from_chars(content.data(), content.data() + content.size(), number).ptr !=
          content.data() + content.size();
  std::string text = is_formula ? fmt::format("'{}", content) : std::string(content);
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    return text;
  }
  std::string quoted = "\"";
  for (const char c : text) {
    quoted += c;
    if (c == '"') {
      quoted += '"';
    }
  }
  return quoted + "\"";
}

// A line of fields, which are quoted already.
inline std::string csv_line(std::span<const std::string> fields) {
  std::string line;
  for (const std::string& field : fields) {
    line += &field == fields.data() ? "" : ",";
    line += field;
  }
  return line + "\n";
}

}  // namespace potomac::sim
