#include "sim/studies/drawn_case.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <vector>

#include "sim/machine/architecture_file.hpp"
#include "sim/machine/architecture_keys.hpp"
#include "sim/machine/operand_fit.hpp"
#include "sim/memory/pass_memory.hpp"
#include "sim/studies/drawn_convolution.hpp"
#include "support/error.hpp"
#include "workloads/layers/lowering.hpp"

namespace potomac::sim {
namespace {

using workloads::LayerKind;
using workloads::Pass;
using workloads::QuantizedTensor;

// MACs that a case may have: SystemC steps through every cycle of every PE.
constexpr std::int64_t kMostMacs = 60000;
constexpr std::int64_t kMostRows = 9;  // of a drawn array, and columns

// Draws that are the same everywhere: the standard's distributions are not.
class Draw {
 public:
  Draw(std::uint64_t seed, std::uint64_t index) : random_(mixed(seed, index)) {}

  std::uint64_t bits() { return random_(); }
  // A number from low to high, both included.
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(high - low + 1));
  }
  bool one_in(std::int64_t n) { return between(1, n) == 1; }
  // Small more often than large, and often exactly `edge` or next to it.
  std::int64_t extent(std::int64_t edge, std::int64_t most) {
    switch (between(0, 4)) {
      case 0:
        return 1;
      case 1:
        return std::clamp<std::int64_t>(edge + between(-1, 1), 1, most);
      case 2:
        return std::clamp<std::int64_t>(2 * edge + between(-1, 1), 1, most);
      default:
        return between(1, most);
    }
  }
  template <typename T, std::size_t N>
  T element(const std::array<T, N>& list) {
    return list[static_cast<std::size_t>(between(0, static_cast<std::int64_t>(N) - 1))];
  }

 private:
  static std::uint64_t mixed(std::uint64_t seed, std::uint64_t index) {
    std::uint64_t x = seed * 0x9E3779B97F4A7C15U + index;
    x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9U;
    return x ^ (x >> 27U);
  }

  std::mt19937_64 random_;
};

// Small enough that the layers which are drawn are cut into tiles more often than not.
void draw_memory(Draw& draw, Architecture& architecture) {
  MemoryConfig& memory = architecture.memory.emplace();
  for (ScratchpadConfig* scratchpad : {&memory.first, &memory.second, &memory.results}) {
    scratchpad->kib = draw.between(1, 2);
    scratchpad->double_buffered = draw.one_in(2);
  }
  memory.objective = draw.one_in(2) ? TileObjective::kTime : TileObjective::kTraffic;
  if (draw.one_in(3)) {
    const auto presets = std::array{"ddr4-2400", "lpddr4-3200", "hbm2"};
    DramConfig& dram = memory.dram.emplace();
    dram.preset = draw.element(presets);
    dram.device = load_dram_preset(dram.preset);
    dram.channels = draw.between(1, 3);
    dram.mapping = dram.channels == 3 || draw.one_in(2) ? DramMapping::kPlain : DramMapping::kXor;
    dram.lookahead = draw.between(1, 5);
  } else if (!draw.one_in(4)) {
    // The bandwidth is from a bit a cycle, at 500 MHz, to more than the array takes.
    memory.dram = {static_cast<double>(draw.between(1, 400)) * 0.0625,
                   static_cast<double>(draw.between(0, 100))};
  }
}

// Another overflow, or another lowest bit, for one of the passes.
void draw_override(Draw& draw, Architecture& architecture) {
  AccumulatorOverride& one = architecture.pe.overrides.emplace_back();
  one.pass = draw.element(workloads::kPasses);
  if (draw.one_in(2)) {
    one.overflow = draw.element(std::array{rtl::Overflow::kWrap, rtl::Overflow::kSaturate});
  } else {
    one.lsb = rtl::Lsb::automatic();
  }
}

