#include "workloads/onnx/einsum.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "support/plain_text.hpp"
#include "workloads/onnx/shape_fault.hpp"

namespace potomac::workloads {
namespace {

using LabelList = std::vector<Label>;
using LabelExtents = std::map<Label, std::int64_t>;

// Axes behind "...", counted from the last: below every letter, so that they sort in front.
Label hidden_label(std::size_t from_behind) {
  return -1 - static_cast<Label>(from_behind);
}

// A piece of an equation, "b...ij": its letters before and behind the dots.
struct EquationPiece {
  LabelList before, behind;
  bool dots = false;

  std::size_t letters() const { return before.size() + behind.size(); }
  LabelList labels(std::size_t hidden) const {
    LabelList all = before;
    for (std::size_t i = hidden; i-- > 0;) {
      all.push_back(hidden_label(i));
    }
    all.insert(all.end(), behind.begin(), behind.end());
    return all;
  }
};

EquationPiece parse_piece(std::string_view text, std::string_view equation) {
  EquationPiece piece;
  while (!text.empty()) {
    const char letter = text.front();
    if (text.starts_with("...") && !piece.dots) {
      piece.dots = true;
      text.remove_prefix(3);
      continue;
    }
    if ((letter < 'a' || letter > 'z') && (letter < 'A' || letter > 'Z')) {
      throw ShapeFault(fmt::format("its equation '{}' is none", printable(equation)));
    }
    (piece.dots ? piece.behind : piece.before).push_back(letter);
    text.remove_prefix(1);
  }
  return piece;
}

std::vector<std::string_view> split_at_commas(std::string_view text) {
  std::vector<std::string_view> parts;
  for (std::size_t comma = text.find(','); comma != std::string_view::npos;
       comma = text.find(',')) {
    parts.push_back(text.substr(0, comma));
    text.remove_prefix(comma + 1);
  }
  parts.push_back(text);
  return parts;
}

bool has_label(const LabelList& labels, Label label) {
  return std::ranges::find(labels, label) != labels.end();
}

LabelExtents extents_of(const Equation& equation, const std::vector<Shape>& shapes) {
  LabelExtents extents;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    for (std::size_t axis = 0; axis < shapes[i].size(); ++axis) {
      const Label label = equation.operands[i][axis];
      const std::int64_t extent = shapes[i][axis];
      const auto [place, is_new] = extents.emplace(label, extent);
      if (is_new || place->second == extent || extent == 1) {
        continue;
      }
      if (place->second != 1) {
        throw ShapeFault(
            label < 0 ? fmt::format("what '...' stands for is {} and {}", place->second, extent)
                      : fmt::format("'{}' of its equation is {} and {}", static_cast<char>(label),
                                    place->second, extent));
      }
      place->second = extent;
    }
  }
  return extents;
}

// Each label once, in the order of its first place.
LabelList distinct_labels(const LabelList& labels) {
  LabelList result;
  for (const Label label : labels) {
    if (!has_label(result, label)) {
      result.push_back(label);
    }
  }
  return result;
}

// Without what neither the other one nor anything later has: that is summed beforehand.
LabelList kept_labels(const LabelList& labels, const LabelList& other,
                      const std::set<Label>& later) {
  LabelList result;
  std::ranges::copy_if(distinct_labels(labels), std::back_inserter(result), [&](Label label) {
    return has_label(other, label) || later.contains(label);
  });
  return result;
}

std::int64_t product_of_labels(const LabelList& labels, const LabelExtents& extents) {
  std::int64_t product = 1;
  for (const Label label : labels) {
    const std::int64_t extent = extents.at(label);
    product = extent != 0 && product > kMaxShapeElements / extent ? kMaxShapeElements + 1
                                                                  : product * extent;
  }
  return product;
}

// One product, of which `left` becomes the result.
struct LabelPair {
  LabelList batch, m, k, n;

