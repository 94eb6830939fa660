// The system of an output-stationary array: two feeders of the operands that stream past its PEs,
// and a collector under its columns.
#pragma once

#include <string>
#include <systemc>
#include <utility>
#include <vector>

#include "rtl_models/systemc/output_stationary_array.hpp"
#include "sim/engines/systemc/array_system.hpp"
#include "sim/engines/systemc/operand_feeder.hpp"
#include "sim/engines/systemc/result_collector.hpp"

namespace potomac::sim {

template <typename Unit>
class OutputStationarySystem : public ArraySystem<Unit> {
 public:
  using Base = ArraySystem<Unit>;
  using Operand = typename Unit::Operand;
  using Value = typename Unit::Value;
  using Array = rtl::OutputStationaryArray<Unit>;

  OutputStationarySystem(const sc_core::sc_module_name& name, ArrayShape shape, Issue issue,
                         sc_core::sc_time period)
      : Base(name, issue, period),
        west_("west", static_cast<std::size_t>(shape.rows)),
        north_("north", static_cast<std::size_t>(shape.cols)),
        result_("result", static_cast<std::size_t>(shape.cols)),
        drain_("drain", static_cast<std::size_t>(shape.cols)),
        west_feeder_("west_feeder", Edge::kWest, static_cast<std::size_t>(shape.rows)),
        north_feeder_("north_feeder", Edge::kNorth, static_cast<std::size_t>(shape.cols)),
        array_("array", static_cast<std::size_t>(shape.rows), static_cast<std::size_t>(shape.cols),
               this->config_),
        collector_("collector", static_cast<std::size_t>(shape.cols)) {
    west_feeder_.command(this->command_);
    west_feeder_.out(west_);
    north_feeder_.command(this->command_);
    north_feeder_.out(north_);
    array_.clk(this->clock_);
    array_.west(west_);
    array_.north(north_);
    array_.result(result_);
    array_.drain(drain_);
    collector_.clk(this->clock_);
    collector_.result(result_);
    collector_.drain(drain_);
  }

  rtl::PeCounters counters() const override { return array_.counters(); }
  std::vector<rtl::PeCounters> counters_of_pes() const override { return array_.counters_of_pes(); }
  std::uint64_t skew_register_writes() const override { return array_.skew_register_writes(); }
  std::uint64_t row_skew_register_writes() const override {
    return array_.row_skew_register_writes();
  }
  std::uint64_t skew_register_toggles() const override { return array_.skew_register_toggles(); }
  std::int64_t results_received() const override { return collector_.received(); }

 private:
  using WestFeeder = OperandFeeder<Operand, typename Array::Row>;
  using NorthFeeder = OperandFeeder<Operand, typename Array::Column>;

  void start_array(typename Base::Pass& pass) override {
    array_.reset();
    west_feeder_.start(std::move(pass.first));
    north_feeder_.start(std::move(pass.second));
    collector_.start(pass.schedule, std::move(pass.take));
  }
  void trace_array(rtl::Waveform& waveform) const override { array_.trace_registers(waveform); }

  sc_core::sc_vector<sc_core::sc_signal<typename Array::Row>> west_;
  sc_core::sc_vector<sc_core::sc_signal<typename Array::Column>> north_;
  sc_core::sc_vector<sc_core::sc_signal<typename Array::Result>> result_;
  sc_core::sc_vector<sc_core::sc_signal<rtl::DrainCommand>> drain_;
  WestFeeder west_feeder_;
  NorthFeeder north_feeder_;
  Array array_;
  ResultCollector<Value> collector_;
};

}  // namespace potomac::sim
