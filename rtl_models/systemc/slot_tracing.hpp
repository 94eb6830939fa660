// How the arrays' slots show in a waveform.
#pragma once

#include <cstdint>
#include <string>
#include <systemc>

#include "rtl_models/systemc/slots.hpp"

namespace potomac::rtl {

inline void trace_value(sc_core::sc_trace_file* file, const std::uint8_t& value,
                        const std::string& name) {
  sc_core::sc_trace(file, value, name, 8);
}
inline void trace_value(sc_core::sc_trace_file* file, const std::int64_t& value,
                        const std::string& name) {
  sc_core::sc_trace(file, value, name, 64);
}
inline void trace_value(sc_core::sc_trace_file* file, const float& value, const std::string& name) {
  sc_core::sc_trace(file, value, name);
}

template <typename Operand>
void sc_trace(sc_core::sc_trace_file* file, const RowSlot<Operand>& slot, const std::string& name) {
  trace_value(file, slot.operand, name + ".operand");
  sc_core::sc_trace(file, slot.valid, name + ".valid");
}
template <typename Operand>
void sc_trace(sc_core::sc_trace_file* file, const ColumnSlot<Operand>& slot,
              const std::string& name) {
  trace_value(file, slot.operand, name + ".operand");
  sc_core::sc_trace(file, slot.valid, name + ".valid");
  sc_core::sc_trace(file, slot.first, name + ".first");
  sc_core::sc_trace(file, slot.last, name + ".last");
}
template <typename Value>
void sc_trace(sc_core::sc_trace_file* file, const ResultSlot<Value>& slot,
              const std::string& name) {
  trace_value(file, slot.value, name + ".value");
  sc_core::sc_trace(file, slot.valid, name + ".valid");
  sc_core::sc_trace(file, slot.fresh, name + ".fresh");
}
template <typename Operand>
void sc_trace(sc_core::sc_trace_file* file, const StreamSlot<Operand>& slot,
              const std::string& name) {
  trace_value(file, slot.operand, name + ".operand");
  sc_core::sc_trace(file, slot.valid, name + ".valid");
  sc_core::sc_trace(file, slot.first, name + ".first");
}
template <typename Operand>
void sc_trace(sc_core::sc_trace_file* file, const TileSlot<Operand>& slot,
              const std::string& name) {
  trace_value(file, slot.operand, name + ".operand");
  sc_core::sc_trace(file, slot.valid, name + ".valid");
  sc_core::sc_trace(file, slot.moving, name + ".moving");
}
template <typename Value>
void sc_trace(sc_core::sc_trace_file* file, const PartialSum<Value>& sum, const std::string& name) {
  trace_value(file, sum.value, name + ".value");
  sc_core::sc_trace(file, sum.valid, name + ".valid");
}
inline void sc_trace(sc_core::sc_trace_file* file, const DrainCommand& command,
                     const std::string& name) {
  sc_core::sc_trace(file, command.shift, name + ".shift");
  sc_core::sc_trace(file, command.start, name + ".start");
}

}  // namespace potomac::rtl
