// A CSV field (RFC 4180): quoted where it holds a comma, a quote or a line end.
#pragma once

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

}  // namespace potomac::sim
