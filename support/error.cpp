#include "support/error.hpp"

#include "support/plain_text.hpp"

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
  // A name taken from a file must neither break the promise of one line, nor drive a terminal, nor
  // bring bytes into a report that are no text.
  return printable(line, kWhole);
}

}  // namespace potomac
