#include "workloads/sources/description_writer.hpp"

#include <yaml-cpp/yaml.h>

#include <string_view>

namespace potomac::workloads {
namespace {

// The name without the number that the reader puts before it.
std::string own_name(std::string_view name) {
  const std::size_t digits = name.find_first_not_of("0123456789");
  const bool numbered = digits != 0 && digits != std::string_view::npos && name[digits] == '-' &&
                        digits + 1 < name.size();
  return std::string(numbered ? name.substr(digits + 1) : name);
}

template <typename List>
void put_list(YAML::Emitter& out, const char* key, const List& values) {
  out << YAML::Key << key << YAML::Value << YAML::BeginSeq;
  for (const std::int64_t value : values) {
    out << value;
  }
  out << YAML::EndSeq;
}

void put(YAML::Emitter& out, const char* key, std::int64_t value) {
  out << YAML::Key << key << YAML::Value << value;
}

void put_text(YAML::Emitter& out, const char* key, const std::string& value) {
  out << YAML::Key << key << YAML::Value << YAML::DoubleQuoted << value << YAML::Auto;
}

void put_convolution(YAML::Emitter& out, const LayerShape& layer) {
  const GeometryLists lists = lists_of(layer.conv, is_volumetric(layer.kind));
  put_list(out, "input", layer.a);
  put(out, "outputs", layer.g[1]);
  put_list(out, "kernel", Shape(layer.w.begin() + 2, layer.w.end()));
  put_list(out, "stride", lists.stride);
  put_list(out, "padding", lists.padding);
  put_list(out, "dilation", lists.dilation);
  put(out, "groups", layer.conv.groups);
  if (is_transposed(layer.kind)) {
    Shape output_padding;
    for (std::size_t axis = 0; axis < lists.axes(); ++axis) {
      output_padding.push_back(layer.g[2 + axis] + lists.padding_along(axis) -
                               (layer.a[2 + axis] - 1) * lists.stride[axis] -
                               lists.dilation[axis] * (layer.w[2 + axis] - 1) - 1);
    }
    put_list(out, "output_padding", output_padding);
  }
}

void put_layer(YAML::Emitter& out, const LayerShape& layer) {
  out << YAML::Flow << YAML::BeginMap;
  put_text(out, std::string(name_of(layer.kind)).c_str(), own_name(layer.name));
  switch (layer.kind) {
    case LayerKind::kConv2d:
    case LayerKind::kConvTranspose2d:
    case LayerKind::kConv3d:
    case LayerKind::kConvTranspose3d:
      put_convolution(out, layer);
      break;
    case LayerKind::kLinear:
      put_list(out, "input", layer.a);
      put(out, "outputs", layer.w[0]);
      break;
    case LayerKind::kMatmul:
      put(out, "batch", layer.a[0]);
      put(out, "m", layer.a[1]);
      put(out, "n", layer.w[2]);
      put(out, "k", layer.a[2]);
      break;
  }
  if (!layer.input_grad) {
    out << YAML::Key << "input_grad" << YAML::Value << false;
  }
  if (!layer.weight_grad) {
    out << YAML::Key << "weight_grad" << YAML::Value << false;
  }
  out << YAML::EndMap;
}

}  // namespace

std::string model_description_text(const Workload& workload) {
  YAML::Emitter out;
  out << YAML::BeginMap;
  out << YAML::Key << "format" << YAML::Value << "potomac-model";
  put(out, "version", 1);
  put_text(out, "model", workload.info().model);
  const LayerFormats& formats = workload.formats().front();
  out << YAML::Key << "bits" << YAML::Value << YAML::Flow << YAML::BeginMap;
  put(out, "W", formats.w.bits);
  put(out, "A", formats.a.bits);
  put(out, "G", formats.g.bits);
  out << YAML::EndMap;
  out << YAML::Key << "layers" << YAML::Value << YAML::BeginSeq;
  for (const LayerShape& layer : workload.layers()) {
    put_layer(out, layer);
  }
  out << YAML::EndSeq;
  if (!workload.not_included().empty()) {
    out << YAML::Key << "not_included" << YAML::Value << YAML::BeginSeq;
    for (const NotIncluded& part : workload.not_included()) {
      out << YAML::Flow << YAML::BeginMap;
      put_text(out, "name", part.name);
      put_text(out, "kind", part.kind);
      put_text(out, "reason", part.reason);
      out << YAML::EndMap;
    }
    out << YAML::EndSeq;
  }
  out << YAML::EndMap;
  return std::string(out.c_str()) + "\n";
}

}  // namespace potomac::workloads
