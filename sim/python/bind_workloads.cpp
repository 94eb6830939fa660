#include <fmt/format.h>
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/python/bindings.hpp"
#include "sim/python/convert.hpp"
#include "sim/studies/shipped.hpp"
#include "support/choice.hpp"
#include "support/yaml_reader.hpp"
#include "workloads/sources/made_workload.hpp"
#include "workloads/sources/model_description.hpp"
#include "workloads/sources/open_workload.hpp"
#include "workloads/sources/shape_workload.hpp"

namespace py = pybind11;

namespace potomac::python {
namespace {

using Codes = py::array_t<std::uint8_t, py::array::c_style>;

workloads::QuantizedTensor tensor_of(const Codes& codes, int bits, int beta) {
  return {.shape = workloads::Shape(codes.shape(), codes.shape() + codes.ndim()),
          .bits = bits,
          .beta = beta,
          .codes = codes_of(codes)};
}

// Tensors are arrays of codes, all or none; G also where no pass needs it, as extents alone.
MadeLayer make_layer(const std::string& name, const std::string& kind, const workloads::Shape& w,
                     const workloads::Shape& a, const workloads::Shape& g,
                     const std::vector<std::optional<Codes>>& codes, const std::vector<int>& bits,
                     const std::vector<int>& scales, const workloads::GeometryLists& geometry,
                     std::int64_t groups, bool input_grad, bool weight_grad) {
  MadeLayer made;
  workloads::LayerShape& shape = made.layer.shape;
  shape.name = name;
  shape.kind = choose(fmt::format("layer '{}'", name), kind, by_name(workloads::kLayerKinds));
  if (workloads::is_convolution(shape.kind)) {
    shape.conv = workloads::geometry_of(geometry, groups);
  }
  shape.input_grad = input_grad;
  shape.weight_grad = weight_grad;
  shape.w = w;
  shape.a = a;
  shape.g = g;
  made.has_values = codes[0].has_value();
  const auto fill = [&](workloads::QuantizedTensor& tensor, std::size_t i) {
    if (codes[i]) {
      tensor = tensor_of(*codes[i], bits[i], scales[i]);
    } else {
      tensor.bits = bits[i];
      tensor.beta = scales[i];
    }
  };
  fill(made.layer.w, 0);
  fill(made.layer.a, 1);
  fill(made.layer.g, 2);
  return made;
}

HeldWorkload workload_of(const std::string& name, const std::vector<MadeLayer>& layers) {
  workloads::WorkloadInfo info;
  info.model = name;
  info.framework = "Python";
  info.dataset = "-";
  const bool values =
      std::ranges::all_of(layers, [](const MadeLayer& made) { return made.has_values; });
  if (!values &&
      std::ranges::any_of(layers, [](const MadeLayer& made) { return made.has_values; })) {
    throw InputError({name, "", "some of its layers have values and some only shapes",
                      "give codes for all of them, or for none"});
  }
  if (values) {
    std::vector<workloads::Layer> all;
    std::ranges::transform(layers, std::back_inserter(all),
                           [](const MadeLayer& made) { return made.layer; });
    return {std::make_shared<workloads::MadeWorkload>(name, info, std::move(all))};
  }
  std::vector<workloads::LayerShape> shapes;
  for (const MadeLayer& made : layers) {
    shapes.push_back(made.layer.shape);
    shapes.back().name =
        workloads::numbered_name(shapes.size() - 1, layers.size(), shapes.back().name);
  }
  const workloads::TensorFormat format;
  return {std::make_shared<workloads::ShapeWorkload>(
      name, info, std::move(shapes), workloads::LayerFormats{format, format, format},
      std::vector<workloads::NotIncluded>{})};
}

py::list layers_of(const HeldWorkload& held) {
  py::list layers;
  for (const workloads::LayerShape& shape : held.workload->layers()) {
    py::dict one;
    one["name"] = shape.name;
    one["kind"] = std::string(workloads::name_of(shape.kind));
    one["w"] = py::tuple(py::cast(shape.w));
    one["a"] = py::tuple(py::cast(shape.a));
    one["g"] = py::tuple(py::cast(shape.g));
    one["input_grad"] = shape.input_grad;
    one["weight_grad"] = shape.weight_grad;
    layers.append(one);
  }
  return layers;
}

}  // namespace

void bind_workloads(py::module_& module) {
  py::class_<MadeLayer>(module, "Layer")
      .def(py::init([](const std::string& name, const std::string& kind, const workloads::Shape& w,
                       const workloads::Shape& a, const workloads::Shape& g,
                       const std::vector<std::optional<Codes>>& codes, const std::vector<int>& bits,
                       const std::vector<int>& scales, const workloads::Shape& stride,
                       const workloads::Shape& padding, const workloads::Shape& dilation,
                       std::int64_t groups, bool input_grad, bool weight_grad) {
             return make_layer(name, kind, w, a, g, codes, bits, scales,
                               {stride, padding, dilation}, groups, input_grad, weight_grad);
           }),
           py::arg("name"), py::arg("kind"), py::arg("w"), py::arg("a"), py::arg("g"),
           py::arg("codes"), py::arg("bits"), py::arg("scales"), py::arg("stride"),
           py::arg("padding"), py::arg("dilation"), py::arg("groups"), py::arg("input_grad"),
           py::arg("weight_grad"));
  py::class_<HeldWorkload>(module, "Workload")
      .def_static(
          "open",
          [](const std::string& name, const workloads::Dimensions& dimensions) {
            const py::gil_scoped_release released;
            const auto file = workloads::find_workload(name, sim::shipped_models());
            return HeldWorkload{workloads::open_workload(file, dimensions)};
          },
          py::arg("name"), py::arg("dimensions"))
      .def_static("of_layers", &workload_of, py::arg("name"), py::arg("layers"))
      .def_static(
          "of_description",
          [](const std::string& text, const std::string& name,
             const workloads::Dimensions& dimensions) {
            return HeldWorkload{std::make_shared<workloads::ShapeWorkload>(
                workloads::parse_model(read_yaml_text(text, name), dimensions).workload)};
          },
          py::arg("text"), py::arg("name"), py::arg("dimensions"))
      .def("path", [](const HeldWorkload& self) { return self.workload->path().string(); })
      .def("model", [](const HeldWorkload& self) { return self.workload->info().model; })
      .def("values",
           [](const HeldWorkload& self) {
             return std::string(workloads::name_of(self.workload->info().values));
           })
      .def("layers", &layers_of)
      .def("not_included", [](const HeldWorkload& self) {
        return workloads::texts_of(self.workload->not_included());
      });
}

}  // namespace potomac::python
