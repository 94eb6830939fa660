#include "rtl_models/systemc/simulation_context.hpp"

// libsystemc brings a main() that would call this. Potomac has its own main() and elaborates when a
// simulation is asked for, so it is never reached. The library looks for it in whoever loads it.
[[gnu::visibility("default")]] int sc_main(int /*argc*/, char* /*argv*/[]) {
  return 1;
}

namespace potomac::rtl {
namespace {

// Both globals name the current context; SystemC reads either.
void make_current(sc_core::sc_simcontext* context) {
  sc_core::sc_curr_simcontext = context;
  sc_core::sc_default_global_context = context;
}

}  // namespace

SimulationContext::SimulationContext() {
  sc_core::sc_simcontext* previous = sc_core::sc_curr_simcontext;
  make_current(nullptr);
  context_ = sc_core::sc_get_curr_simcontext();  // makes a new one
  make_current(previous);
}

SimulationContext::~SimulationContext() {
  sc_core::sc_simcontext* previous = sc_core::sc_curr_simcontext;
  make_current(context_);  // the destructor looks at the current context
  delete context_;
  make_current(previous == context_ ? nullptr : previous);
}

SimulationContext::Use::Use(SimulationContext& context) : previous_(sc_core::sc_curr_simcontext) {
  make_current(context.context_);
}

SimulationContext::Use::~Use() {
  make_current(previous_);
}

}  // namespace potomac::rtl
