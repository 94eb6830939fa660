// A table of text, for a terminal or for a page of Markdown.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace potomac::sim {

// How text is written: plain, for a terminal that shows bold type, or as Markdown.
enum class TextForm { kPlain, kTerminal, kMarkdown };

inline constexpr std::size_t kTextColumns = 80;  // that everything should fit into

// Columns as wide as their widest cell; the first `left` ones flush left.
class TextTable {
 public:
  TextTable(std::vector<std::string> header, std::size_t left) : left_(left) {
    rows_.push_back(std::move(header));
  }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  // A heading over the rows that follow: a line of its own, which no column is as wide as.
  void add_section(std::string heading);
  void add_rule() { rules_.push_back(rows_.size()); }

  std::string text(TextForm form) const;

 private:
  std::string markdown() const;
  bool is_section(std::size_t row) const;

  std::size_t left_;
  std::vector<std::vector<std::string>> rows_;
  std::vector<std::size_t> sections_;  // rows, rising
  std::vector<std::size_t> rules_;
};

// A paragraph broken into lines of at most kTextColumns at spaces; ends with a line end.
std::string paragraph(std::string_view text);

}  // namespace potomac::sim
