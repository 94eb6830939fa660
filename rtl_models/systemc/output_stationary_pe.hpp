// A processing element of the output-stationary array. In one clock edge it
//  - hands the first operand on to the east and the second to the south, through registers that
//    hold while their slot is not valid;
//  - does a MAC if both arriving operands are valid;
//  - with the tag `last`, copies the finished sum to its shadow register;
//  - otherwise, while its column drains, takes the shadow of the PE above. A result captured while
//    the fold before still drains stays where it is until its own drain starts.
#pragma once

#include <string>
#include <systemc>

#include "rtl_models/systemc/mac_units.hpp"
#include "rtl_models/systemc/waveform.hpp"

namespace potomac::rtl {

template <typename Unit>
class OutputStationaryPe : public sc_core::sc_module {
 public:
  using Operand = typename Unit::Operand;
  using Value = typename Unit::Value;

  sc_core::sc_in<bool> clk{"clk"};
  sc_core::sc_in<RowSlot<Operand>> west{"west"};
  sc_core::sc_in<ColumnSlot<Operand>> north{"north"};
  sc_core::sc_in<ResultSlot<Value>> shadow_above{"shadow_above"};
  sc_core::sc_in<DrainCommand> drain{"drain"};
  sc_core::sc_out<RowSlot<Operand>> east{"east"};
  sc_core::sc_out<ColumnSlot<Operand>> south{"south"};
  sc_core::sc_out<ResultSlot<Value>> shadow{"shadow"};

  // `config` is shared by the array's PEs, outlives them, and changes only between GEMMs.
  OutputStationaryPe(const sc_core::sc_module_name& name, const typename Unit::Config& config)
      : sc_module(name), config_(config) {
    SC_HAS_PROCESS(OutputStationaryPe);
    SC_METHOD(on_clock);
    sensitive << clk.pos();
    dont_initialize();
  }

  const PeCounters& counters() const { return counters_; }
  // Makes it as a pass finds it: all data bits 0, nothing counted. Between passes, when nothing is
  // valid.
  void reset() {
    row_register_ = {};
    column_register_ = {};
    accumulator_ = {};
    shadow_register_ = {};
    counters_ = {};
  }

  void trace_registers(Waveform& waveform) const {
    const std::string prefix = name();
    waveform.add(row_register_, prefix + ".first");
    waveform.add(column_register_, prefix + ".second");
    waveform.add_value(accumulator_, prefix + ".accumulator");
    waveform.add(shadow_register_, prefix + ".shadow");
  }

 private:
  void on_clock() {
    const RowSlot<Operand>& row = west->read();
    const ColumnSlot<Operand>& column = north->read();
    if (row.valid) {
      counters_.operand_toggles += toggles(row_register_.operand, row.operand);
      row_register_ = row;
      east->write(row_register_);
      counters_.operand_writes += 1;
      counters_.row_operand_writes += 1;
    } else if (row_register_.valid) {
      row_register_.valid = false;
      east->write(row_register_);
    }
    if (column.valid) {
      counters_.operand_toggles += toggles(column_register_.operand, column.operand);
      column_register_ = column;
      south->write(column_register_);
      counters_.operand_writes += 1;
    } else if (column_register_.valid) {
      column_register_.valid = column_register_.first = column_register_.last = false;
      south->write(column_register_);
    }

    bool captured = false;
    if (row.valid && column.valid) {
      const std::uint64_t accumulated_before = counters_.accumulated;
      if (column.first) {
        turns_ = 0;
      }
      const Value sum = Unit::step(config_, accumulator_, column.first, row.operand, column.operand,
                                   counters_, turns_);
      counters_.accumulator_toggles += Unit::value_toggles(config_, accumulator_, sum);
      accumulator_ = sum;
      // A new sum clears the register even when its first product is nothing.
      const bool fired = counters_.accumulated != accumulated_before;
      counters_.accumulator_writes += fired || column.first ? 1 : 0;
      if (column.last) {
        counters_.overflowed_results += turns_ != 0 ? 1 : 0;
        set_shadow({accumulator_, true, true});
        captured = true;
      }
    }
    const DrainCommand& command = drain->read();
    if (!captured && command.shift && (command.start || !shadow_register_.fresh)) {
      const ResultSlot<Value>& above = shadow_above->read();
      if (above.valid && (command.start || !above.fresh)) {
        set_shadow({above.value, true, false});
      } else if (shadow_register_.valid) {
        shadow_register_.valid = shadow_register_.fresh = false;
        shadow->write(shadow_register_);
      }
    }
  }

  void set_shadow(const ResultSlot<Value>& result) {
    counters_.shadow_toggles += Unit::value_toggles(config_, shadow_register_.value, result.value);
    shadow_register_ = result;
    shadow->write(shadow_register_);
    counters_.shadow_writes += 1;
  }

  const typename Unit::Config& config_;
  RowSlot<Operand> row_register_;
  ColumnSlot<Operand> column_register_;
  Value accumulator_{};
  std::int32_t turns_ = 0;  // of the sum in it
  ResultSlot<Value> shadow_register_;
  PeCounters counters_;
};

}  // namespace potomac::rtl
