// Einsum equations, and the products of matrices that they are.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "workloads/layers/layer.hpp"

namespace potomac::workloads {

// What an axis is called: its letter, or, of those behind "...", a number of its own.
using Label = int;

struct Equation {
  std::vector<std::vector<Label>> operands;
  std::vector<Label> result;
};

// Of operands with these numbers of axes. Throws ShapeFault: operands that are more or less than
// the equation's, or have other numbers of axes; letters of the result that no operand has.
Equation parse_einsum(std::string_view equation, const std::vector<std::size_t>& ranks);

// Throws ShapeFault where a letter stands for two extents. One stands for any number.
Shape einsum_shape(const Equation& equation, const std::vector<Shape>& shapes);

// A product of two operands, taken from left to right: the result of one is the left of the next.
struct EinsumProduct {
  std::int64_t batch = 1, m = 1, k = 1, n = 1;
  // The operand that is on its right, and whether its axes lie as [k, n], or as [n, k].
  std::size_t right = 1;
  bool right_is_kn = false;
  bool right_is_nk = false;
};
// Products in which something is summed; others are elementwise, and not among them.
std::vector<EinsumProduct> einsum_products(const Equation& equation,
                                           const std::vector<Shape>& shapes);

}  // namespace potomac::workloads
