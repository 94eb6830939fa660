#include "support/error.hpp"

namespace potomac {

std::string describe(const Fault& fault) {
  std::string line;
  for (const std::string* part : {&fault.file, &fault.place, &fault.problem}) {
    if (part->empty()) {
      continue;
    }
    if (!line.empty()) {
      line += ": ";
    }
    line += *part;
  }
  if (!fault.remedy.empty()) {
    line += "; " + fault.remedy;
  }
  // A name taken from a file must neither break the promise of one line nor drive a terminal.
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      c = ' ';
    }
  }
  return line;
}

}  // namespace potomac
