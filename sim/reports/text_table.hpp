// A table of text for terminals.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace potomac::sim {

// Columns as wide as their widest cell; the first `left` ones flush left.
class TextTable {
 public:
  TextTable(std::vector<std::string> header, std::size_t left) : left_(left) {
    rows_.push_back(std::move(header));
  }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  void add_rule() { rules_.push_back(rows_.size()); }

  std::string text() const;

 private:
  std::size_t left_;
  std::vector<std::vector<std::string>> rows_;
  std::vector<std::size_t> rules_;
};

}  // namespace potomac::sim
