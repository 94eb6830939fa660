// CSV (RFC 4180): a field is quoted where it holds a comma, a quote or a line end.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace potomac::sim {

inline std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    return std::string(text);
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
