// A SystemC world of its own. SystemC elaborates once per simulation context and keeps one context
// in a global; this class makes further ones, so that a process can build array after array.
#pragma once

#include <systemc>

namespace potomac::rtl {

// Owns one sc_simcontext. Modules are made, run and deleted while it is current (see Use), and must
// be gone before it is. SystemC is single-threaded: one thread at a time over all contexts.
class SimulationContext {
 public:
  SimulationContext();
  ~SimulationContext();
  SimulationContext(const SimulationContext&) = delete;
  SimulationContext& operator=(const SimulationContext&) = delete;

  // Makes the context current for a scope.
  class Use {
   public:
    explicit Use(SimulationContext& context);
    ~Use();
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

   private:
    sc_core::sc_simcontext* previous_;
  };

 private:
  sc_core::sc_simcontext* context_;
};

}  // namespace potomac::rtl
