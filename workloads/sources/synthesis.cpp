#include "workloads/sources/synthesis.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "support/error.hpp"
#include "workloads/layers/tensor_statistics.hpp"

namespace potomac::workloads {
namespace {

// Sixteen random bits choose a code: shares are exact to one in 65536.
constexpr std::size_t kTableSize = 65536;
constexpr std::uint64_t kSignUnit = 1024;
constexpr std::uint64_t kDensityUnit = 1000000;

// Steele, Lea, Flood: Fast splittable pseudorandom number generators (OOPSLA 2014), its finalizer.
std::uint64_t mixed(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15U;
  x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27U)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31U);
}

struct Share {
  rtl::PotCode code;
  std::uint64_t count;
};

// What a code's table holds: zeros first, then exponents from the largest down.
std::vector<Share> shares_of(const CodeHistogram& histogram, rtl::PotFormat format) {
  std::vector<Share> shares = {{format.zero(), histogram.zeros}};
  for (std::size_t i = 0; i < histogram.exponents.size(); ++i) {
    const int exponent = format.e_max() - static_cast<int>(i);
    if (exponent < -format.e_max()) {
      shares.front().count += histogram.exponents[i];
    } else {
      shares.push_back({format.encode(false, exponent), histogram.exponents[i]});
    }
  }
  return shares;
}

// Every share rounded down by its running sum, so that all of the table is filled.
std::vector<rtl::PotCode> code_table(const CodeHistogram& histogram, rtl::PotFormat format) {
  const std::vector<Share> shares = shares_of(histogram, format);
  std::uint64_t total = 0;
  for (const Share& share : shares) {
    total += share.count;
  }
  std::vector<rtl::PotCode> table(kTableSize, format.zero());
  std::uint64_t sum = 0;
  std::size_t at = 0;
  for (const Share& share : shares) {
    sum += share.count;
    const auto end = total == 0 ? kTableSize
                                : static_cast<std::size_t>(static_cast<double>(sum) /
                                                           static_cast<double>(total) *
                                                           static_cast<double>(kTableSize));
    const std::size_t begin = at;
    for (; at < std::min(end, kTableSize); ++at) {
      const bool zero = share.code == format.zero();
      const bool negative =
          !zero && (at - begin) * kSignUnit < (end - begin) * histogram.negative_per_1024;
      table[at] =
          negative ? static_cast<rtl::PotCode>(share.code | format.sign_mask()) : share.code;
    }
  }
  return table;
}

QuantizedTensor draw(const Shape& shape, const TensorFormat& format, const CodeHistogram& histogram,
                     std::uint64_t stream) {
  QuantizedTensor tensor{.shape = shape, .bits = format.bits, .beta = format.beta, .codes = {}};
  tensor.codes.resize(static_cast<std::size_t>(element_count(shape)));
  const std::vector<rtl::PotCode> table = code_table(histogram, tensor.format());
  constexpr std::size_t kPerDraw = 4;
  for (std::size_t i = 0; i < tensor.codes.size(); i += kPerDraw) {
    std::uint64_t bits = mixed(stream + i);
    for (std::size_t j = i; j < std::min(i + kPerDraw, tensor.codes.size()); ++j) {
      tensor.codes[j] = table[bits % kTableSize];
      bits /= kTableSize;
    }
  }
  return tensor;
}

void add(CodeHistogram& sum, std::uint64_t& negatives, const QuantizedTensor& tensor) {
  const TensorStatistics statistics = statistics_of(tensor);
  sum.zeros += static_cast<std::uint64_t>(statistics.zeros);
  sum.exponents.resize(std::max(sum.exponents.size(), statistics.exponents.size()));
  for (std::size_t i = 0; i < statistics.exponents.size(); ++i) {
    sum.exponents[i] +=
        static_cast<std::uint64_t>(statistics.exponents.rbegin()[static_cast<std::ptrdiff_t>(i)]);
  }
  negatives += static_cast<std::uint64_t>(statistics.negatives);
}

// A histogram in the making.
struct Gathered {
  CodeHistogram histogram;
  std::uint64_t negatives = 0;

  void take(const QuantizedTensor& tensor) { add(histogram, negatives, tensor); }
  CodeHistogram done() const {
    CodeHistogram result = histogram;
    std::uint64_t nonzero = 0;
    for (const std::uint64_t count : result.exponents) {
      nonzero += count;
    }
    result.negative_per_1024 = nonzero == 0 ? 0 : negatives * kSignUnit / nonzero;
    return result;
  }
};

struct GatheredLayers {
  Gathered w, a, g;

  void take(const Layer& layer) {
    w.take(layer.w);
    a.take(layer.a);
    g.take(layer.g);
  }
  LayerHistograms done() const { return {w.done(), a.done(), g.done()}; }
};

}  // namespace

CodeHistogram normal_histogram() {
  return {.zeros = 0,
          .exponents = {47, 1527, 3220, 2440, 1360, 703, 353, 177, 88, 44, 22, 11, 5, 2, 1}};
}

CodeHistogram with_density(CodeHistogram histogram, double density) {
  const auto nonzero =
      static_cast<std::uint64_t>(std::llround(density * static_cast<double>(kDensityUnit)));
  std::uint64_t sum = 0;
  for (std::uint64_t& count : histogram.exponents) {
    sum += count;
    count *= nonzero;
  }
  histogram.zeros = sum * (kDensityUnit - nonzero);
  return histogram;
}

Synthesis synthesis_like(const Workload& workload) {
  std::map<LayerKind, GatheredLayers> kinds;
  GatheredLayers all;
  for (std::size_t i = 0; i < workload.layers().size(); ++i) {
    const std::optional<Layer> layer = workload.read(i);
    if (!layer) {
      throw InputError(
          {workload.path().string(), "", "has no values to draw others like them", "name a trace"});
    }
    kinds[layer->shape.kind].take(*layer);
    all.take(*layer);
  }
  Synthesis synthesis;
  synthesis.otherwise = all.done();
  for (const auto& [kind, gathered] : kinds) {
    synthesis.kinds.emplace(kind, gathered.done());
  }
  return synthesis;
}

Layer draw_layer(const LayerShape& shape, const LayerFormats& formats, std::size_t index,
                 const Synthesis& synthesis) {
  const auto found = synthesis.kinds.find(shape.kind);
  const LayerHistograms& histograms =
      found == synthesis.kinds.end() ? synthesis.otherwise : found->second;
  const auto stream = [&](std::uint64_t tensor) {
    return mixed(mixed(synthesis.seed) + 3 * static_cast<std::uint64_t>(index) + tensor);
  };
  return {.shape = shape,
          .w = draw(shape.w, formats.w, histograms.w, stream(0)),
          .a = draw(shape.a, formats.a, histograms.a, stream(1)),
          .g = shape.uses_gradient() ? draw(shape.g, formats.g, histograms.g, stream(2))
                                     : QuantizedTensor{.shape = shape.g, .codes = {}}};
}

}  // namespace potomac::workloads
