// The word that somebody may have meant.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace potomac {

// The word of `words` that `word` is nearest to, by letters added, dropped, replaced or swapped
// with their neighbour; empty where all are too far from it (more than a third of its letters, at
// least two) to have been meant. Of equally near words the first.
std::string nearest_word(std::string_view word, std::span<const std::string> words);

}  // namespace potomac
