// What the tests of docs/timing.md's worked examples share: the page, and operands that name
// themselves, since all elements of one are different powers of two.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "rtl_models/arithmetic/pot_code.hpp"
#include "workloads/layers/layer.hpp"

namespace potomac::test {

inline std::string timing_page() {
  std::ifstream stream(POTOMAC_SOURCE_DIR "/docs/timing.md");
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

// Precondition: value is +-2^e, e from 0 to 7.
inline rtl::PotCode code_of(int value) {
  int exponent = 0;
  while ((1 << exponent) < std::abs(value)) {
    ++exponent;
  }
  return rtl::PotFormat(5).encode(value < 0, exponent);
}

// The layer whose forward pass is A (m x k) times B (k x n).
inline workloads::Layer product_of(const std::vector<int>& a, const std::vector<int>& b,
                                   std::int64_t m, std::int64_t n, std::int64_t k) {
  workloads::Layer layer;
  layer.shape.name = "000-example";
  layer.shape.kind = workloads::LayerKind::kMatmul;
  layer.shape.w = layer.w.shape = {1, k, n};
  layer.shape.a = layer.a.shape = {1, m, k};
  layer.shape.g = {1, m, n};
  for (const int value : a) {
    layer.a.codes.push_back(code_of(value));
  }
  for (const int value : b) {
    layer.w.codes.push_back(code_of(value));
  }
  return layer;
}

}  // namespace potomac::test