Architecture draw_architecture(Draw& draw) {
  Architecture a;
  a.array = {draw.between(1, kMostRows), draw.between(1, kMostRows)};
  a.dataflow = draw.element(std::array{Dataflow::kOutputStationary, Dataflow::kWeightStationary,
                                       Dataflow::kInputStationary});
  a.issue = draw.element(std::array{Issue::kSerial, Issue::kPipelined});
  a.lowering.strided_backward_data = draw.element(std::array{
      workloads::StridedBackwardData::kPhases, workloads::StridedBackwardData::kZeroInsert});
  a.pe.operand_bits = static_cast<int>(draw.between(rtl::kMinPotBits, rtl::kMaxPotBits));
  a.pe.zero_gating = draw.one_in(2);
  a.baseline.zero_gating = draw.one_in(2);
  a.pe.accumulator.overflow =
      draw.element(std::array{rtl::Overflow::kWrap, rtl::Overflow::kSaturate});
  // Wide enough for a largest product of the widest operands, with its lowest bit where it may
  // drop.
  const int top = 2 * rtl::PotFormat(a.pe.operand_bits).e_max();
  a.pe.accumulator.bits =
      draw.one_in(3)
          ? 32
          : static_cast<int>(draw.between(rtl::kMinAccumulatorBits, rtl::kMaxAccumulatorBits));
  const int lowest = top - (a.pe.accumulator.bits - 2);
  if (lowest <= -top && draw.one_in(2)) {
    a.pe.accumulator.lsb = {};
  } else if (draw.one_in(4)) {
    a.pe.accumulator.lsb = rtl::Lsb::automatic();
  } else {
    a.pe.accumulator.lsb = static_cast<int>(lowest + draw.between(0, 12));
  }
  if (draw.one_in(8)) {
    draw_override(draw, a);
  }
  if (draw.one_in(2)) {
    draw_memory(draw, a);
  }
  return a;
}

workloads::LayerShape draw_shape(Draw& draw, ArrayShape array) {
  workloads::LayerShape shape;
  shape.name = "000-drawn";
  shape.kind = draw.element(workloads::kLayerKinds);
  shape.input_grad = true;
  if (is_convolution(shape.kind)) {
    draw_convolution(shape, 7,
                     [&](std::int64_t low, std::int64_t high) { return draw.between(low, high); });
    return shape;
  }
  const std::int64_t m = draw.extent(array.rows, 2 * array.rows + 5);
  const std::int64_t n = draw.extent(array.cols, 2 * array.cols + 5);
  const std::int64_t most = std::max<std::int64_t>(1, kMostMacs / (m * n));
  const std::int64_t k = draw.extent(array.rows, std::min<std::int64_t>(most, 2 * array.rows + 70));
  if (shape.kind == LayerKind::kLinear) {
    shape.w = {n, k};
    shape.a = {m, k};
    shape.g = {m, n};
  } else {
    const std::int64_t batch = draw.between(1, 3);
    shape.w = {batch, k, n};
    shape.a = {batch, m, k};
    shape.g = {batch, m, n};
  }
  return shape;
}

QuantizedTensor draw_tensor(Draw& draw, const workloads::Shape& shape, int bits) {
  enum class Data { kDense, kSparse, kLargest, kAlternating };
  QuantizedTensor tensor;
  tensor.shape = shape;
  tensor.bits = bits;
  tensor.beta = static_cast<int>(draw.one_in(8) ? draw.between(-170, 150) : draw.between(-20, 20));
  const rtl::PotFormat format(bits);
  const auto data = draw.element(
      std::array{Data::kDense, Data::kDense, Data::kSparse, Data::kLargest, Data::kAlternating});
  const std::int64_t count = workloads::element_count(shape);
  for (std::int64_t i = 0; i < count; ++i) {
    const bool negative = data == Data::kAlternating ? i % 2 == 1
                          : data == Data::kLargest   ? false
                                                     : draw.one_in(2);
    const bool zero = data == Data::kSparse && !draw.one_in(4);
    const std::int64_t exponent = data == Data::kDense || data == Data::kSparse
                                      ? draw.between(-format.e_max(), format.e_max())
                                      : format.e_max();
    tensor.codes.push_back(zero ? format.zero()
                                : format.encode(negative, static_cast<int>(exponent)));
  }
  return tensor;
}

// Values of any mantissa, some of them 0.
std::vector<float> draw_values(Draw& draw, const workloads::Shape& shape) {
  const bool wide = draw.one_in(8);
  std::vector<float> values;
  const std::int64_t count = workloads::element_count(shape);
  for (std::int64_t i = 0; i < count; ++i) {
    const auto mantissa = static_cast<float>(draw.between(1 << 23, (1 << 24) - 1));
    const auto exponent = static_cast<int>(wide ? draw.between(-149, 103) : draw.between(-40, 0));
    const float magnitude = draw.one_in(4) ? 0.0F : std::ldexp(mantissa, exponent);
    values.push_back(draw.one_in(2) ? -magnitude : magnitude);
  }
  return values;
}

