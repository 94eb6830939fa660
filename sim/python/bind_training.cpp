#include <pybind11/stl.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <tuple>

#include "sim/machine/architecture_file.hpp"
#include "sim/machine/operand_fit.hpp"
#include "sim/python/bindings.hpp"
#include "sim/python/convert.hpp"
#include "sim/studies/training_pass.hpp"
#include "support/choice.hpp"
#include "support/yaml_reader.hpp"
#include "workloads/layers/layer_check.hpp"
#include "workloads/layers/lowering.hpp"

namespace py = pybind11;

namespace potomac::python {
namespace {

// Codes in the memory of a tensor: address, bits, beta.
using OperandAt = std::tuple<std::uintptr_t, int, int>;

// A machine's accumulators for the passes of a training step, one pass at a time.
class TrainingSums {
 public:
  // `machine`: an architecture file's text.
  explicit TrainingSums(const std::string& machine)
      : pe_(sim::parse_architecture(read_yaml_text(machine, "accumulator")).pe) {}

  // Throws InputError if the accumulator cannot hold a product of such codes.
  void require_fit(const std::string& name, const std::string& pass_name, int first_bits,
                   int second_bits) const {
    sim::Architecture machine;
    machine.pe = pe_;
    workloads::LayerShape layer;  // no depth to speak of
    layer.name = name;
    layer.w = layer.a = layer.g = {1, 1};
    sim::require_fit(machine, layer, choose("pass", pass_name, by_name(workloads::kPasses)),
                     rtl::PotFormat(first_bits), rtl::PotFormat(second_bits));
  }

  // Of W, A and G those that are the pass's operands.
  py::dict run(const MadeLayer& layer, const std::string& pass_name,
               const std::optional<OperandAt>& w, const std::optional<OperandAt>& a,
               const std::optional<OperandAt>& g, std::uintptr_t result, unsigned threads) {
    const auto pass = choose("pass", pass_name, by_name(workloads::kPasses));
    const workloads::LayerShape& shape = layer.layer.shape;
    const workloads::PassTensors tensors = workloads::tensors_of(shape.kind, pass);
    const auto operand = [&](workloads::Tensor which) {
      const auto& at = which == workloads::Tensor::kW ? w : which == workloads::Tensor::kA ? a : g;
      const auto [address, bits, beta] = at.value();
      const auto size = static_cast<std::size_t>(workloads::element_count(shape.of(which)));
      return sim::TensorCodes{std::span(memory_at<const rtl::PotCode>(address), size), bits, beta};
    };
    const sim::TensorCodes first = operand(tensors.first);
    const sim::TensorCodes second = operand(tensors.second);
    const sim::TrainingPass done = [&] {
      const py::gil_scoped_release released;
      const std::lock_guard lock(mutex_);
      return sim::training_pass(shape, pass, first, second, pe_, memory_at<float>(result),
                                pool_of(threads));
    }();
    py::dict counts;
    counts["bits"] = done.accumulator.bits;
    counts["lsb"] = done.accumulator.lsb;
    counts["saturates"] = done.accumulator.overflow == rtl::Overflow::kSaturate;
    counts["results"] = done.results;
    counts["overflowed_results"] = done.overflowed_results;
    counts["overflows"] = done.overflows;
    counts["macs"] = done.macs;
    counts["products"] = done.products;
    counts["dropped"] = done.dropped;
    counts["finite"] = done.finite;
    return counts;
  }

 private:
  sim::WorkerPool& pool_of(unsigned threads) {
    if (process_ != ::getpid()) {
      // A fork has no threads of its parent's; who waits for them to end waits for ever.
      static_cast<void>(pool_.release());
      process_ = ::getpid();
    }
    if (!pool_ || threads_ != threads) {
      pool_.reset();
      pool_ = std::make_unique<sim::WorkerPool>(threads);
      threads_ = threads;
    }
    return *pool_;
  }

  sim::PeConfig pe_;
  std::mutex mutex_;  // of the pool
  std::unique_ptr<sim::WorkerPool> pool_;
  unsigned threads_ = 0;  // that it was asked for
  ::pid_t process_ = 0;
};

}  // namespace

void bind_training(py::module_& module) {
  py::class_<TrainingSums>(module, "TrainingSums")
      .def(py::init<const std::string&>(), py::arg("machine"))
      .def("require_fit", &TrainingSums::require_fit, py::arg("name"), py::arg("pass_name"),
           py::arg("first_bits"), py::arg("second_bits"))
      .def("run", &TrainingSums::run, py::arg("layer"), py::arg("pass_name"), py::arg("w"),
           py::arg("a"), py::arg("g"), py::arg("result"), py::arg("threads"));
  module.def(
      "check_layer",
      [](const MadeLayer& layer) { workloads::check(layer.layer.shape, "accumulator"); },
      py::arg("layer"));
}

}  // namespace potomac::python
