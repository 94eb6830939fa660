// Empties one column's shadow registers. When the operand tagged `last` reaches the bottom row, the
// bottom result is captured at that edge; the column then shifts for R edges, and a result leaves
// the bottom at each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <systemc>

#include "rtl_models/systemc/waveform.hpp"

namespace potomac::rtl {

template <typename Operand>
class ColumnDrain : public sc_core::sc_module {
 public:
  sc_core::sc_in<bool> clk{"clk"};
  sc_core::sc_in<ColumnSlot<Operand>> bottom_operand{"bottom_operand"};  // into the bottom PE
  sc_core::sc_out<DrainCommand> drain{"drain"};

  ColumnDrain(const sc_core::sc_module_name& name, std::size_t rows)
      : sc_module(name), rows_(static_cast<std::int64_t>(rows)) {
    SC_HAS_PROCESS(ColumnDrain);
    SC_METHOD(on_clock);
    sensitive << clk.pos();
    dont_initialize();
  }

  void trace_registers(Waveform& waveform) const {
    waveform.add(drain->read(), std::string(name()) + ".command");
    waveform.add_number(remaining_, std::string(name()) + ".remaining");
  }

 private:
  void on_clock() {
    const ColumnSlot<Operand>& operand = bottom_operand->read();
    if (operand.valid && operand.last) {
      remaining_ = rows_;
      drain->write({true, true});
    } else if (remaining_ > 0) {
      remaining_ -= 1;
      drain->write({remaining_ > 0, false});
    }
  }

  std::int64_t rows_;
  std::int64_t remaining_ = 0;
};

}  // namespace potomac::rtl