ElementBits mf_mac_bits(const Architecture& architecture, const workloads::LoweredPass& operands) {
  return {operands.first().bits, operands.second().bits, architecture.pe.accumulator.bits};
}

// Throws InputError if the machine's PE or its scratchpads cannot hold a pass.
void require_fit(const Architecture& architecture, const workloads::LoweredPass& operands) {
  require_fit(architecture, operands.shape(), operands.pass(), operands.first().format(),
              operands.second().format());
  if (architecture.memory) {
    require_memory(architecture, mf_mac_bits(architecture, operands), operands.layer());
    for (const workloads::GemmShape& gemm : operands.shapes()) {
      require_room(architecture, gemm, mf_mac_bits(architecture, operands), "MF-MAC",
                   operands.layer());
      require_room(architecture, gemm, ElementBits{32, 32, 32}, "FP32", operands.layer());
    }
  }
}

// Whether the machine can hold the tensors of every pass.
bool fits(const Architecture& architecture, const workloads::Layer& layer) {
  return std::ranges::all_of(workloads::kPasses, [&](Pass pass) {
    const workloads::LoweredPass operands(layer, pass, architecture.lowering);
    try {
      require_fit(architecture, operands);
      return true;
    } catch (const InputError&) {
      return false;
    }
  });
}

}  // namespace

Architecture draw_machine(std::uint64_t seed, std::uint64_t index) {
  Draw draw(seed, index);
  return draw_architecture(draw);
}

DrawnCase draw_case(std::uint64_t seed, std::uint64_t index,
                    const std::optional<Architecture>& fixed) {
  constexpr int kAttempts = 64;
  Draw draw(seed, index);
  DrawnCase drawn;
  drawn.architecture = fixed ? *fixed : draw_architecture(draw);
  const int widest = drawn.architecture.pe.operand_bits;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const workloads::LayerShape shape = draw_shape(draw, drawn.architecture.array);
    const auto tensor = [&](const workloads::Shape& extents) {
      return draw_tensor(draw, extents, static_cast<int>(draw.between(rtl::kMinPotBits, widest)));
    };
    drawn.layer.shape = shape;
    drawn.layer.w = tensor(shape.w);
    drawn.layer.a = tensor(shape.a);
    drawn.layer.g = tensor(shape.g);
    drawn.pass = draw.element(workloads::kPasses);
    drawn.stalls =
        !drawn.architecture.memory && draw.one_in(2) ? std::optional(draw.bits()) : std::nullopt;
    if (fits(drawn.architecture, drawn.layer)) {
      if (draw.one_in(2)) {
        drawn.layer.originals = {draw_values(draw, shape.w), draw_values(draw, shape.a),
                                 draw_values(draw, shape.g)};
      }
      return drawn;
    }
  }
  // Says what the machine would need for the narrowest of all.
  const rtl::PotFormat narrow(rtl::kMinPotBits);
  require_fit(drawn.architecture, drawn.layer.shape, drawn.pass, narrow, narrow);
  require_fit(drawn.architecture, {drawn.layer, drawn.pass, drawn.architecture.lowering});
  throw InputError({"", "pe.accumulator", "holds hardly any product of two tensors",
                    "widen pe.accumulator.bits"});
}

std::string describe(const DrawnCase& drawn) {
  std::vector<std::string> keys;
  for (const ArchitectureKey& key : architecture_keys()) {
    const KeyValue value = key.get(drawn.architecture);
    if (is_there(value) && value != key.get(Architecture{})) {
      keys.push_back(fmt::format("{}={}", key.name, text_of(value)));
    }
  }
  const workloads::LayerShape& shape = drawn.layer.shape;
  return fmt::format(
      "{} {}, W [{}] A [{}] G [{}], on {}{}{}", name_of(shape.kind), name_of(drawn.pass),
      fmt::join(shape.w, ", "), fmt::join(shape.a, ", "), fmt::join(shape.g, ", "),
      keys.empty() ? "the default machine" : fmt::format("{}", fmt::join(keys, " ")),
      drawn.layer.originals ? ", with originals" : "", drawn.stalls ? ", with stalls" : "");
}

}  // namespace potomac::sim
