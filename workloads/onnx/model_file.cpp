#include "workloads/onnx/model_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <fstream>
#include <limits>
#include <optional>
#include <system_error>
#include <utility>

#include "support/error.hpp"
#include "support/plain_text.hpp"
#include "workloads/onnx/inlining.hpp"
#include "workloads/onnx/model_check.hpp"
#include "workloads/onnx/skimmed_model.hpp"

namespace potomac::workloads {
namespace {

static_assert(std::endian::native == std::endian::little, "raw_data is little-endian");

constexpr const char* kExportAgain = "export the model again";

[[noreturn]] void fail_tensor(const onnx::TensorProto& tensor, const std::filesystem::path& model,
                              const std::string& problem, const std::string& remedy) {
  throw InputError(
      {model.string(), fmt::format("initializer '{}'", printable(tensor.name())), problem, remedy});
}

std::size_t value_size(const onnx::TensorProto& tensor) {
  switch (tensor.data_type()) {
    case onnx::TensorProto::FLOAT16:
    case onnx::TensorProto::BFLOAT16:
      return 2;
    case onnx::TensorProto::FLOAT:
      return 4;
    case onnx::TensorProto::DOUBLE:
      return 8;
    default:
      return 0;
  }
}

// IEEE 754 binary16, exactly.
float from_half(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000U) << 16U;
  const std::uint32_t exponent = (half >> 10U) & 0x1FU;
  const std::uint32_t mantissa = half & 0x3FFU;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
    return sign == 0 ? magnitude : -magnitude;
  }
  // Infinities and NaN keep their exponent of ones; others move from bias 15 to 127.
  const std::uint32_t widened = exponent == 0x1F ? 0xFF : exponent + 112;
  return std::bit_cast<float>(sign | (widened << 23U) | (mantissa << 13U));
}

float from_bfloat16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16U);
}

template <typename Value>
Value value_at(const std::string& bytes, std::size_t index) {
  Value value;
  std::memcpy(&value, bytes.data() + index * sizeof(Value), sizeof(Value));
  return value;
}

std::vector<float> decoded(const onnx::TensorProto& tensor, const std::string& bytes) {
  std::vector<float> values(bytes.size() / value_size(tensor));
  for (std::size_t i = 0; i < values.size(); ++i) {
    switch (tensor.data_type()) {
      case onnx::TensorProto::FLOAT16:
        values[i] = from_half(value_at<std::uint16_t>(bytes, i));
        break;
      case onnx::TensorProto::BFLOAT16:
        values[i] = from_bfloat16(value_at<std::uint16_t>(bytes, i));
        break;
      case onnx::TensorProto::DOUBLE:
        values[i] = static_cast<float>(value_at<double>(bytes, i));
        break;
      default:
        values[i] = value_at<float>(bytes, i);
    }
  }
  return values;
}

// Values that stand in the fields of their type; 16 bits are in the lower half of an int32.
std::vector<float> typed_values(const onnx::TensorProto& tensor) {
  std::vector<float> values;
  switch (tensor.data_type()) {
    case onnx::TensorProto::FLOAT16:
      for (const std::int32_t bits : tensor.int32_data()) {
        values.push_back(from_half(static_cast<std::uint16_t>(bits)));
      }
      break;
    case onnx::TensorProto::BFLOAT16:
      for (const std::int32_t bits : tensor.int32_data()) {
        values.push_back(from_bfloat16(static_cast<std::uint16_t>(bits)));
      }
      break;
    case onnx::TensorProto::DOUBLE:
      for (const double value : tensor.double_data()) {
        values.push_back(static_cast<float>(value));
      }
      break;
    default:
      values.assign(tensor.float_data().begin(), tensor.float_data().end());
  }
  return values;
}

std::uint64_t number_of(const onnx::TensorProto& tensor, const std::filesystem::path& model,
                        const std::string& text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  if (read.ec != std::errc() || read.ptr != end) {
    fail_tensor(tensor, model,
                fmt::format("'{}' is no place in a file of weights", printable(text)),
                kExportAgain);
  }
  return value;
}

