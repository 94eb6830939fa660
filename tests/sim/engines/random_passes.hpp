// Random layers, architectures and codes for property tests over whole GEMMs.
#pragma once

#include <rapidcheck.h>

#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "sim/machine/architecture.hpp"
#include "sim/studies/drawn_convolution.hpp"
#include "workloads/layers/layer.hpp"
#include "workloads/layers/lowering.hpp"

namespace potomac::test {

// How a tensor's codes are drawn.
enum class Data { kDense, kSparse, kExtreme, kAlternating };

inline workloads::QuantizedTensor random_tensor(workloads::Shape shape, int bits, Data data,
                                                std::uint64_t seed) {
  workloads::QuantizedTensor tensor;
  tensor.shape = std::move(shape);
  tensor.bits = bits;
  std::mt19937_64 random(seed);
  tensor.beta = static_cast<int>(random() % 21) - 10;
  const rtl::PotFormat format(bits);
  const auto range = static_cast<std::uint64_t>(2 * format.e_max() + 1);
  const auto count = static_cast<std::size_t>(workloads::element_count(tensor.shape));
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t draw = random();
    const bool negative = (draw & 1) != 0;
    const int exponent = static_cast<int>((draw >> 8) % range) - format.e_max();
    switch (data) {
      case Data::kDense:
        tensor.codes.push_back(format.encode(negative, exponent));
        break;
      case Data::kSparse:
        tensor.codes.push_back((draw >> 40) % 4 != 0 ? format.zero()
                                                     : format.encode(negative, exponent));
        break;
      case Data::kExtreme:
        tensor.codes.push_back(format.encode(false, format.e_max()));
        break;
      case Data::kAlternating:
        tensor.codes.push_back(format.encode(i % 2 == 1, format.e_max()));
        break;
    }
  }
  return tensor;
}

inline std::int64_t extent(std::int64_t largest) {
  return *rc::gen::inRange<std::int64_t>(1, largest + 1);
}

inline workloads::LayerShape random_layer_shape() {
  using workloads::LayerKind;
  workloads::LayerShape shape;
  shape.name = "000-random";
  shape.kind = *rc::gen::elementOf(workloads::kLayerKinds);
  switch (shape.kind) {
    case LayerKind::kLinear: {
      const std::int64_t batch = extent(12);
      const std::int64_t in = extent(70);
      const std::int64_t out = extent(40);
      shape.w = {out, in};
      shape.a = {batch, in};
      shape.g = {batch, out};
      break;
    }
    case LayerKind::kMatmul: {
      const std::int64_t batch = extent(3);
      const std::int64_t m = extent(14);
      const std::int64_t k = extent(20);
      const std::int64_t n = extent(14);
      shape.w = {batch, k, n};
      shape.a = {batch, m, k};
      shape.g = {batch, m, n};
      break;
    }
    default:
      // Three axes have many more places.
      sim::draw_convolution(shape, workloads::is_volumetric(shape.kind) ? 4 : 7,
                            [](std::int64_t low, std::int64_t high) {
                              return *rc::gen::inRange<std::int64_t>(low, high + 1);
                            });
      break;
  }
  return shape;
}

// Of any mantissa and sign; some are 0, and some tensors go to both ends of binary32.
inline std::vector<float> random_values(const workloads::Shape& shape) {
  std::mt19937_64 bits(*rc::gen::arbitrary<std::uint64_t>());
  const bool wide = *rc::gen::weightedElement<bool>({{7, false}, {1, true}});
  std::vector<float> values(static_cast<std::size_t>(workloads::element_count(shape)));
  for (float& value : values) {
    const std::uint64_t drawn = bits();
    const auto exponent = static_cast<int>((drawn >> 32U) % (wide ? 253U : 30U));
    value = std::ldexp(1.0F + static_cast<float>(drawn & 0x7FFFFFU) * 0x1p-23F,
                       exponent - (wide ? 126 : 20));
    value = (drawn >> 60U) == 0 ? 0.0F : value;
    value = (drawn >> 59U & 1U) == 0 ? value : -value;
  }
  return values;
}

