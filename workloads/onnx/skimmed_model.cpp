#include "workloads/onnx/skimmed_model.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <system_error>

#include "support/error.hpp"

namespace potomac::workloads {
namespace {

using google::protobuf::io::CodedInputStream;
using google::protobuf::io::CodedOutputStream;
using google::protobuf::io::FileInputStream;
using google::protobuf::io::StringOutputStream;

// Protocol buffers hold no more.
constexpr std::uintmax_t kLargestFile = (std::uintmax_t{1} << 31U) - 1;
// Smaller values may be what shapes are computed with.
constexpr std::uint32_t kLargeBytes = std::uint32_t{1} << 16U;

// How a field of the wire format is written: the low bits of its tag.
constexpr std::uint32_t kWireBits = 3;
enum class Wire : std::uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

constexpr std::uint32_t tag_of(std::uint32_t field) {
  return (field << kWireBits) | static_cast<std::uint32_t>(Wire::kBytes);
}
constexpr std::uint32_t kModelGraph = tag_of(onnx::ModelProto::kGraphFieldNumber);
constexpr std::uint32_t kGraphInitializer = tag_of(onnx::GraphProto::kInitializerFieldNumber);
constexpr std::uint32_t kTensorRawData = tag_of(onnx::TensorProto::kRawDataFieldNumber);

// Copies a serialized model field by field, and leaves the large raw_data of initializers out.
class Skimmer {
 public:
  Skimmer(CodedInputStream& input, std::string location)
      : input_(input), location_(std::move(location)) {}

  bool copy_model(std::string& model) {
    return copy_message(model, kModelGraph, [this](std::string& graph) {
      return copy_message(graph, kGraphInitializer,
                          [this](std::string& tensor) { return copy_tensor(tensor); });
    });
  }

 private:
  // A message up to the limit that is set; the fields of one tag by `copy_inner`.
  template <typename CopyInner>
  bool copy_message(std::string& message, std::uint32_t inner_tag, CopyInner copy_inner) {
    StringOutputStream stream(&message);
    CodedOutputStream output(&stream);
    while (const std::uint32_t tag = input_.ReadTag()) {
      if (tag != inner_tag) {
        if (!copy_field(tag, output)) {
          return false;
        }
        continue;
      }
      std::string inner;
      std::uint32_t size = 0;
      if (!input_.ReadVarint32(&size)) {
        return false;
      }
      const CodedInputStream::Limit limit = input_.PushLimit(static_cast<int>(size));
      if (!copy_inner(inner) || input_.BytesUntilLimit() != 0) {
        return false;
      }
      input_.PopLimit(limit);
      write_bytes(tag, inner, output);
    }
    return input_.ConsumedEntireMessage();
  }

  bool copy_tensor(std::string& tensor) {
    std::optional<onnx::TensorProto> left_out;
    const bool copied = [&] {
      StringOutputStream stream(&tensor);
      CodedOutputStream output(&stream);
      while (const std::uint32_t tag = input_.ReadTag()) {
        std::uint32_t size = 0;
        if (tag != kTensorRawData) {
          if (!copy_field(tag, output)) {
            return false;
          }
        } else if (!input_.ReadVarint32(&size)) {
          return false;
        } else if (size < kLargeBytes) {
          if (!copy_bytes(tag, size, output)) {
            return false;
          }
        } else {
          left_out = placed(input_.CurrentPosition(), size);
          if (!input_.Skip(static_cast<int>(size))) {
            return false;
          }
        }
      }
      return input_.ConsumedEntireMessage();
    }();
    return copied && (!left_out || left_out->AppendToString(&tensor));
  }

  // What says where the values are; merged with the rest of the tensor as it is parsed.
  onnx::TensorProto placed(int offset, std::uint32_t size) const {
    onnx::TensorProto tensor;
    tensor.set_data_location(onnx::TensorProto::EXTERNAL);
    const auto add = [&](const char* key, const std::string& value) {
      onnx::StringStringEntryProto& entry = *tensor.add_external_data();
      entry.set_key(key);
      entry.set_value(value);
    };
    add("location", location_);
    add("offset", fmt::format("{}", offset));
    add("length", fmt::format("{}", size));
    return tensor;
  }

  static void write_bytes(std::uint32_t tag, const std::string& bytes, CodedOutputStream& output) {
    output.WriteTag(tag);
    output.WriteVarint32(static_cast<std::uint32_t>(bytes.size()));
    output.WriteString(bytes);
  }

  bool copy_bytes(std::uint32_t tag, std::uint32_t size, CodedOutputStream& output) {
    std::string bytes;
    if (!input_.ReadString(&bytes, static_cast<int>(size))) {
      return false;
    }
    write_bytes(tag, bytes, output);
    return true;
  }

  bool copy_field(std::uint32_t tag, CodedOutputStream& output) {
    switch (static_cast<Wire>(tag & ((1U << kWireBits) - 1))) {
      case Wire::kVarint: {
        std::uint64_t value = 0;
        if (!input_.ReadVarint64(&value)) {
          return false;
        }
        output.WriteTag(tag);
        output.WriteVarint64(value);
        return true;
      }
      case Wire::kFixed64: {
        std::uint64_t value = 0;
        if (!input_.ReadLittleEndian64(&value)) {
          return false;
        }
        output.WriteTag(tag);
        output.WriteLittleEndian64(value);
        return true;
      }
      case Wire::kFixed32: {
        std::uint32_t value = 0;
        if (!input_.ReadLittleEndian32(&value)) {
          return false;
        }
        output.WriteTag(tag);
        output.WriteLittleEndian32(value);
        return true;
      }
      case Wire::kBytes: {
        std::uint32_t size = 0;
        return input_.ReadVarint32(&size) && copy_bytes(tag, size, output);
      }
    }
    return false;  // groups, which ONNX does not use
  }

  CodedInputStream& input_;
  std::string location_;
};

}  // namespace

std::optional<onnx::ModelProto> skim_model(const std::filesystem::path& path) {
  std::error_code failed;
  const bool is_folder = std::filesystem::is_directory(path, failed);
  const int file = is_folder ? -1 : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    throw InputError(
        {path.string(), "",
         is_folder ? "is a folder"
                   : fmt::format("cannot be read ({})", std::generic_category().message(errno)),
         "name an ONNX file"});
  }
  FileInputStream stream(file);
  stream.SetCloseOnDelete(true);
  const std::uintmax_t size = std::filesystem::file_size(path, failed);
  if (!failed && size > kLargestFile) {
    throw InputError({path.string(), "", fmt::format("is larger than 2 GiB ({} bytes)", size),
                      "keep its weights in a file of their own (external data)"});
  }
  CodedInputStream input(&stream);
  std::string bytes;
  onnx::ModelProto model;
  if (!Skimmer(input, path.filename().string()).copy_model(bytes) ||
      !model.ParseFromString(bytes)) {
    return std::nullopt;
  }
  return model;
}

}  // namespace potomac::workloads
