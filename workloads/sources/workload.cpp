#include "workloads/sources/workload.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace potomac::workloads {

std::string text_of(const Dimensions& dimensions) {
  std::vector<std::string> parts;
  for (const auto& [name, extent] : dimensions) {
    parts.push_back(fmt::format("{}={}", name, extent));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string_view name_of(ValueSource source) {
  switch (source) {
    case ValueSource::kCaptured:
      return "captured";
    case ValueSource::kSynthetic:
      return "synthetic";
    case ValueSource::kNone:
      return "none";
  }
  return "";
}

}  // namespace potomac::workloads
