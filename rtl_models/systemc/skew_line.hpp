// The skew at the array's edge: a line of registers that delays one row's (or column's) operands by
// its distance from the corner, so that partners meet. Registers hold while their slot is invalid.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <systemc>
#include <vector>

#include "rtl_models/arithmetic/toggles.hpp"
#include "rtl_models/systemc/waveform.hpp"

namespace potomac::rtl {

template <typename Slot>
class SkewLine : public sc_core::sc_module {
 public:
  sc_core::sc_in<bool> clk{"clk"};
  sc_core::sc_in<Slot> in{"in"};
  sc_core::sc_out<Slot> out{"out"};

  // Precondition: depth >= 1 (a line of depth 0 is a wire).
  SkewLine(const sc_core::sc_module_name& name, std::size_t depth)
      : sc_module(name), stages_(depth) {
    SC_HAS_PROCESS(SkewLine);
    SC_METHOD(on_clock);
    sensitive << clk.pos();
    dont_initialize();
  }

  std::uint64_t register_writes() const { return writes_; }
  std::uint64_t register_toggles() const { return toggles_; }

  // Makes it as a pass finds it: all data bits 0, nothing counted. Between passes, when no slot is
  // occupied.
  void reset() {
    std::ranges::fill(stages_, Slot{});
    occupied_ = 0;
    writes_ = 0;
    toggles_ = 0;
  }

  void trace_registers(Waveform& waveform) const {
    for (std::size_t i = 0; i < stages_.size(); ++i) {
      waveform.add(stages_[i], std::string(name()) + ".stage" + std::to_string(i));
    }
  }

 private:
  void on_clock() {
    const Slot& arriving = in->read();
    if (!is_occupied(arriving) && occupied_ == 0) {
      return;
    }
    const bool out_was_occupied = is_occupied(stages_.back());
    for (std::size_t i = stages_.size() - 1; i > 0; --i) {
      take(stages_[i], stages_[i - 1]);
    }
    take(stages_.front(), arriving);
    if (out_was_occupied || is_occupied(stages_.back())) {
      out->write(stages_.back());
    }
  }

  void take(Slot& stage, const Slot& from) {
    occupied_ +=
        static_cast<std::size_t>(is_occupied(from)) - static_cast<std::size_t>(is_occupied(stage));
    const auto held = stage.operand;
    stage = from;
    if (from.valid) {
      writes_ += 1;
      toggles_ += toggles(held, from.operand);
    } else {
      stage.operand = held;
    }
  }

  std::vector<Slot> stages_;
  std::size_t occupied_ = 0;  // stages whose slot is occupied
  std::uint64_t writes_ = 0;
  std::uint64_t toggles_ = 0;
};

}  // namespace potomac::rtl
