// A waveform in the making: every register of an array, at the width that the PE gives it, and a
// list of them, from which a viewer can be told how to show each.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <systemc>
#include <vector>

#include "rtl_models/systemc/slots.hpp"
#include "rtl_models/systemc/waveform_signal.hpp"

namespace potomac::rtl {

class Waveform {
 public:
  using Kind = WaveformSignal::Kind;

  // The widths of what is written: PoT codes along rows and along columns, of which the wider ones
  // are aligned, and values.
  struct Widths {
    int row_operand, column_operand, value;
  };

  // What is added must live as long as `file` is open.
  Waveform(sc_core::sc_trace_file* file, const Widths& widths) : file_(file), widths_(widths) {}

  const std::vector<WaveformSignal>& signals() const { return signals_; }

  void add(const bool& bit, const std::string& name) {
    sc_core::sc_trace(file_, bit, name);
    signals_.push_back({name, 1, Kind::kBit});
  }
  void add_number(const std::int64_t& number, const std::string& name) {
    add_number(number, name, 64);
  }
  // A register of the column's operand.
  template <typename Operand>
  void add_operand(const Operand& operand, const std::string& name) {
    add_operand(operand, name, widths_.column_operand);
  }
  void add_value(const std::int64_t& value, const std::string& name) {
    add_number(value, name, widths_.value);
  }
  // What the FP32 array has is binary32, operand or value.
  void add_value(const float& value, const std::string& name) {
    sc_core::sc_trace(file_, value, name);
    signals_.push_back({name, 32, Kind::kNumber});
  }

  template <typename Operand>
  void add(const RowSlot<Operand>& slot, const std::string& name) {
    add_operand(slot.operand, name + ".operand", widths_.row_operand);
    add(slot.valid, name + ".valid");
  }
  template <typename Operand>
  void add(const ColumnSlot<Operand>& slot, const std::string& name) {
    add_operand(slot.operand, name + ".operand");
    add(slot.valid, name + ".valid");
    add(slot.first, name + ".first");
    add(slot.last, name + ".last");
  }
  template <typename Operand>
  void add(const StreamSlot<Operand>& slot, const std::string& name) {
    add_operand(slot.operand, name + ".operand", widths_.row_operand);
    add(slot.valid, name + ".valid");
    add(slot.first, name + ".first");
  }
  template <typename Operand>
  void add(const TileSlot<Operand>& slot, const std::string& name) {
    add_operand(slot.operand, name + ".operand");
    add(slot.valid, name + ".valid");
    add(slot.moving, name + ".moving");
    add(slot.settle, name + ".settle");
  }
  template <typename Value>
  void add(const ResultSlot<Value>& slot, const std::string& name) {
    add_value(slot.value, name + ".value");
    add(slot.valid, name + ".valid");
    add(slot.fresh, name + ".fresh");
  }
  template <typename Value>
  void add(const PartialSum<Value>& sum, const std::string& name) {
    add_value(sum.value, name + ".value");
    add(sum.valid, name + ".valid");
  }
  void add(const DrainCommand& command, const std::string& name) {
    add(command.shift, name + ".shift");
    add(command.start, name + ".start");
  }

 private:
  // A PoT code, aligned or not.
  template <typename Code>
  void add_operand(const Code& code, const std::string& name, int bits) {
    sc_core::sc_trace(file_, code, name, bits);
    const bool is_code = bits == std::min(widths_.row_operand, widths_.column_operand);
    signals_.push_back({name, bits, is_code ? Kind::kOperand : Kind::kAligned});
  }
  void add_operand(const float& operand, const std::string& name, int /*bits*/) {
    add_value(operand, name);
  }
  void add_number(const std::int64_t& number, const std::string& name, int bits) {
    sc_core::sc_trace(file_, number, name, bits);
    signals_.push_back({name, bits, Kind::kNumber});
  }

  sc_core::sc_trace_file* file_;
  Widths widths_;
  std::vector<WaveformSignal> signals_;
};

// SystemC's ports ask for it.
template <typename Slot>
requires requires(Waveform& waveform, const Slot& slot) {
  waveform.add(slot, std::string());
}
void sc_trace(sc_core::sc_trace_file* file, const Slot& slot, const std::string& name) {
  Waveform(file, {.row_operand = 16, .column_operand = 16, .value = 64}).add(slot, name);
}

}  // namespace potomac::rtl
