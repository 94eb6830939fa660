// The Potomac that this is: what a result was computed by, and what `potomac --version` says.
#pragma once

#include <string>

namespace potomac::sim {

struct Program {
  std::string version;  // the release: "0.1.0"
  // 16 hexadecimal digits of the SHA-256 of all sources that the build was made from: the same of
  // one tree wherever, whenever and however it is built.
  std::string build;

  friend bool operator==(const Program&, const Program&) = default;
};

Program this_program();
// "potomac 0.1.0 (build 0123456789abcdef)".
std::string text_of(const Program& program);

}  // namespace potomac::sim
