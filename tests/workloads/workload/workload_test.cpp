#include "workloads/workload/workload.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace potomac::workloads {
namespace {

using testing::ElementsAre;

LayerShape convolution(std::int64_t batch) {
  LayerShape shape;
  shape.kind = LayerKind::kConv2d;
  shape.a = {batch, 3, 8, 8};
  return shape;
}

TEST(NotIncluded, IsToldByReasonInTheOrderOfFirstMention) {
  EXPECT_THAT(
      texts_of({{"lstm", "LSTM", "recurrent"},
                {"2 nodes", "Add", "not a matrix product"},
                {"gru", "GRU", "recurrent"}}),
      ElementsAre("lstm (LSTM), gru (GRU): recurrent", "2 nodes (Add): not a matrix product"));
  EXPECT_TRUE(texts_of({}).empty());
}

TEST(Batch, IsTheDimensionElseWhatAllConvolutionsShare) {
  EXPECT_EQ(batch_of({{"batch", 7}}, {convolution(2)}), 7);
  EXPECT_EQ(batch_of({}, {convolution(2), convolution(2)}), 2);
  EXPECT_EQ(batch_of({}, {convolution(2), convolution(3)}), std::nullopt);
  EXPECT_EQ(batch_of({{"length", 9}}, {}), std::nullopt);
}

TEST(Words, OfRoundingsAndValueSources) {
  EXPECT_TRUE(is_gradient_rounding("stochastic"));
  EXPECT_FALSE(is_gradient_rounding("nearest"));
  for (const ValueSource source : kValueSources) {
    EXPECT_FALSE(name_of(source).empty());
  }
  EXPECT_EQ(text_of(Dimensions{{"length", 128}, {"batch", 4}}), "batch=4, length=128");
}

}  // namespace
}  // namespace potomac::workloads
