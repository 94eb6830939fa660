// Text from a file that nobody vouches for, made fit to be shown on one line of a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace potomac {

// True for valid UTF-8 without control characters.
bool is_plain_text(std::string_view text);

inline constexpr std::size_t kWhole = std::string::npos;  // no limit

// `text` with control characters and broken UTF-8 written as \xNN, cut ("...") after `limit` bytes.
std::string printable(std::string_view text, std::size_t limit = 80);

}  // namespace potomac
