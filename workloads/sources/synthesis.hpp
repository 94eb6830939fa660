// Values for shapes that have none: PoT codes drawn at random, each element for itself, from how
// often zeros, exponents and signs are. The same seed gives the same codes on any machine.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "workloads/workload/workload.hpp"

namespace potomac::workloads {

// How often what occurs in a tensor: counts, or any numbers in their proportion. Exponents are
// counted from the largest down, so that tensors of any width can be drawn; those below a tensor's
// lowest become zeros, as a quantizer makes them.
struct CodeHistogram {
  std::uint64_t zeros = 0;
  std::vector<std::uint64_t> exponents;
  std::uint64_t negative_per_1024 = 512;  // of those that are not zero

  friend bool operator==(const CodeHistogram&, const CodeHistogram&) = default;
};

struct LayerHistograms {
  CodeHistogram w, a, g;
};

// Exponents of a normal distribution whose largest sample is four standard deviations out, without
// zeros: the mass of |x| / max between 2^-(j + 1/2) and 2^-(j - 1/2), in ten thousandths.
CodeHistogram normal_histogram();

// The same exponents, and as many zeros as make `density` the part that is not zero (0 to 1).
CodeHistogram with_density(CodeHistogram histogram, double density);

struct Synthesis {
  // The histograms by layer kind; what is not there is drawn by `otherwise`.
  std::map<LayerKind, LayerHistograms> kinds;
  LayerHistograms otherwise;
  std::uint64_t seed = 1;
  std::string description;  // "seed 1, densities ...": goes where the values go
};

// The histograms of a workload with values: all layers of a kind together, and `otherwise`, all of
// its layers. Reads it layer by layer. Throws InputError if it has none.
Synthesis synthesis_like(const Workload& workload);

// A layer's values. Precondition: the shape passed check(), and no tensor has more than
// kMaxTensorElements.
Layer draw_layer(const LayerShape& shape, const LayerFormats& formats, std::size_t index,
                 const Synthesis& synthesis);

}  // namespace potomac::workloads
