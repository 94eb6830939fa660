// What a word stands for, where there are a few that it may be.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "support/error.hpp"

namespace potomac {

// `where`: the option or argument that the word was given for. Throws InputError that names the
// words there are.
template <typename Choice>
Choice choose(const std::string& where, const std::string& word,
              const std::map<std::string, Choice>& choices) {
  const auto found = choices.find(word);
  if (found == choices.end()) {
    std::vector<std::string> words;
    std::ranges::transform(choices, std::back_inserter(words),
                           [](const auto& named) { return named.first; });
    throw InputError({"", where, fmt::format("there is no '{}'", word),
                      fmt::format("choose from {}", fmt::join(words, ", "))});
  }
  return found->second;
}

// The same where the word itself is what is chosen.
inline std::string choose(const std::string& where, const std::string& word,
                          const std::vector<std::string_view>& words) {
  std::map<std::string, std::string> choices;
  for (const std::string_view one : words) {
    choices.emplace(one, one);
  }
  return choose<std::string>(where, word, choices);
}

// Each of an enumeration's values by its name_of().
template <typename Enum, std::size_t N>
std::map<std::string, Enum> by_name(const std::array<Enum, N>& all) {
  std::map<std::string, Enum> names;
  for (const Enum one : all) {
    names.emplace(name_of(one), one);
  }
  return names;
}

}  // namespace potomac