std::string external_bytes(const onnx::TensorProto& tensor, const std::filesystem::path& model,
                           std::size_t wanted) {
  std::filesystem::path location;
  std::uint64_t offset = 0;
  std::uint64_t length = wanted;
  for (const onnx::StringStringEntryProto& entry : tensor.external_data()) {
    if (entry.key() == "location") {
      location = entry.value();
    } else if (entry.key() == "offset") {
      offset = number_of(tensor, model, entry.value());
    } else if (entry.key() == "length") {
      length = number_of(tensor, model, entry.value());
    }
  }
  const bool leaves = std::ranges::any_of(location, [](const auto& part) { return part == ".."; });
  if (location.empty() || location.is_absolute() || leaves) {
    fail_tensor(tensor, model,
                fmt::format("its values are in '{}', which is not beside the model",
                            printable(location.string())),
                "keep them in the model's folder");
  }
  const std::filesystem::path path = model.parent_path() / location;
  std::error_code failed;
  const std::uintmax_t size = std::filesystem::file_size(path, failed);
  if (failed || length != wanted || offset > size || wanted > size - offset) {
    fail_tensor(
        tensor, model,
        failed
            ? fmt::format("its values are in {}, which cannot be read", printable(path.string()))
            : fmt::format("its shape needs {} bytes; {} has {} from {} on", wanted,
                          printable(path.string()),
                          std::min<std::uintmax_t>(length, size - std::min(offset, size)), offset),
        "keep the file with the model");
  }
  std::string bytes(wanted, '\0');
  std::ifstream stream(path, std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(offset));
  if (!stream.read(bytes.data(), static_cast<std::streamsize>(wanted))) {
    fail_tensor(tensor, model, fmt::format("{} cannot be read", printable(path.string())),
                "is it damaged?");
  }
  return bytes;
}

}  // namespace

onnx::ModelProto load_onnx(const std::filesystem::path& path) {
  std::optional<onnx::ModelProto> skimmed = skim_model(path);
  if (!skimmed || !skimmed->has_graph()) {
    throw InputError({path.string(), "", "is not an ONNX model, or is damaged", kExportAgain});
  }
  onnx::ModelProto model = std::move(*skimmed);
  const int version = opset_version(model, "");
  if (version > kNewestOpset) {
    throw InputError({path.string(), "",
                      fmt::format("its operators are of opset {}; known are those up to {}",
                                  version, kNewestOpset),
                      fmt::format("export it with opset_version={}", kNewestOpset)});
  }
  check_model(model, path.string());
  inline_functions(model, path.string());
  return model;
}

std::string canonical_domain(const std::string& domain) {
  return domain == "ai.onnx" ? std::string() : domain;
}

int opset_version(const onnx::ModelProto& model, const std::string& domain) {
  std::int64_t version = 0;
  for (const onnx::OperatorSetIdProto& opset : model.opset_import()) {
    if (canonical_domain(opset.domain()) == canonical_domain(domain)) {
      version = std::clamp<std::int64_t>(opset.version(), 0, std::numeric_limits<int>::max());
    }
  }
  return static_cast<int>(version);
}

Shape shape_of(const onnx::TensorProto& tensor) {
  return {tensor.dims().begin(), tensor.dims().end()};
}

const onnx::AttributeProto* find_attribute(const onnx::NodeProto& node, std::string_view name) {
  const auto found = std::ranges::find_if(
      node.attribute(), [&](const onnx::AttributeProto& a) { return a.name() == name; });
  return found == node.attribute().end() ? nullptr : &*found;
}

std::int64_t integer_attribute(const onnx::NodeProto& node, std::string_view name,
                               std::int64_t otherwise) {
  const onnx::AttributeProto* const attribute = find_attribute(node, name);
  return attribute == nullptr ? otherwise : attribute->i();
}

std::vector<std::int64_t> integers_attribute(const onnx::NodeProto& node, std::string_view name,
                                             std::vector<std::int64_t> otherwise) {
  const onnx::AttributeProto* const attribute = find_attribute(node, name);
  if (attribute == nullptr) {
    return otherwise;
  }
  return {attribute->ints().begin(), attribute->ints().end()};
}

std::string text_attribute(const onnx::NodeProto& node, std::string_view name,
                           const std::string& otherwise) {
  const onnx::AttributeProto* const attribute = find_attribute(node, name);
  return attribute == nullptr ? otherwise : attribute->s();
}

std::string name_of(const onnx::NodeProto& node) {
  return !node.name().empty() || node.output().empty() ? node.name() : node.output(0);
}

bool is_floating(const onnx::TensorProto& tensor) {
  return value_size(tensor) != 0;
}

std::vector<float> float_values(const onnx::TensorProto& tensor,
                                const std::filesystem::path& model) {
  const std::size_t size = value_size(tensor);
  if (size == 0) {
    fail_tensor(tensor, model, "its values are not floating-point numbers",
                "quantize a model of floating-point weights");
  }
  std::int64_t elements = 1;
  for (const std::int64_t extent : tensor.dims()) {
    if (extent < 0 || (extent > 0 && elements > kMaxTensorElements / extent)) {
      fail_tensor(tensor, model, "has an impossible shape", kExportAgain);
    }
    elements *= extent;
  }
  const std::size_t wanted = static_cast<std::size_t>(elements) * size;
  if (tensor.data_location() == onnx::TensorProto::EXTERNAL) {
    return decoded(tensor, external_bytes(tensor, model, wanted));
  }
  std::vector<float> values =
      tensor.has_raw_data() ? decoded(tensor, tensor.raw_data()) : typed_values(tensor);
  if (values.size() != static_cast<std::size_t>(elements)) {
    fail_tensor(tensor, model,
                fmt::format("holds {} values, but its shape has {}", values.size(), elements),
                kExportAgain);
  }
  return values;
}

}  // namespace potomac::workloads
