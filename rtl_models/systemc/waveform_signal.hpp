// A signal of a waveform file, for what tells a viewer how to show it.
#pragma once

#include <string>

namespace potomac::rtl {

struct WaveformSignal {
  // kOperand: a PoT code; kAligned: one that carries its exponent less a lowest bit.
  enum class Kind { kBit, kOperand, kAligned, kNumber };

  std::string name;  // dotted: modules, register, field
  int bits = 1;
  Kind kind = Kind::kBit;
};

}  // namespace potomac::rtl
