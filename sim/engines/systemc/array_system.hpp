// The SystemC system around an output-stationary array: a controller that walks the folds, two
// feeders that put operands on the array's edges, and a collector under its columns.
//
//   controller --command--> feeders --slots--> array --results--> collector
//
// One system runs any number of passes, one after the other, without elaborating again.
#pragma once

#include <cstdint>
#include <string>
#include <systemc>
#include <utility>

#include "rtl_models/systemc/output_stationary_array.hpp"
#include "sim/engines/systemc/fold_controller.hpp"
#include "sim/engines/systemc/operand_feeder.hpp"
#include "sim/engines/systemc/operand_source.hpp"
#include "sim/engines/systemc/result_collector.hpp"

namespace potomac::sim {

template <typename Unit>
class ArraySystem : public sc_core::sc_module {
 public:
  using Operand = typename Unit::Operand;
  using Value = typename Unit::Value;
  using Array = rtl::OutputStationaryArray<Unit>;

  ArraySystem(const sc_core::sc_module_name& name, ArrayShape shape, sc_core::sc_time period)
      : sc_module(name),
        clock_("clock", period),
        command_("command"),
        west_("west", static_cast<std::size_t>(shape.rows)),
        north_("north", static_cast<std::size_t>(shape.cols)),
        result_("result", static_cast<std::size_t>(shape.cols)),
        drain_("drain", static_cast<std::size_t>(shape.cols)),
        controller_("controller"),
        west_feeder_("west_feeder", WestFeeder::Edge::kWest, static_cast<std::size_t>(shape.rows)),
        north_feeder_("north_feeder", NorthFeeder::Edge::kNorth,
                      static_cast<std::size_t>(shape.cols)),
        array_("array", static_cast<std::size_t>(shape.rows), static_cast<std::size_t>(shape.cols),
               config_),
        collector_("collector", static_cast<std::size_t>(shape.cols)) {
    controller_.clk(clock_);
    controller_.command(command_);
    west_feeder_.command(command_);
    west_feeder_.out(west_);
    north_feeder_.command(command_);
    north_feeder_.out(north_);
    array_.clk(clock_);
    array_.west(west_);
    array_.north(north_);
    array_.result(result_);
    array_.drain(drain_);
    collector_.clk(clock_);
    collector_.result(result_);
    collector_.drain(drain_);
  }

  // Makes the units and all modules ready for a pass. The schedule and what the sources view must
  // live until it is finished; `pace` may be null.
  void start(const Schedule& schedule, const typename Unit::Config& config,
             OperandSource<Operand> first, OperandSource<Operand> second, Pace* pace,
             typename ResultCollector<Value>::Take take) {
    config_ = config;
    array_.reset_counters();
    west_feeder_.start(std::move(first));
    north_feeder_.start(std::move(second));
    collector_.start(schedule, std::move(take));
    controller_.start(schedule, pace);
  }

  const Cycles& cycles() const { return controller_.cycles(); }
  const PeCycles& pe_cycles() const { return controller_.pe_cycles(); }
  std::int64_t results_received() const { return collector_.received(); }
  const Array& array() const { return array_; }

  void trace_registers(sc_core::sc_trace_file* file) const {
    sc_trace(file, command_.read(), std::string(name()) + ".command");
    array_.trace_registers(file);
  }

 private:
  using WestFeeder = OperandFeeder<Operand, typename Array::Row>;
  using NorthFeeder = OperandFeeder<Operand, typename Array::Column>;

  sc_core::sc_clock clock_;
  typename Unit::Config config_;
  sc_core::sc_signal<FeedCommand> command_;
  sc_core::sc_vector<sc_core::sc_signal<typename Array::Row>> west_;
  sc_core::sc_vector<sc_core::sc_signal<typename Array::Column>> north_;
  sc_core::sc_vector<sc_core::sc_signal<typename Array::Result>> result_;
  sc_core::sc_vector<sc_core::sc_signal<rtl::DrainCommand>> drain_;
  FoldController controller_;
  WestFeeder west_feeder_;
  NorthFeeder north_feeder_;
  Array array_;
  ResultCollector<Value> collector_;
};

}  // namespace potomac::sim
