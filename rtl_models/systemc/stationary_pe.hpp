// A processing element of the stationary array (weight and input stationary). In one clock edge it
//  - takes the stationary operand of the PE above, while that one moves (a tile is being loaded);
//  - hands the streaming operand on to the east, through a register that holds while its slot is
//    not valid;
//  - hands the partial sum from above on below, with the product of the streaming and the
//    stationary operand added if both are valid.
// Double buffered: the streaming slot tagged `first` copies the loaded operand to a second
// register, which is multiplied from then on, so that the next tile can be loaded meanwhile.
#pragma once

#include <string>
#include <systemc>

#include "rtl_models/systemc/mac_units.hpp"
#include "rtl_models/systemc/waveform.hpp"

namespace potomac::rtl {

template <typename Unit>
class StationaryPe : public sc_core::sc_module {
 public:
  using Operand = typename Unit::Operand;
  using Value = typename Unit::Value;

  sc_core::sc_in<bool> clk{"clk"};
  sc_core::sc_in<StreamSlot<Operand>> west{"west"};
  sc_core::sc_in<TileSlot<Operand>> above{"above"};
  sc_core::sc_in<TileSlot<Operand>> column{
      "column"};  // into the column's top: whether it moves and settles is for all
  sc_core::sc_in<PartialSum<Value>> north{"north"};
  sc_core::sc_out<StreamSlot<Operand>> east{"east"};
  sc_core::sc_out<TileSlot<Operand>> below{"below"};
  sc_core::sc_out<PartialSum<Value>> south{"south"};

  // `config` is shared by the array's PEs, outlives them, and changes only between GEMMs.
  StationaryPe(const sc_core::sc_module_name& name, const typename Unit::Config& config,
               bool double_buffered)
      : sc_module(name), config_(config), double_buffered_(double_buffered) {
    SC_HAS_PROCESS(StationaryPe);
    SC_METHOD(on_clock);
    sensitive << clk.pos();
    dont_initialize();
  }

  const PeCounters& counters() const { return counters_; }
  // Makes it as a pass finds it: all data bits 0, nothing counted. Between passes, when nothing is
  // valid.
  void reset() {
    stream_register_ = {};
    loaded_ = {};
    active_operand_ = {};
    active_valid_ = false;
    sum_ = {};
    counters_ = {};
  }

  void trace_registers(Waveform& waveform) const {
    const std::string prefix = name();
    waveform.add(stream_register_, prefix + ".stream");
    waveform.add(loaded_, prefix + ".loaded");
    if (double_buffered_) {
      waveform.add_operand(active_operand_, prefix + ".active.operand");
      waveform.add(active_valid_, prefix + ".active.valid");
    }
    waveform.add(sum_, prefix + ".sum");
  }

 private:
  void on_clock() {
    const StreamSlot<Operand>& stream = west->read();
    // The order matters: the sum and the second register see the loaded operand as it was before
    // the edge.
    add(stream);
    if (double_buffered_ && stream.valid && stream.first) {
      if (loaded_.valid) {
        counters_.stationary_toggles += toggles(active_operand_, loaded_.operand);
        active_operand_ = loaded_.operand;
        counters_.operand_writes += 1;
      }
      active_valid_ = loaded_.valid;
    }
    load();
    if (stream.valid) {
      counters_.operand_toggles += toggles(stream_register_.operand, stream.operand);
      stream_register_ = stream;
      east->write(stream_register_);
      counters_.operand_writes += 1;
      counters_.row_operand_writes += 1;
    } else if (stream_register_.valid) {
      stream_register_.valid = stream_register_.first = false;
      east->write(stream_register_);
    }
  }

  void add(const StreamSlot<Operand>& stream) {
    const PartialSum<Value>& arriving = north->read();
    if (arriving.valid) {
      const bool from_loaded = !double_buffered_ || stream.first;
      const bool stationary_valid = from_loaded ? loaded_.valid : active_valid_;
      Value value = arriving.value;
      std::int32_t turns = arriving.turns;
      if (stream.valid && stationary_valid) {
        value = Unit::step(config_, value, false, stream.operand,
                           from_loaded ? loaded_.operand : active_operand_, counters_, turns);
      }
      counters_.psum_toggles += Unit::value_toggles(config_, sum_.value, value);
      sum_ = {value, true, turns};
      south->write(sum_);
      counters_.psum_writes += 1;
    } else if (sum_.valid) {
      sum_.valid = false;
      south->write(sum_);
    }
  }

  void load() {
    // A tile moves at the edges at which a row of it enters the column, and holds at the others: so
    // it may wait with all edges of the array.
    if (!column->read().moving) {
      return;
    }
    const TileSlot<Operand>& arriving = above->read();
    if (arriving.moving) {
      if (arriving.valid) {
        counters_.stationary_toggles += toggles(loaded_.operand, arriving.operand);
        loaded_.operand = arriving.operand;
        counters_.operand_writes += 1;
      }
      loaded_.valid = arriving.valid;
      loaded_.moving = !column->read().settle;
      below->write(loaded_);
    } else if (loaded_.moving) {
      loaded_.moving = false;
      below->write(loaded_);
    }
  }

  const typename Unit::Config& config_;
  bool double_buffered_;
  StreamSlot<Operand> stream_register_;
  TileSlot<Operand> loaded_;
  Operand active_operand_{};
  bool active_valid_ = false;
  PartialSum<Value> sum_;
  PeCounters counters_;
};

}  // namespace potomac::rtl
