// Layers to write into traces, and a folder to put the traces in.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "workloads/sources/trace_reader.hpp"
#include "workloads/sources/trace_writer.hpp"

namespace potomac::workloads {

// A folder of its own for each test, removed with all it holds.
class TraceFolder : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "potomac-trace-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path path(const std::string& name) const { return folder_ / name; }

  std::filesystem::path folder_;
};

inline std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

inline void put_bytes(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// Canonical codes, every one as likely as the others.
inline QuantizedTensor random_tensor(Shape shape, int bits, int beta, std::uint64_t seed) {
  QuantizedTensor tensor{.shape = std::move(shape), .bits = bits, .beta = beta, .codes = {}};
  std::mt19937_64 random(seed);
  const rtl::PotFormat format(bits);
  tensor.codes.resize(static_cast<std::size_t>(element_count(tensor.shape)));
  for (rtl::PotCode& code : tensor.codes) {
    do {
      code = static_cast<rtl::PotCode>(random() % static_cast<unsigned>(format.code_count()));
    } while (!format.is_canonical(code));
  }
  return tensor;
}

// A layer of that shape with 5-bit W and A, and a 6-bit G.
inline Layer random_layer(LayerShape shape, std::uint64_t seed) {
  Layer layer;
  layer.w = random_tensor(shape.w, 5, -8, seed);
  layer.a = random_tensor(shape.a, 5, -4, seed + 1);
  layer.g = random_tensor(shape.g, 6, -20, seed + 2);
  layer.shape = std::move(shape);
  return layer;
}

// Some value for each element.
inline Fp32Tensors values_of(const LayerShape& shape) {
  const auto some = [](const Shape& extents) {
    std::vector<float> values(static_cast<std::size_t>(element_count(extents)));
    float next = -3.7F;
    for (float& value : values) {
      value = next;
      next += 0.125F;
    }
    return values;
  };
  return {some(shape.w), some(shape.a),
          shape.uses_gradient() ? some(shape.g) : std::vector<float>()};
}

inline LayerShape conv_shape(std::string name = "000-conv") {
  return {.name = std::move(name),
          .kind = LayerKind::kConv2d,
          .conv = {.stride = {2, 1},
                   .padding = Padding::around({1, 0}),
                   .dilation = {1, 2},
                   .groups = 2},
          .input_grad = false,
          .w = {6, 2, 3, 2},
          .a = {2, 4, 7, 5},
          .g = {2, 6, 4, 3}};
}

inline LayerShape linear_shape(std::string name = "001-linear") {
  return {.name = std::move(name),
          .kind = LayerKind::kLinear,
          .conv = {},
          .input_grad = true,
          .w = {10, 12},
          .a = {3, 12},
          .g = {3, 10}};
}

inline LayerShape matmul_shape(std::string name = "002-matmul") {
  return {.name = std::move(name),
          .kind = LayerKind::kMatmul,
          .conv = {},
          .input_grad = true,
          .w = {2, 4, 5},
          .a = {2, 3, 4},
          .g = {2, 3, 5}};
}

inline WorkloadInfo sample_info() {
  return {.model = "tiny",
          .framework = "none",
          .dataset = "random",
          .step = 7,
          .seed = 42,
          .rounding = "log2"};
}

// One layer of each kind.
inline std::vector<Layer> sample_layers() {
  return {random_layer(conv_shape(), 1), random_layer(linear_shape(), 2),
          random_layer(matmul_shape(), 3)};
}

inline void write_trace(const std::filesystem::path& path, const std::vector<Layer>& layers,
                        const WorkloadInfo& info = sample_info(),
                        const std::vector<LayerOrigin>& origins = {}) {
  TraceWriter writer(path, info);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    writer.write(layers[i], i < origins.size() ? origins[i] : LayerOrigin{});
  }
  writer.finish();
}

inline std::vector<Layer> read_trace(const TraceReader& reader) {
  std::vector<Layer> layers;
  for (std::size_t i = 0; i < reader.layers().size(); ++i) {
    layers.push_back(*reader.read(i));
  }
  return layers;
}

inline bool equal(const QuantizedTensor& one, const QuantizedTensor& other) {
  return one.shape == other.shape && one.bits == other.bits && one.beta == other.beta &&
         one.codes == other.codes;
}

inline bool equal(const LayerShape& one, const LayerShape& other) {
  return one.name == other.name && one.kind == other.kind && one.conv == other.conv &&
         one.input_grad == other.input_grad && one.weight_grad == other.weight_grad &&
         one.term == other.term && one.w == other.w && one.a == other.a && one.g == other.g;
}

inline bool equal(const std::vector<Layer>& ones, const std::vector<Layer>& others) {
  return std::equal(ones.begin(), ones.end(), others.begin(), others.end(),
                    [](const Layer& one, const Layer& other) {
                      return equal(one.shape, other.shape) && equal(one.w, other.w) &&
                             equal(one.a, other.a) && equal(one.g, other.g) &&
                             one.originals == other.originals;
                    });
}

}  // namespace potomac::workloads
