#include <pybind11/stl.h>

#include <string>

#include "sim/machine/architecture_file.hpp"
#include "sim/machine/architecture_keys.hpp"
#include "sim/python/bindings.hpp"
#include "sim/python/convert.hpp"
#include "sim/studies/shipped.hpp"
#include "support/atomic_file.hpp"
#include "support/yaml_reader.hpp"

namespace py = pybind11;

namespace potomac::python {
namespace {

// Sets a key from its text in a file. A value that is refused changes nothing.
void set_from_text(sim::Architecture& architecture, const std::string& name,
                   const std::string& text) {
  const YamlValue value = YamlValue::of_text(text, "", name);
  const sim::ArchitectureKey& key = sim::architecture_key(name, value);
  sim::Architecture changed = architecture;
  key.set(changed, sim::read_value(key, value));
  sim::load_dram_device(changed);
  architecture = changed;
}

py::list keys() {
  const sim::Architecture defaults;
  py::list keys;
  for (const sim::ArchitectureKey& key : sim::architecture_keys()) {
    py::dict one;
    one["name"] = std::string(key.name);
    one["unit"] = std::string(key.unit);
    one["meaning"] = std::string(key.meaning);
    one["default"] = object_of(key.get(defaults));
    keys.append(one);
  }
  return keys;
}

}  // namespace

void bind_machine(py::module_& module) {
  py::class_<sim::Architecture>(module, "Architecture")
      .def(py::init<>())
      .def(py::init([](const sim::Architecture& other) { return other; }), py::arg("other"))
      .def_static(
          "load",
          [](const std::string& name) {
            return sim::load_architecture(sim::architecture_file(name));
          },
          py::arg("name"))
      .def(
          "get",
          [](const sim::Architecture& self, const std::string& name) {
            return object_of(
                sim::architecture_key(name, YamlValue::of_text("", "", name)).get(self));
          },
          py::arg("key"))
      .def("set", &set_from_text, py::arg("key"), py::arg("text"))
      .def("text", &sim::architecture_text)
      .def(
          "equals",
          [](const sim::Architecture& self, const sim::Architecture& other) {
            return self == other;
          },
          py::arg("other"))
      .def_static("keys", &keys)
      .def_static("names", [] { return sim::shipped_architectures().names(); });
}

}  // namespace potomac::python
