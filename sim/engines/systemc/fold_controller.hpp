// The controller of an array, whatever its dataflow: it tells the feeders, cycle by cycle, what to
// put on the array's edges, as the sequencer says (stepping/fold_sequencer.hpp).
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <systemc>

#include "rtl_models/systemc/waveform.hpp"
#include "sim/engines/interface/pace.hpp"
#include "sim/engines/stepping/fold_sequencer.hpp"

namespace potomac::sim {

inline std::ostream& operator<<(std::ostream& stream, const FeedCommand& command) {
  return stream << "fold " << command.number << " slot " << command.slot
                << (command.valid ? "" : " -");
}
inline void add(rtl::Waveform& waveform, const FeedCommand& command, const std::string& name) {
  waveform.add_number(command.number, name + ".fold");
  waveform.add_number(command.slot, name + ".slot");
  waveform.add(command.valid, name + ".valid");
  waveform.add_number(command.load_number, name + ".load_fold");
  waveform.add_number(command.row, name + ".row");
  waveform.add(command.loads, name + ".loads");
}
// SystemC's ports ask for it.
inline void sc_trace(sc_core::sc_trace_file* file, const FeedCommand& command,
                     const std::string& name) {
  rtl::Waveform waveform(file, {.row_operand = 16, .column_operand = 16, .value = 64});
  add(waveform, command, name);
}

class FoldController : public sc_core::sc_module {
 public:
  sc_core::sc_in<bool> clk{"clk"};
  sc_core::sc_out<FeedCommand> command{"command"};

  explicit FoldController(const sc_core::sc_module_name& name) : sc_module(name) {
    SC_HAS_PROCESS(FoldController);
    SC_METHOD(on_clock);
    sensitive << clk.pos();
    dont_initialize();
  }

  // Precondition: the schedule has a fold, and outlives the pass, as `pace` does, which may be
  // null.
  void start(const Schedule& schedule, Issue issue, Pace* pace) {
    sequencer_.start(schedule, issue);
    pace_ = pace;
  }

  // Whether there is no pass in hand, or it has been run to its end.
  bool finished() const { return sequencer_.finished(); }

  // Cycles spent so far in the pass in hand.
  const Cycles& cycles() const { return sequencer_.cycles(); }
  const PeCycles& pe_cycles() const { return sequencer_.pe_cycles(); }

 private:
  void on_clock() {
    if (sequencer_.finished()) {
      return;
    }
    command->write(sequencer_.next(
        [this](const ArrayStep& step) { return pace_ == nullptr || pace_->may_step(step); },
        [this](std::uint64_t cycle) { return pace_ == nullptr || pace_->may_end(cycle); }));
    if (sequencer_.finished()) {
      sc_core::sc_pause();
    }
  }

  FoldSequencer sequencer_;
  Pace* pace_ = nullptr;
};

}  // namespace potomac::sim
