// The table of an architecture's keys in Markdown: what docs/architecture-file.md shows.
#pragma once

#include <string>

namespace potomac::sim {

std::string keys_page();

}  // namespace potomac::sim
