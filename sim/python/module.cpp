#include <filesystem>
#include <string>

#include "sim/python/bindings.hpp"
#include "sim/results/version.hpp"
#include "support/error.hpp"
#include "support/shipped_files.hpp"

namespace py = pybind11;

PYBIND11_MODULE(_native, module) {
  module.doc() = "Potomac's C++ library; use the package `potomac`.";
  static const py::exception<potomac::InputError> input_error(module, "InputError",
                                                              PyExc_ValueError);
  static const py::exception<potomac::MachineError> machine_error(module, "MachineError",
                                                                  PyExc_RuntimeError);
  input_error.attr("__module__") = "potomac";
  machine_error.attr("__module__") = "potomac";
  py::register_exception_translator([](std::exception_ptr thrown) {
    try {
      std::rethrow_exception(thrown);
    } catch (const potomac::InputError& error) {
      PyErr_SetString(input_error.ptr(), error.what());
    } catch (const potomac::MachineError& error) {
      PyErr_SetString(machine_error.ptr(), error.what());
    }
  });
  const potomac::sim::Program program = potomac::sim::this_program();
  module.attr("version") = program.version;
  module.attr("build") = program.build;
  module.def(
      "add_shipped_root", [](const std::string& root) { potomac::add_shipped_root(root); },
      py::arg("root"));
  potomac::python::bind_machine(module);
  potomac::python::bind_workloads(module);
  potomac::python::bind_studies(module);
  potomac::python::bind_arrays(module);
  potomac::python::bind_training(module);
}