inline workloads::Layer random_layer(int max_bits) {
  workloads::Layer layer;
  layer.shape = random_layer_shape();
  const auto tensor = [&](const workloads::Shape& shape) {
    const int bits = *rc::gen::inRange(3, max_bits + 1);
    const Data data = *rc::gen::weightedElement<Data>(
        {{4, Data::kDense}, {3, Data::kSparse}, {2, Data::kExtreme}, {1, Data::kAlternating}});
    workloads::QuantizedTensor made =
        random_tensor(shape, bits, data, *rc::gen::arbitrary<std::uint64_t>());
    // Betas lie at the ends of binary32 too, where the baseline's operands saturate.
    made.beta = *rc::gen::weightedOneOf<int>({{8, rc::gen::inRange(-20, 20)},
                                              {1, rc::gen::inRange(-170, -130)},
                                              {1, rc::gen::inRange(100, 150)}});
    return made;
  };
  layer.w = tensor(layer.shape.w);
  layer.a = tensor(layer.shape.a);
  layer.g = tensor(layer.shape.g);
  if (*rc::gen::arbitrary<bool>()) {
    layer.originals = {random_values(layer.shape.w), random_values(layer.shape.a),
                       random_values(layer.shape.g)};
  }
  return layer;
}

inline workloads::Lowering random_lowering() {
  return {*rc::gen::element(workloads::StridedBackwardData::kPhases,
                            workloads::StridedBackwardData::kZeroInsert)};
}

inline sim::Dataflow random_dataflow() {
  return *rc::gen::element(sim::Dataflow::kOutputStationary, sim::Dataflow::kWeightStationary,
                           sim::Dataflow::kInputStationary);
}

// An array of up to `most` rows and columns that runs lowered passes in any way.
inline sim::Architecture random_array(std::int64_t most) {
  sim::Architecture architecture;
  architecture.array = {extent(most), extent(most)};
  architecture.lowering = random_lowering();
  architecture.dataflow = random_dataflow();
  architecture.issue = *rc::gen::element(sim::Issue::kSerial, sim::Issue::kPipelined);
  return architecture;
}

// An array that can run the pass, whatever its lowering: its accumulator holds the largest product.
inline sim::Architecture random_architecture(const workloads::LoweredPass& pass, int max_bits) {
  sim::Architecture architecture = random_array(7);
  architecture.pe.operand_bits = max_bits;
  architecture.pe.zero_gating = *rc::gen::arbitrary<bool>();
  architecture.baseline.zero_gating = *rc::gen::arbitrary<bool>();
  rtl::AccumulatorConfig& accumulator = architecture.pe.accumulator;
  // The widths at which lanes are exactly full come up often.
  accumulator.bits = *rc::gen::oneOf(rc::gen::inRange(8, 65), rc::gen::element(8, 16, 32, 33, 64));
  accumulator.overflow = *rc::gen::element(rtl::Overflow::kWrap, rtl::Overflow::kSaturate);
  const int top = pass.first().format().e_max() + pass.second().format().e_max();
  const int lowest = top - (accumulator.bits - 2);
  if (lowest <= -top && *rc::gen::arbitrary<bool>()) {
    accumulator.lsb = {};
  } else if (accumulator.bits >= 32 && *rc::gen::arbitrary<bool>()) {  // as deep as any here
    accumulator.lsb = rtl::Lsb::automatic();
  } else {
    accumulator.lsb = lowest + *rc::gen::inRange(0, 12);
  }
  // Of the pass itself and of others: a narrower accumulator in the PE's registers, and lowest bits
  // that the first operand carries.
  for (int others = *rc::gen::inRange(0, 3); others > 0; --others) {
    sim::AccumulatorOverride other{.layer = *rc::gen::element<std::string>("*", "none")};
    other.bits = *rc::gen::inRange(std::max(8, accumulator.bits - 6), accumulator.bits + 1);
    other.lsb = top - (*other.bits - 2) + *rc::gen::inRange(0, 12);
    architecture.pe.overrides.push_back(other);
  }
  return architecture;
}

}  // namespace potomac::test
