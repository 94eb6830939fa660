// ONNX files that are damaged, at random: they are read, or refused as bad input; nothing else.
// Failures print the seed.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "support/error.hpp"
#include "tests/support/temporary_folder.hpp"
#include "workloads/sources/onnx_model.hpp"

namespace potomac::workloads {
namespace {

const std::filesystem::path kGraphs = "/usr/share/libonnx-testdata/data";

std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// Graphs with layers, and (PyTorch's) with weights.
std::vector<std::filesystem::path> graphs() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kGraphs)) {
    const std::string folder = entry.path().parent_path().filename().string();
    const bool linear =
        folder.find("Conv") != std::string::npos || folder.find("onv_") != std::string::npos ||
        folder.find("convtranspose") != std::string::npos ||
        folder.find("einsum") != std::string::npos || folder.find("gemm") != std::string::npos ||
        folder.find("matmul") != std::string::npos || folder.find("Linear") != std::string::npos;
    if (entry.path().extension() == ".onnx" && linear && entry.file_size() < 20000) {
      paths.push_back(entry.path());
    }
  }
  std::ranges::sort(paths);
  return paths;
}

// How many layers it has; -1 if it is refused.
int outcome(const std::filesystem::path& path) {
  try {
    const OnnxModel model = OnnxModel::load(path, {});
    const auto weights = model.weights();
    for (std::size_t i = 0; weights && i < model.layers().size(); ++i) {
      weights->read(i);
    }
    return static_cast<int>(model.layers().size());
  } catch (const InputError& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    return -1;
  }
}

std::string damaged(std::string bytes, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto below = [&](std::size_t end) { return static_cast<std::size_t>(random() % end); };
  if (seed % 12 == 0) {
    bytes.resize(1 + below(bytes.size()));
  }
  for (std::size_t i = 0; i < 1 + seed % 4; ++i) {
    bytes[below(bytes.size())] = static_cast<char>(random());
  }
  return bytes;
}

class OnnxDamage : public TemporaryFolder {};

TEST_F(OnnxDamage, NeverDoesWorseThanARefusal) {
  const std::vector<std::filesystem::path> paths = graphs();
  ASSERT_GT(paths.size(), 60U);
  int read = 0;
  int refused = 0;
  for (const std::filesystem::path& graph : paths) {
    const std::string bytes = bytes_of(graph);
    for (std::uint64_t seed = 0; seed < 12; ++seed) {
      SCOPED_TRACE(testing::Message() << graph << ", seed " << seed);
      put("net.onnx", damaged(bytes, seed));
      (outcome(path("net.onnx")) < 0 ? refused : read) += 1;
    }
  }
  EXPECT_GT(read, 100);
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace potomac::workloads
