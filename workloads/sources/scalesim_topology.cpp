#include "workloads/sources/scalesim_topology.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
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

// Without blanks and byte order marks, as spreadsheets leave them, at either end.
std::string_view cleaned(std::string_view text) {
  constexpr std::array<std::string_view, 2> kInvisible = {"\xC2\xA0", "\xEF\xBB\xBF"};
  for (bool again = true; again;) {
    again = false;
    text = trimmed(text);
    for (const std::string_view mark : kInvisible) {
      if (text.starts_with(mark)) {
        text.remove_prefix(mark.size());
        again = true;
      } else if (text.ends_with(mark)) {
        text.remove_suffix(mark.size());
        again = true;
      }
    }
  }
  return text;
}

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  for (;;) {
    const std::size_t comma = line.find(',');
    fields.push_back(cleaned(line.substr(0, comma)));
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

  // Slashes, which separate groups in a trace, become dots.
  std::string name() const {
    std::string name(fields_[0]);
    std::ranges::replace(name, '/', '.');
    return name;
  }
  std::size_t size() const { return fields_.size(); }
  bool has_numbers() const {
    return std::ranges::any_of(fields_.begin() + 1, fields_.end(),
                               [](std::string_view field) { return !field.empty(); });
  }
  std::string_view field(std::size_t index) const {
    return index < fields_.size() ? fields_[index] : std::string_view();
  }

  std::int64_t extent(std::size_t index, const char* what) const {
    const std::string_view text = field(index);
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

// What a header says. SCALE-Sim itself skips it, whatever stands in it; of columns behind those of
// its form we take what they are called.
struct Header {
  TopologyKind kind = TopologyKind::kConv;
  std::size_t second_stride = 0;  // its column; 0: there is none
  std::size_t batch = 0;
  std::size_t sparsity = 0;
  std::vector<std::string> unused;  // columns that have no effect
};

Header header_of(const Row& row) {
  if (row.size() == 1) {
    row.fail(row.field(0).find('\t') == std::string_view::npos
                 ? "is the header of no SCALE-Sim topology"
                 : "its fields are separated by tabs",
             "write 'Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, "
             "Channels, Num Filter, Strides,' or 'Layer, M, N, K,'");
  }
  Header header;
  if (lowercase(row.field(1)) == "m" && lowercase(row.field(2)) == "n" &&
      lowercase(row.field(3)) == "k") {
    header.kind = TopologyKind::kGemm;
  }
  const std::size_t own = header.kind == TopologyKind::kGemm ? kGemmFields : kConvFields;
  for (std::size_t column = own; column < row.size(); ++column) {
    const std::string word = lowercase(row.field(column));
    if (word.find("stride") != std::string::npos && header.kind == TopologyKind::kConv &&
        header.second_stride == 0) {
      header.second_stride = column;
    } else if (word.find("batch") != std::string::npos && header.batch == 0) {
      header.batch = column;
    } else if (word.find("sparsity") != std::string::npos && header.sparsity == 0) {
      header.sparsity = column;
    } else if (!word.empty()) {
      header.unused.emplace_back(row.field(column));
    }
  }
  return header;
}

// Behind the columns of the form, or where the header says.
void refuse_sparsity(const Row& row, const Header& header) {
  const std::size_t own = header.kind == TopologyKind::kGemm ? kGemmFields : kConvFields;
  const std::string_view ratio = row.field(header.sparsity == 0 ? own : header.sparsity);
  const std::size_t colon = ratio.find(':');
  if (colon != std::string_view::npos && ratio.substr(0, colon) != ratio.substr(colon + 1)) {
    row.fail(fmt::format("its sparsity is '{}', which is not simulated", printable(ratio)),
             "write 1:1, or leave it out");
  }
}

// Of a row whose file has a column for it; 1 where that is empty.
std::int64_t batch_of_row(const Row& row, const Header& header) {
  return row.field(header.batch).empty() ? 1 : row.extent(header.batch, "the batch");
}

LayerShape conv_layer(const Row& row, const Header& header, std::int64_t batch) {
  row.require(kConvFields,
              "name, IFMAP height, width, filter height, width, channels, filters, stride");
  refuse_sparsity(row, header);
  if (header.batch != 0) {
    batch = batch_of_row(row, header);
  }
  const std::int64_t channels = row.extent(5, "channels");
  const std::int64_t filters = row.extent(6, "the number of filters");
  const std::int64_t vertical = row.extent(7, "the stride");
  const std::int64_t horizontal =
      header.second_stride == 0 ? vertical : row.extent(header.second_stride, "the second stride");
  const bool depthwise = row.name().find("DP") != std::string::npos;
  LayerShape layer;
  layer.name = row.name();
  layer.kind = LayerKind::kConv2d;
  layer.conv.stride = {vertical, horizontal};
  layer.conv.groups = depthwise ? channels : 1;
  layer.a = {batch, channels, row.extent(1, "the IFMAP's height"),
             row.extent(2, "the IFMAP's width")};
  layer.w = {depthwise ? channels * filters : filters, depthwise ? 1 : channels,
             row.extent(3, "the filter's height"), row.extent(4, "the filter's width")};
  layer.g = {batch, layer.w[0], 0, 0};
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const std::int64_t input = layer.a[2 + axis];
    const std::int64_t kernel = layer.w[2 + axis];
    const std::int64_t stride = layer.conv.stride.at(axis);
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

// Several products of one shape (of heads) are a matmul.
LayerShape gemm_layer(const Row& row, const Header& header) {
  row.require(kGemmFields, "name, M, N, K");
  refuse_sparsity(row, header);
  const std::int64_t m = row.extent(1, "M");
  const std::int64_t n = row.extent(2, "N");
  const std::int64_t k = row.extent(3, "K");
  LayerShape layer;
  layer.name = row.name();
  // SCALE-Sim takes a number behind K for the batch, whatever the header calls it.
  const bool unnamed = header.batch == 0 && !row.field(kGemmFields).empty() &&
                       row.field(kGemmFields).find(':') == std::string_view::npos &&
                       header.unused.empty();
  const std::int64_t batch = unnamed             ? row.extent(kGemmFields, "the batch")
                             : header.batch == 0 ? 1
                                                 : batch_of_row(row, header);
  if (batch > 1) {
    layer.kind = LayerKind::kMatmul;
    layer.a = {batch, m, k};
    layer.w = {batch, k, n};
    layer.g = {batch, m, n};
    return layer;
  }
  layer.kind = LayerKind::kLinear;
  layer.a = {m, k};
  layer.w = {n, k};
  layer.g = {m, n};
  return layer;
}

std::int64_t batch_of(const Dimensions& bound, const Header& header, const std::string& file) {
  const bool says_all = header.kind == TopologyKind::kGemm || header.batch != 0;
  for (const auto& [name, extent] : bound) {
    if (says_all || name != "batch") {
      throw InputError({file, "", fmt::format("has no dimension '{}'", printable(name)),
                        header.batch != 0 ? "its rows say their batch"
                        : says_all        ? "its GEMMs say all of their extents"
                                          : "a SCALE-Sim topology has only a batch"});
    }
  }
  const auto batch = bound.find("batch");
  return batch == bound.end() ? 1 : batch->second;
}

std::vector<NotIncluded> unused_columns(const Header& header) {
  std::vector<NotIncluded> parts;
  for (const std::string& column : header.unused) {
    parts.push_back({.name = fmt::format("column '{}'", printable(column)),
                     .kind = "SCALE-Sim topology",
                     .reason = "it has no effect"});
  }
  return parts;
}

}  // namespace

ShapeWorkload parse_scalesim_topology(const std::string& text, const std::filesystem::path& path,
                                      const Dimensions& bound) {
  std::optional<Header> header;
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
    if (!header) {
      header = header_of(row);
      batch = batch_of(bound, *header, path.string());
      continue;
    }
    if (!row.has_numbers()) {
      continue;  // the title of a group of layers
    }
    layers.push_back(header->kind == TopologyKind::kConv ? conv_layer(row, *header, batch)
                                                         : gemm_layer(row, *header));
    if (!is_plain_text(row.name())) {
      row.fail(fmt::format("its name is '{}'", printable(row.name())), "use plain text");
    }
  }
  if (layers.empty()) {
    throw InputError({path.string(), "", "holds no layer", "write a header, and a row a layer"});
  }
  layers.front().input_grad = header->kind == TopologyKind::kGemm;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    layers[i].name = numbered_name(i, layers.size(), layers[i].name);
  }
  WorkloadInfo info;
  info.model = path.stem().string();
  info.framework = "SCALE-Sim topology";
  if (header->kind == TopologyKind::kConv && header->batch == 0) {
    info.dimensions = {{"batch", batch}};
  }
  return {path, std::move(info), std::move(layers), {}, unused_columns(*header)};
}

ShapeWorkload load_scalesim_topology(const std::filesystem::path& path, const Dimensions& bound) {
  return parse_scalesim_topology(read_text_file(path, "CSV", kLargestFileMib), path, bound);
}

}  // namespace potomac::workloads
