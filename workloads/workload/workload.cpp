#include "workloads/workload/workload.hpp"

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

std::vector<std::string> texts_of(const std::vector<NotIncluded>& parts) {
  std::vector<std::string> reasons;
  std::map<std::string, std::vector<std::string>> names;  // by reason
  for (const NotIncluded& part : parts) {
    std::vector<std::string>& of_reason = names[part.reason];
    if (of_reason.empty()) {
      reasons.push_back(part.reason);
    }
    of_reason.push_back(fmt::format("{} ({})", part.name, part.kind));
  }
  std::vector<std::string> texts;
  texts.reserve(reasons.size());
  for (const std::string& reason : reasons) {
    texts.push_back(fmt::format("{}: {}", fmt::join(names[reason], ", "), reason));
  }
  return texts;
}

bool is_gradient_rounding(std::string_view rounding) {
  return rounding == "log2" || rounding == "linear" || rounding == "stochastic";
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

std::optional<std::int64_t> batch_of(const Dimensions& dimensions,
                                     const std::vector<LayerShape>& layers) {
  if (const auto found = dimensions.find("batch"); found != dimensions.end()) {
    return found->second;
  }
  std::optional<std::int64_t> batch;
  for (const LayerShape& layer : layers) {
    if (is_convolution(layer.kind)) {
      if (batch && *batch != layer.a.front()) {
        return std::nullopt;
      }
      batch = layer.a.front();
    }
  }
  return batch;
}

}  // namespace potomac::workloads