  LabelPair(const LabelList& left, const LabelList& right, const std::set<Label>& later) {
    for (const Label label : left) {
      (!has_label(right, label) ? m : later.contains(label) ? batch : k).push_back(label);
    }
    for (const Label label : right) {
      if (!has_label(left, label)) {
        n.push_back(label);
      }
    }
  }
};

LabelList joined_labels(std::initializer_list<LabelList> parts) {
  LabelList all;
  for (const LabelList& part : parts) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

}  // namespace

Equation parse_einsum(std::string_view equation, const std::vector<std::size_t>& ranks) {
  std::string plain(equation);
  std::erase(plain, ' ');
  const std::size_t arrow = plain.find("->");
  const auto parts = split_at_commas(std::string_view(plain).substr(0, arrow));
  if (parts.size() != ranks.size()) {
    throw ShapeFault(fmt::format("its equation '{}' is of {} operands, and it has {}",
                                 printable(equation), parts.size(), ranks.size()));
  }
  Equation parsed;
  std::map<Label, int> count;
  std::size_t most_hidden = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const EquationPiece piece = parse_piece(parts[i], equation);
    if (ranks[i] < piece.letters() || (!piece.dots && ranks[i] != piece.letters())) {
      throw ShapeFault(fmt::format("'{}' of its equation '{}' is of an operand of {} axes",
                                   parts[i], printable(equation), ranks[i]));
    }
    const std::size_t hidden = ranks[i] - piece.letters();
    most_hidden = std::max(most_hidden, hidden);
    parsed.operands.push_back(piece.labels(hidden));
    for (const Label label : parsed.operands.back()) {
      count[label] += 1;
    }
  }
  if (arrow != std::string::npos) {
    const EquationPiece piece = parse_piece(std::string_view(plain).substr(arrow + 2), equation);
    parsed.result = piece.labels(piece.dots ? most_hidden : 0);
  } else {
    // What "..." stands for, then the letters that occur once, as they are sorted.
    for (std::size_t i = most_hidden; i-- > 0;) {
      parsed.result.push_back(hidden_label(i));
    }
    for (const auto& [label, times] : count) {
      if (label >= 0 && times == 1) {
        parsed.result.push_back(label);
      }
    }
  }
  for (const Label label : parsed.result) {
    if (!count.contains(label) || std::ranges::count(parsed.result, label) != 1) {
      throw ShapeFault(
          fmt::format("the result of its equation '{}' has a letter that is in no "
                      "operand, or twice",
                      printable(equation)));
    }
  }
  return parsed;
}

Shape einsum_shape(const Equation& equation, const std::vector<Shape>& shapes) {
  const LabelExtents extents = extents_of(equation, shapes);
  Shape result;
  for (const Label label : equation.result) {
    result.push_back(extents.at(label));
  }
  return result;
}

std::vector<EinsumProduct> einsum_products(const Equation& equation,
                                           const std::vector<Shape>& shapes) {
  const LabelExtents extents = extents_of(equation, shapes);
  std::vector<EinsumProduct> products;
  LabelList left = equation.operands.front();
  for (std::size_t i = 1; i < equation.operands.size(); ++i) {
    std::set<Label> later(equation.result.begin(), equation.result.end());
    for (std::size_t rest = i + 1; rest < equation.operands.size(); ++rest) {
      later.insert(equation.operands[rest].begin(), equation.operands[rest].end());
    }
    const LabelList& right = equation.operands[i];
    const LabelPair pair(kept_labels(left, right, later), kept_labels(right, left, later), later);
    if (!pair.k.empty()) {
      EinsumProduct product{.batch = product_of_labels(pair.batch, extents),
                            .m = product_of_labels(pair.m, extents),
                            .k = product_of_labels(pair.k, extents),
                            .n = product_of_labels(pair.n, extents),
                            .right = i};
      product.right_is_kn = right == joined_labels({pair.k, pair.n});
      product.right_is_nk = right == joined_labels({pair.n, pair.k});
      products.push_back(product);
    }
    left = joined_labels({pair.batch, pair.m, pair.n});
    if (pair.k.empty()) {
      left = distinct_labels(joined_labels({left, right}));
    }
  }
  return products;
}

}  // namespace potomac::workloads
