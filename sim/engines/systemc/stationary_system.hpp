// The system of a stationary array, weight or input: a feeder of tiles, a feeder of the streaming
// operand, and the scratchpad that partial sums come from and go to. Pipelined issue needs a second
// register in each PE, for the tile that is loaded while the one before is in use.
#pragma once

#include <systemc>
#include <utility>

#include "rtl_models/systemc/stationary_array.hpp"
#include "sim/engines/systemc/array_system.hpp"
#include "sim/engines/systemc/partial_sums.hpp"
#include "sim/engines/systemc/stationary_feeders.hpp"

namespace potomac::sim {

template <typename Unit>
class StationarySystem : public ArraySystem<Unit> {
 public:
  using Base = ArraySystem<Unit>;
  using Operand = typename Unit::Operand;
  using Array = rtl::StationaryArray<Unit>;

  // Precondition: the dataflow is weight or input stationary.
  StationarySystem(const sc_core::sc_module_name& name, ArrayShape shape, Dataflow dataflow,
                   Issue issue, sc_core::sc_time period)
      : Base(name, issue, period),
        dataflow_(dataflow),
        west_("west", static_cast<std::size_t>(shape.rows)),
        north_("north", static_cast<std::size_t>(shape.cols)),
        top_("top", static_cast<std::size_t>(shape.cols)),
        bottom_("bottom", static_cast<std::size_t>(shape.cols)),
        stream_feeder_("stream_feeder", dataflow, static_cast<std::size_t>(shape.rows)),
        tile_feeder_("tile_feeder", dataflow, static_cast<std::size_t>(shape.cols)),
        array_("array", static_cast<std::size_t>(shape.rows), static_cast<std::size_t>(shape.cols),
               this->config_, issue == Issue::kPipelined),
        partial_sums_("partial_sums", static_cast<std::size_t>(shape.cols)) {
    stream_feeder_.command(this->command_);
    stream_feeder_.out(west_);
    tile_feeder_.command(this->command_);
    tile_feeder_.out(north_);
    array_.clk(this->clock_);
    array_.west(west_);
    array_.north(north_);
    array_.top(top_);
    array_.bottom(bottom_);
    partial_sums_.clk(this->clock_);
    partial_sums_.command(this->command_);
    partial_sums_.bottom(bottom_);
    partial_sums_.top(top_);
  }

  std::vector<rtl::PeCounters> counters_of_pes() const override { return array_.counters_of_pes(); }
  rtl::PeCounters counters() const override {
    rtl::PeCounters counters = array_.counters();
    counters.overflowed_results = partial_sums_.overflowed();
    return counters;
  }
  std::uint64_t skew_register_writes() const override { return array_.skew_register_writes(); }
  std::uint64_t row_skew_register_writes() const override {
    return array_.row_skew_register_writes();
  }
  std::uint64_t skew_register_toggles() const override { return array_.skew_register_toggles(); }
  std::int64_t results_received() const override { return partial_sums_.received(); }

 private:
  void start_array(typename Base::Pass& pass) override {
    array_.reset();
    const bool ws = keeps_second(dataflow_);
    stream_feeder_.start(std::move(ws ? pass.first : pass.second));
    tile_feeder_.start(std::move(ws ? pass.second : pass.first));
    partial_sums_.start(pass.schedule, std::move(pass.take));
  }
  void trace_array(rtl::Waveform& waveform) const override { array_.trace_registers(waveform); }

  Dataflow dataflow_;
  sc_core::sc_vector<sc_core::sc_signal<typename Array::Stream>> west_;
  sc_core::sc_vector<sc_core::sc_signal<typename Array::Tile>> north_;
  sc_core::sc_vector<sc_core::sc_signal<typename Array::Sum>> top_;
  sc_core::sc_vector<sc_core::sc_signal<typename Array::Sum>> bottom_;
  StreamFeeder<Operand> stream_feeder_;
  TileFeeder<Operand> tile_feeder_;
  Array array_;
  PartialSums<Unit> partial_sums_;
};

}  // namespace potomac::sim
