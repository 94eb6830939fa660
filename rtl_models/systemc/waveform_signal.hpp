// A signal of a waveform file, for what tells a viewer how to show it.
#pragma once

#include <string>

namespace potomac::rtl {

struct WaveformSignal {
  enum class Kind { kBit, kOperand, kNumber };  // kOperand: a PoT code

  std::string name;  // dotted: modules, register, field
  int bits = 1;
  Kind kind = Kind::kBit;
};

}  // namespace potomac::rtl
