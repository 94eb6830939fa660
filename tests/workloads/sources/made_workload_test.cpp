#include "workloads/sources/made_workload.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "support/error.hpp"
#include "tests/workloads/sources/trace_samples.hpp"

namespace potomac::workloads {
namespace {

std::string refusal_of_layers(std::vector<Layer> layers) {
  try {
    const MadeWorkload workload("made", {}, std::move(layers));
    return {};
  } catch (const InputError& error) {
    return error.what();
  }
}

TEST(MadeWorkload, HoldsItsLayersInTheirOrder) {
  std::vector<Layer> layers = sample_layers();
  for (Layer& layer : layers) {
    layer.shape.name = "of-mine";
  }
  const MadeWorkload workload("made", {}, layers);
  ASSERT_EQ(workload.layers().size(), layers.size());
  for (std::size_t i = 0; i < layers.size(); ++i) {
    EXPECT_EQ(workload.layers()[i].name, "00" + std::to_string(i) + "-of-mine");
    EXPECT_EQ(workload.layers()[i].w, layers[i].shape.w);
    EXPECT_EQ(workload.formats()[i].a.beta, layers[i].a.beta);
    EXPECT_EQ(workload.read(i)->g.codes, layers[i].g.codes);
  }
}

TEST(MadeWorkload, RefusesWhatATraceCouldNotHold) {
  EXPECT_THAT(refusal_of_layers({}), testing::HasSubstr("has no layer"));
  std::vector<Layer> layers = sample_layers();
  layers[0].w.codes.pop_back();
  EXPECT_THAT(refusal_of_layers(layers), testing::HasSubstr("codes for the shape"));
  layers = sample_layers();
  layers[0].a.codes[0] = 0xFF;
  EXPECT_THAT(refusal_of_layers(layers), testing::HasSubstr("code 0xFF"));
  layers = sample_layers();
  layers[0].w.bits = 9;
  EXPECT_THAT(refusal_of_layers(layers), testing::HasSubstr("bits is 9"));
  layers = sample_layers();
  layers[0].shape.g.back() += 1;
  EXPECT_THAT(refusal_of_layers(layers), testing::HasSubstr("made"));
}

}  // namespace
}  // namespace potomac::workloads
