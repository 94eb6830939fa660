#include "workloads/sources/scalesim_topology.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "support/ascii.hpp"
#include "support/error.hpp"
#include "support/plain_text.hpp"
#include "support/text_file.hpp"

namespace potomac::workloads {
namespace {

constexpr std::size_t kLargestFileMib = 16;
constexpr std::size_t kConvFields = 8;
constexpr std::size_t kGemmFields = 4;
// Beyond every real network, and far from overflow wherever two are multiplied.
constexpr std::int64_t kMaxTopologyExtent = std::int64_t{1} << 30U;

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  for (;;) {
    const std::size_t comma = line.find(',');
    fields.push_back(trimmed(line.substr(0, comma)));
    if (comma == std::string_view::npos) {
      return fields;
    }
    line.remove_prefix(comma + 1);
  }
}

// One row, with the place that messages name.
class Row {
 public:
  Row(std::vector<std::string_view> fields, std::string file, std::size_t line)
      : fields_(std::move(fields)), file_(std::move(file)), line_(line) {}

  [[noreturn]] void fail(const std::string& problem, const std::string& remedy) const {
    throw InputError({file_, fmt::format("line {}", line_), problem, remedy});
  }

  void require(std::size_t fields, const char* form) const {
    if (fields_.size() < fields) {
      fail(fmt::format("has {} fields", fields_.size()), fmt::format("write {}", form));
    }
  }

  std::string name() const { return std::string(fields_[0]); }
  std::string_view field(std::size_t index) const {
    return index < fields_.size() ? fields_[index] : std::string_view();
  }

  std::int64_t extent(std::size_t index, const char* what) const {
    const std::string_view text = fields_[index];
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 1 ||
        value > kMaxTopologyExtent) {
      fail(fmt::format("{} is '{}'", what, printable(text)),
           fmt::format("write a whole number from 1 to {}", kMaxTopologyExtent));
    }
    return value;
  }

 private:
  std::vector<std::string_view> fields_;
  std::string file_;
  std::size_t line_;
};

enum class TopologyKind { kConv, kGemm };

TopologyKind kind_of(const Row& header) {
  if (header.field(1) == "M" && header.field(2) == "N" && header.field(3) == "K") {
    return TopologyKind::kGemm;
  }
  if (lowercase(header.field(1)) != "ifmap height") {
    header.fail("is the header of no SCALE-Sim topology",
                "write 'Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, "
                "Channels, Num Filter, Strides,' or 'Layer, M, N, K,'");
  }
  return TopologyKind::kConv;
}

void refuse_sparsity(const Row& row) {
  const std::string_view ratio = row.field(kConvFields);
  const std::size_t colon = ratio.find(':');
  if (colon != std::string_view::npos && ratio.substr(0, colon) != ratio.substr(colon + 1)) {
    row.fail(fmt::format("its sparsity is '{}', which is not simulated", printable(ratio)),
             "write 1:1, or leave it out");
  }
}

LayerShape conv_layer(const Row& row, std::int64_t batch) {
  row.require(kConvFields,
              "name, IFMAP height, width, filter height, width, channels, filters, stride");
  refuse_sparsity(row);
  const std::int64_t channels = row.extent(5, "channels");
  const std::int64_t filters = row.extent(6, "the number of filters");
  const std::int64_t stride = row.extent(7, "the stride");
  const bool depthwise = row.name().find("DP") != std::string::npos;
  LayerShape layer;
  layer.name = row.name();
  layer.kind = LayerKind::kConv2d;
  layer.conv.stride = {stride, stride};
  layer.conv.groups = depthwise ? channels : 1;
  layer.a = {batch, channels, row.extent(1, "the IFMAP's height"),
             row.extent(2, "the IFMAP's width")};
  layer.w = {depthwise ? channels * filters : filters, depthwise ? 1 : channels,
             row.extent(3, "the filter's height"), row.extent(4, "the filter's width")};
  layer.g = {batch, layer.w[0], 0, 0};
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const std::int64_t input = layer.a[2 + axis];
    const std::int64_t kernel = layer.w[2 + axis];
    if (kernel > input) {
      row.fail(fmt::format("its filter spans {}, but its IFMAP has {}", kernel, input),
               "write the padded size of the IFMAP");
    }
    const std::int64_t outputs = (input - kernel + stride + stride - 1) / stride;
    layer.g[2 + axis] = outputs;
    layer.conv.padding.after[axis] =
        std::max<std::int64_t>(0, (outputs - 1) * stride + kernel - input);
  }
  return layer;
}

LayerShape gemm_layer(const Row& row) {
  row.require(kGemmFields, "name, M, N, K");
  const std::int64_t m = row.extent(1, "M");
  const std::int64_t n = row.extent(2, "N");
  const std::int64_t k = row.extent(3, "K");
  LayerShape layer;
  layer.name = row.name();
  layer.kind = LayerKind::kLinear;
  layer.a = {m, k};
  layer.w = {n, k};
  layer.g = {m, n};
  return layer;
}

std::int64_t batch_of(const Dimensions& bound, TopologyKind kind, const std::string& file) {
  for (const auto& [name, extent] : bound) {
    if (kind == TopologyKind::kGemm || name != "batch") {
      throw InputError({file, "", fmt::format("has no dimension '{}'", printable(name)),
                        kind == TopologyKind::kGemm ? "its GEMMs say all of their extents"
                                                    : "a SCALE-Sim topology has only a batch"});
    }
  }
  const auto batch = bound.find("batch");
  return batch == bound.end() ? 1 : batch->second;
}

}  // namespace

ShapeWorkload parse_scalesim_topology(const std::string& text, const std::filesystem::path& path,
                                      const Dimensions& bound) {
  std::optional<TopologyKind> kind;
  std::int64_t batch = 1;
  std::vector<LayerShape> layers;
  std::size_t number = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = rest.find('\n');
    const Row row(fields_of(rest.substr(0, end)), path.string(), ++number);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (row.name().empty() && row.field(1).empty()) {
      continue;  // blank, or commas alone
    }
    if (!kind) {
      kind = kind_of(row);
      batch = batch_of(bound, *kind, path.string());
      continue;
    }
    layers.push_back(*kind == TopologyKind::kConv ? conv_layer(row, batch) : gemm_layer(row));
    if (layers.back().name.find('/') != std::string::npos || !is_plain_text(row.name())) {
      row.fail(fmt::format("its name is '{}'", printable(row.name())),
               "use plain text without a slash");
    }
  }
  if (layers.empty()) {
    throw InputError({path.string(), "", "holds no layer", "write a header, and a row a layer"});
  }
  layers.front().input_grad = kind == TopologyKind::kGemm;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    layers[i].name = numbered_name(i, layers.size(), layers[i].name);
  }
  WorkloadInfo info;
  info.model = path.stem().string();
  info.framework = "SCALE-Sim topology";
  if (kind == TopologyKind::kConv) {
    info.dimensions = {{"batch", batch}};
  }
  return {path, std::move(info), std::move(layers), {}, {}};
}

ShapeWorkload load_scalesim_topology(const std::filesystem::path& path, const Dimensions& bound) {
  return parse_scalesim_topology(read_text_file(path, "CSV", kLargestFileMib), path, bound);
}

}  // namespace potomac::workloads
