#include "support/nearest_word.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace potomac {
namespace {

// The optimal string alignment distance, row by row over the letters of `a`.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> rows(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        rows[i][j] = i + j;
        continue;
      }
      const bool equal = a[i - 1] == b[j - 1];
      rows[i][j] = std::min(
          {rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (equal ? 0U : 1U)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        rows[i][j] = std::min(rows[i][j], rows[i - 2][j - 2] + 1);
      }
    }
  }
  return rows[a.size()][b.size()];
}

// Nobody means a word of this length; and the table of distances stays small.
constexpr std::size_t kLongestWord = 64;

}  // namespace

std::string nearest_word(std::string_view word, std::span<const std::string> words) {
  if (word.size() > kLongestWord) {
    return {};
  }
  std::size_t best = std::max<std::size_t>(2, word.size() / 3) + 1;
  std::string nearest;
  for (const std::string& candidate : words) {
    // Far enough to have nothing in common is not near, however short the words.
    const std::size_t apart = distance(word, candidate);
    if (apart < best && apart < std::max(word.size(), candidate.size())) {
      best = apart;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace potomac
