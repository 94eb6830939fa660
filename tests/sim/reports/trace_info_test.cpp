#include "sim/reports/trace_info.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "tests/workloads/sources/trace_samples.hpp"

namespace potomac::sim {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using workloads::TraceReader;

class TraceInfoTest : public workloads::TraceFolder {
 protected:
  void SetUp() override {
    TraceFolder::SetUp();
    workloads::write_trace(path("net.h5"), workloads::sample_layers());
  }

  std::string text(TraceInfoFormat format) const {
    std::ostringstream out;
    print_trace_info(TraceReader(path("net.h5")), format, out);
    return out.str();
  }
};

// Columns that a terminal needs for a line of UTF-8.
std::size_t columns(const std::string& line) {
  std::size_t count = 0;
  for (const char byte : line) {
    count += (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U ? 1 : 0;
  }
  return count;
}

TEST_F(TraceInfoTest, TableShowsOriginGemmsAndTensors) {
  const std::string table = text(TraceInfoFormat::kTable);
  EXPECT_THAT(table, ContainsRegex("\nmodel +tiny\n"));
  EXPECT_THAT(table, ContainsRegex("\nseed +42\n"));
  EXPECT_THAT(table, HasSubstr("\n000-conv: conv2d, stride 2x1, padding 1x0, dilation 1x2, groups "
                               "2, no input gradient\n"));
  // One GEMM per group, 2 * 4 * 3 rows each.
  EXPECT_THAT(table, ContainsRegex("forward +2\\*24x3x12 +1,728\n"));
  EXPECT_THAT(table, ContainsRegex("backward-data +3x12x10 +360\n"));
  EXPECT_THAT(table, ContainsRegex("forward +2\\*3x5x4 +120\n"));
  EXPECT_THAT(table, ContainsRegex("A +\\[3, 12\\] +5 +-4 "));
  EXPECT_THAT(table, ContainsRegex("G +\\[3, 10\\] +6 +-20 .* -15..15 "));
  EXPECT_THAT(table, ContainsRegex("\ntotal: .* GEMMs, .* MACs"));
}

TEST_F(TraceInfoTest, ALayerWithoutInputGradientHasNoBackwardData) {
  const std::string table = text(TraceInfoFormat::kTable);
  const std::string conv = table.substr(table.find("000-conv"), table.find("001-linear"));
  EXPECT_THAT(conv.substr(0, conv.find("001-linear")), testing::Not(HasSubstr("backward-data")));
}

TEST_F(TraceInfoTest, TableFitsAHundredColumns) {
  std::istringstream lines(text(TraceInfoFormat::kTable));
  std::string line;
  std::getline(lines, line);  // the path, however long
  while (std::getline(lines, line)) {
    EXPECT_LE(columns(line), 100U) << line;
    EXPECT_FALSE(line.ends_with(' ')) << line;
  }
}

TEST_F(TraceInfoTest, WidestCodesFitToo) {
  std::vector<workloads::Layer> layers = {workloads::random_layer(workloads::linear_shape(), 1)};
  layers[0].g = workloads::random_tensor(layers[0].shape.g, 8, -100, 1);
  workloads::write_trace(path("net.h5"), layers);
  std::istringstream lines(text(TraceInfoFormat::kTable));
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    EXPECT_LE(columns(line), 100U) << line;
  }
}

TEST_F(TraceInfoTest, JsonHoldsEveryCount) {
  const auto json = nlohmann::json::parse(text(TraceInfoFormat::kJson));
  EXPECT_EQ(json["values"], "captured");
  EXPECT_EQ(json["step"], 7);
  ASSERT_EQ(json["layers"].size(), 3U);
  const auto& conv = json["layers"][0];
  EXPECT_EQ(conv["kind"], "conv2d");
  EXPECT_EQ(conv["dilation"], nlohmann::json({1, 2}));
  EXPECT_EQ(conv["input_grad"], false);
  EXPECT_EQ(conv["gemms"].size(), 2U);
  const auto& linear = json["layers"][1];
  EXPECT_FALSE(linear.contains("stride"));
  EXPECT_EQ(
      linear["gemms"][1],
      (nlohmann::json{
          {"pass", "backward-data"}, {"count", 1}, {"m", 3}, {"n", 12}, {"k", 10}, {"macs", 360}}));
  std::int64_t zeros = 0;
  for (const auto& layer : json["layers"]) {
    for (const auto& tensor : layer["tensors"]) {
      std::int64_t counted = tensor["zeros"].get<std::int64_t>();
      zeros += counted;
      EXPECT_EQ(counted + tensor["positives"].get<std::int64_t>() +
                    tensor["negatives"].get<std::int64_t>(),
                tensor["elements"]);
      for (const auto& count : tensor["exponent_counts"]) {
        counted += count.get<std::int64_t>();
      }
      EXPECT_EQ(counted, tensor["elements"]);
      EXPECT_EQ(static_cast<std::int64_t>(tensor["exponent_counts"].size()),
                1 - 2 * tensor["lowest_exponent"].get<std::int64_t>());
    }
  }
  EXPECT_EQ(json["totals"]["zeros"], zeros);
  EXPECT_TRUE(json["totals"]["macs"].is_number_integer());
}

}  // namespace
}  // namespace potomac::sim
