// The SystemC system around an array, whatever its dataflow: a controller that walks the folds of a
// pass, and what each dataflow adds (output_stationary_system.hpp, stationary_system.hpp): feeders
// that put operands on the array's edges, the array, and a collector of its results.
//
//   controller --command--> feeders --slots--> array --results--> collector
//
// One system runs any number of passes, one after the other, without elaborating again.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <systemc>
#include <vector>

#include "rtl_models/arithmetic/pe_counters.hpp"
#include "sim/engines/stepping/result_places.hpp"
#include "sim/engines/systemc/fold_controller.hpp"
#include "sim/engines/systemc/operand_source.hpp"

namespace potomac::sim {

template <typename Unit>
class ArraySystem : public sc_core::sc_module {
 public:
  using Operand = typename Unit::Operand;
  using Value = typename Unit::Value;
  using Take = std::function<void(const ResultPlace& place, Value value)>;

  // What the system is to do. The schedule and what the sources view must live until it is
  // finished.
  struct Pass {
    const Schedule& schedule;
    typename Unit::Config config;
    OperandSource<Operand> first;
    OperandSource<Operand> second;
    Pace* pace = nullptr;
    Take take;  // takes each result, finished
  };

  // Makes the units and all modules ready for a pass, which sc_start() then runs to its end.
  // Precondition: the schedule has a fold, and this system's array and dataflow.
  void start(Pass pass) {
    config_ = pass.config;
    controller_.start(pass.schedule, issue_, pass.pace);
    start_array(pass);
  }

  bool finished() const { return controller_.finished(); }
  sc_core::sc_clock& clock() { return clock_; }
  const Cycles& cycles() const { return controller_.cycles(); }
  const PeCycles& pe_cycles() const { return controller_.pe_cycles(); }

  // Since the pass began.
  virtual rtl::PeCounters counters() const = 0;
  virtual std::vector<rtl::PeCounters> counters_of_pes() const = 0;  // row by row
  virtual std::uint64_t skew_register_writes() const = 0;
  virtual std::uint64_t row_skew_register_writes() const = 0;
  virtual std::uint64_t skew_register_toggles() const = 0;
  virtual std::int64_t results_received() const = 0;

  // Every register of the array, and what the controller says.
  void trace_registers(rtl::Waveform& waveform) const {
    add(waveform, command_.read(), std::string(name()) + ".command");
    trace_array(waveform);
  }

 protected:
  ArraySystem(const sc_core::sc_module_name& name, Issue issue, sc_core::sc_time period)
      : sc_module(name),
        clock_("clock", period),
        command_("command"),
        issue_(issue),
        controller_("controller") {
    controller_.clk(clock_);
    controller_.command(command_);
  }

  // May move the sources and `take` out of the pass.
  virtual void start_array(Pass& pass) = 0;
  virtual void trace_array(rtl::Waveform& waveform) const = 0;

  sc_core::sc_clock clock_;
  typename Unit::Config config_;
  sc_core::sc_signal<FeedCommand> command_;

 private:
  Issue issue_;
  FoldController controller_;
};

}  // namespace potomac::sim
