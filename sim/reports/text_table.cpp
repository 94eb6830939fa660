#include "sim/reports/text_table.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace potomac::sim {
namespace {

std::string bold(const std::string& text, TextForm form) {
  return form == TextForm::kTerminal ? "\x1b[1m" + text + "\x1b[0m" : text;
}

// A cell may hold what Markdown takes for the end of a cell, or for emphasis.
std::string escaped(const std::string& cell) {
  std::string text;
  for (const char c : cell) {
    if (c == '|' || c == '*' || c == '_') {
      text += '\\';
    }
    text += c;
  }
  return text;
}

// Around what is LaTeX already: names have no control characters.
constexpr char kLatexBegin = '\x02';
constexpr char kLatexEnd = '\x03';

std::string_view in_latex(const char& c) {
  switch (c) {
    case '\\':
      return "\\textbackslash{}";
    case '~':
      return "\\textasciitilde{}";
    case '^':
      return "\\textasciicircum{}";
    case '<':
      return "\\textless{}";
    case '>':
      return "\\textgreater{}";
    case '|':
      return "\\textbar{}";
    case '&':
      return "\\&";
    case '%':
      return "\\%";
    case '$':
      return "\\$";
    case '#':
      return "\\#";
    case '_':
      return "\\_";
    case '{':
      return "\\{";
    case '}':
      return "\\}";
    default:
      return {&c, 1};
  }
}

std::string latex_of(std::string_view plain) {
  std::string text;
  for (const char& c : plain) {
    text += in_latex(c);
  }
  return text;
}

}  // namespace

void TextTable::add_section(std::string heading) {
  sections_.push_back(rows_.size());
  rows_.push_back({std::move(heading)});
}

bool TextTable::is_section(std::size_t row) const {
  return std::ranges::binary_search(sections_, row);
}

std::string TextTable::text(TextForm form) const {
  if (form == TextForm::kMarkdown) {
    return markdown();
  }
  if (form == TextForm::kLatex) {
    return latex();
  }
  std::vector<std::size_t> widths(rows_.front().size());
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    for (std::size_t i = 0; i < rows_[r].size() && !is_section(r); ++i) {
      widths[i] = std::max(widths[i], rows_[r][i].size());
    }
  }
  std::string rule;
  for (const std::size_t width : widths) {
    rule += std::string(width, '-') + "  ";
  }
  rule.resize(rule.size() - 2);
  std::string text;
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    if (r == 1 || std::ranges::binary_search(rules_, r)) {
      text += rule + "\n";
    }
    std::string line;
    for (std::size_t i = 0; i < rows_[r].size(); ++i) {
      line += i < left_ ? fmt::format("{:<{}}  ", rows_[r][i], widths[i])
                        : fmt::format("{:>{}}  ", rows_[r][i], widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += (r == 0 || is_section(r) ? bold(line, form) : line) + "\n";
  }
  return text;
}

std::string TextTable::markdown() const {
  std::string text;
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    text += "|";
    for (std::size_t i = 0; i < rows_.front().size(); ++i) {
      const std::string cell = i < rows_[r].size() ? escaped(rows_[r][i]) : std::string();
      text += is_section(r) && i == 0 ? fmt::format(" **{}** |", cell) : fmt::format(" {} |", cell);
    }
    text += "\n";
    if (r == 0) {
      text += "|";
      for (std::size_t i = 0; i < rows_.front().size(); ++i) {
        text += i < left_ ? "---|" : "---:|";
      }
      text += "\n";
    }
  }
  return text;
}

std::string TextTable::latex() const {
  const std::size_t columns = rows_.front().size();
  std::string text = fmt::format("{}\\begin{{tabular}}{{{}{}}}\n\\toprule\n", kLatexBegin,
                                 std::string(left_, 'l'), std::string(columns - left_, 'r'));
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    if (r == 1 || std::ranges::binary_search(rules_, r)) {
      text += "\\midrule\n";
    }
    if (is_section(r)) {
      text += fmt::format("\\multicolumn{{{}}}{{l}}{{\\textbf{{{}}}}}", columns,
                          latex_of(rows_[r].front()));
    }
    for (std::size_t i = 0; i < columns && !is_section(r); ++i) {
      text += i > 0 ? " & " : "";
      text += i < rows_[r].size() ? latex_of(rows_[r][i]) : std::string();
    }
    text += " \\\\\n";
  }
  return text + fmt::format("\\bottomrule\n\\end{{tabular}}{}\n", kLatexEnd);
}

std::string as_latex(std::string_view text) {
  std::string latex;
  while (!text.empty()) {
    const std::size_t begin = std::min(text.find(kLatexBegin), text.size());
    latex += latex_of(text.substr(0, begin));
    text.remove_prefix(std::min(begin + 1, text.size()));
    if (text.empty()) {
      break;
    }
    const std::size_t end = text.find(kLatexEnd);
    latex += text.substr(0, end);
    text.remove_prefix(end + 1);
  }
  return latex;
}

std::string paragraph(std::string_view text) {
  std::string lines;
  std::size_t column = 0;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    if (column > 0 && column + 1 + word.size() > kTextColumns) {
      lines += '\n';
      column = 0;
    } else if (column > 0) {
      lines += ' ';
      ++column;
    }
    lines += word;
    column += word.size();
  }
  return lines + "\n";
}

}  // namespace potomac::sim
