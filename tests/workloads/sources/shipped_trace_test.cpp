// The trace that ships with Potomac, which the capture package wrote through h5py.
#include <gtest/gtest.h>

#include <chrono>

#include "tests/workloads/sources/trace_samples.hpp"
#include "workloads/layers/tensor_statistics.hpp"
#include "workloads/sources/trace_reader.hpp"

namespace potomac::workloads {
namespace {

const std::filesystem::path kShipped =
    std::filesystem::path(POTOMAC_SOURCE_DIR) / "workloads/traces/fashion-cnn-b16.h5";

TEST(ShippedTrace, IsAFashionMnistStepOfFiveLayers) {
  ASSERT_TRUE(std::filesystem::exists(kShipped)) << kShipped;
  const TraceReader reader(kShipped);
  EXPECT_EQ(reader.info().dataset, "Fashion-MNIST");
  EXPECT_EQ(reader.info().rounding, "log2");
  ASSERT_EQ(reader.layers().size(), 5U);
  EXPECT_EQ(reader.layers()[0].name, "000-conv1");
  EXPECT_EQ(reader.layers()[0].kind, LayerKind::kConv2d);
  EXPECT_EQ(reader.layers()[0].a, (Shape{16, 1, 28, 28}));
  EXPECT_FALSE(reader.layers()[0].input_grad);
  EXPECT_EQ(reader.layers()[4].kind, LayerKind::kLinear);
  EXPECT_EQ(reader.layers()[4].g, (Shape{16, 10}));
  EXPECT_TRUE(reader.layers()[4].input_grad);
}

TEST(ShippedTrace, HoldsCodesThatTrainingMadeInEveryTensor) {
  const TraceReader reader(kShipped);
  for (std::size_t i = 0; i < reader.layers().size(); ++i) {
    const Layer layer = *reader.read(i);
    for (const QuantizedTensor* tensor : {&layer.w, &layer.a, &layer.g}) {
      const TensorStatistics statistics = statistics_of(*tensor);
      EXPECT_LT(statistics.zero_share(), 1.0) << layer.shape.name;
      // Adaptive scaling puts the largest magnitude at the top exponent.
      EXPECT_GT(statistics.count_of(statistics.e_max), 0) << layer.shape.name;
    }
  }
}

TEST(ShippedTrace, IsReadInAFractionOfASecond) {
  const auto begin = std::chrono::steady_clock::now();
  const std::vector<Layer> layers = read_trace(TraceReader(kShipped));
  EXPECT_EQ(layers.size(), 5U);
  // About 10 ms in an optimized build; the bound leaves room for sanitizers and busy machines.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
}

}  // namespace
}  // namespace potomac::workloads
