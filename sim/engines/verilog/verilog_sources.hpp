// The SystemVerilog of the arrays and the C++ that is compiled with it, as the program carries
// them: so an installed program needs no file beside it.
#pragma once

#include <string>
#include <vector>

namespace potomac::sim {

struct SourceFile {
  std::string name;  // within one folder
  std::string text;
};

std::vector<SourceFile> verilog_sources();

}  // namespace potomac::sim
