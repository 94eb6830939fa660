// The parts of the module `potomac._native`. The package's Python (potomac/) is what users see;
// what is here takes checked types, and says what is wrong with values.
#pragma once

#include <pybind11/pybind11.h>

#include <memory>

#include "sim/machine/architecture.hpp"
#include "sim/results/run_result.hpp"
#include "workloads/workload/workload.hpp"

namespace potomac::python {

// A workload that Python holds; those that need values read them when they are run.
struct HeldWorkload {
  std::shared_ptr<const workloads::Workload> workload;
};
// A layer that was made in Python.
struct MadeLayer {
  workloads::Layer layer;
  bool has_values = false;
};
struct HeldResult {
  std::shared_ptr<const sim::RunResult> result;
};

void bind_machine(pybind11::module_& module);
void bind_workloads(pybind11::module_& module);
void bind_studies(pybind11::module_& module);
void bind_arrays(pybind11::module_& module);
void bind_training(pybind11::module_& module);

}  // namespace potomac::python
