// Runs the quantizer on a file of raw binary32 values (the machine's byte order) and writes raw
// results to the standard output, so that another implementation can be compared bit for bit.
//
//   quantize_floats FILE codes BITS log2|linear|stochastic KEY
//                                                 beta (int32), then one byte per code
//   quantize_floats FILE mean                     the exact mean (binary32)
//   quantize_floats FILE wbc                      weight-bias-corrected values (binary32)
//   quantize_floats FILE clip GAMMA               ratio-clipped values; GAMMA: its bits in hex
#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "workloads/quantizer/als_potq.hpp"

namespace {

using potomac::workloads::QuantizedTensor;
using potomac::workloads::Rounding;

std::vector<float> read_floats(const std::string& path) {
  std::ifstream stream(path, std::ios::binary | std::ios::ate);
  if (!stream) {
    throw std::runtime_error("cannot read " + path);
  }
  const std::streamoff bytes = stream.tellg();
  std::string content(static_cast<std::size_t>(bytes), '\0');
  stream.seekg(0);
  stream.read(content.data(), bytes);
  std::vector<float> values(content.size() / sizeof(float));
  std::memcpy(values.data(), content.data(), values.size() * sizeof(float));
  return values;
}

template <typename Element>
void write(std::span<const Element> elements) {
  if (std::fwrite(elements.data(), sizeof(Element), elements.size(), stdout) != elements.size()) {
    throw std::runtime_error("cannot write");
  }
}

void run(const std::vector<std::string>& arguments) {
  const std::vector<float> values = read_floats(arguments.at(0));
  const std::string& what = arguments.at(1);
  if (what == "codes") {
    const Rounding rounding = arguments.at(3) == "log2"     ? Rounding::kLog2
                              : arguments.at(3) == "linear" ? Rounding::kLinear
                                                            : Rounding::kStochastic;
    const QuantizedTensor tensor = potomac::workloads::als_potq(
        values, {static_cast<std::int64_t>(values.size())}, std::stoi(arguments.at(2)), rounding,
        "input", std::stoull(arguments.at(4)));
    const std::int32_t beta = tensor.beta;
    write(std::span<const std::int32_t>(&beta, 1));
    write(std::span<const potomac::rtl::PotCode>(tensor.codes));
  } else if (what == "mean") {
    const float mean = potomac::workloads::exact_mean(values);
    write(std::span<const float>(&mean, 1));
  } else if (what == "wbc") {
    write(std::span<const float>(potomac::workloads::weight_bias_corrected(values, "input")));
  } else if (what == "clip") {
    const auto bits = static_cast<std::uint32_t>(std::stoul(arguments.at(2), nullptr, 16));
    write(std::span<const float>(
        potomac::workloads::ratio_clipped(values, std::bit_cast<float>(bits))));
  } else {
    throw std::runtime_error("unknown operation " + what);
  }
}

}  // namespace

int main(int argc, char* argv[]) {
  try {
    run({argv + 1, argv + argc});
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "quantize_floats: %s\n", error.what());
    return 2;
  }
}
