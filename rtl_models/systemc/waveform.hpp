// A waveform in the making: every register of an array, at the width that the PE gives it, and a
// list of them, from which a viewer can be told how to show each.
#pragma once

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

  // What is added must live as long as `file` is open. Operands are PoT codes of `operand_bits`
  // bits, values of `value_bits`.
  Waveform(sc_core::sc_trace_file* file, int operand_bits, int value_bits)
      : file_(file), operand_bits_(operand_bits), value_bits_(value_bits) {}

  const std::vector<WaveformSignal>& signals() const { return signals_; }

  void add(const bool& bit, const std::string& name) {
    sc_core::sc_trace(file_, bit, name);
    signals_.push_back({name, 1, Kind::kBit});
  }
  void add_number(const std::int64_t& number, const std::string& name) {
    add_number(number, name, 64);
  }
  void add_operand(const std::uint8_t& code, const std::string& name) {
    sc_core::sc_trace(file_, code, name, operand_bits_);
    signals_.push_back({name, operand_bits_, Kind::kOperand});
  }
  void add_value(const std::int64_t& value, const std::string& name) {
    add_number(value, name, value_bits_);
  }
  // What the FP32 array has is binary32, operand or value.
  void add_operand(const float& operand, const std::string& name) { add_value(operand, name); }
  void add_value(const float& value, const std::string& name) {
    sc_core::sc_trace(file_, value, name);
    signals_.push_back({name, 32, Kind::kNumber});
  }

  template <typename Operand>
  void add(const RowSlot<Operand>& slot, const std::string& name) {
    add_operand(slot.operand, name + ".operand");
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
    add_operand(slot.operand, name + ".operand");
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
  void add_number(const std::int64_t& number, const std::string& name, int bits) {
    sc_core::sc_trace(file_, number, name, bits);
    signals_.push_back({name, bits, Kind::kNumber});
  }

  sc_core::sc_trace_file* file_;
  int operand_bits_;
  int value_bits_;
  std::vector<WaveformSignal> signals_;
};

// SystemC's ports ask for it.
template <typename Slot>
requires requires(Waveform& waveform, const Slot& slot) {
  waveform.add(slot, std::string());
}
void sc_trace(sc_core::sc_trace_file* file, const Slot& slot, const std::string& name) {
  Waveform(file, 8, 64).add(slot, name);
}

}  // namespace potomac::rtl
