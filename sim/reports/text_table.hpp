// A table of text, for a terminal, a page of Markdown or a paper.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace potomac::sim {

// How text is written: plain, for a terminal that shows bold type, as Markdown, or for LaTeX with
// the package booktabs: then as_latex() must make LaTeX of all of it.
enum class TextForm { kPlain, kTerminal, kMarkdown, kLatex };

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
  std::string latex() const;
  bool is_section(std::size_t row) const;

  std::size_t left_;
  std::vector<std::vector<std::string>> rows_;
  std::vector<std::size_t> sections_;  // rows, rising
  std::vector<std::size_t> rules_;     // likewise
};

// A text of tables as TextForm::kLatex, and of anything between them: what LaTeX would take for
// commands there becomes what it stands for.
std::string as_latex(std::string_view text);

// A paragraph broken into lines of at most kTextColumns at spaces; ends with a line end.
std::string paragraph(std::string_view text);

}  // namespace potomac::sim
