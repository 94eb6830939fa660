// A SystemC world with a clock that a test steps by hand, edge by edge.
#pragma once

#include <systemc>

#include "rtl_models/systemc/simulation_context.hpp"

namespace potomac::test {

// Declared before the signals and modules of a test, so that it outlives them. What a test writes
// to a signal is what modules see at the next edge; what it reads then is what they wrote at that
// edge, and what the modules behind them will see at the one after.
class ClockedBench {
 private:
  rtl::SimulationContext context_;
  rtl::SimulationContext::Use use_{context_};

 public:
  sc_core::sc_signal<bool> clk{"clk"};

  // One rising edge.
  void edge() {
    if (!started_) {
      started_ = true;
      sc_core::sc_start(1, sc_core::SC_NS);  // elaborates; nothing is clocked yet
    }
    clk.write(true);
    sc_core::sc_start(1, sc_core::SC_NS);
    clk.write(false);
    sc_core::sc_start(1, sc_core::SC_NS);
  }

 private:
  bool started_ = false;
};

}  // namespace potomac::test
