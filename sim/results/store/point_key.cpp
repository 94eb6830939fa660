#include "sim/results/store/point_key.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "sim/machine/architecture_keys.hpp"
#include "sim/results/version.hpp"
#include "support/digest.hpp"
#include "workloads/workload/workload_digest.hpp"

namespace potomac::sim {

StudyContext context_of(const workloads::Workload& workload, std::string_view engine,
                        const Selection& selection, std::span<const std::string> machines) {
  return {.workload = workload.path().stem().string(),
          .content = workloads::digest_of(workload),
          .dimensions = workloads::text_of(workload.info().dimensions),
          .density = {},
          .engine = std::string(engine),
          .selection = selection.text(),
          .against = fmt::format("{}", fmt::join(machines, ",")),
          .step = {},
          .toggles = false,
          .build = this_program().build};
}

std::string digest_of(const StudyContext& context) {
  return sha256_of(fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n", context.content,
                               context.dimensions, context.density, context.engine,
                               context.selection, context.against, context.step, context.toggles,
                               context.build));
}

std::string identity_text(const Architecture& architecture) {
  std::string text;
  const auto add = [&text](std::string_view name, const auto& value) {
    fmt::format_to(std::back_inserter(text), "{}: {}\n", name, value);
  };
  for (const ArchitectureKey& key : architecture_keys()) {
    add(key.name, text_of(key.get(architecture)));
  }
  if (architecture.memory && architecture.memory->dram && architecture.memory->dram->device) {
    const DramPreset& device = *architecture.memory->dram->device;
    add("clock_khz", device.clock_khz);
    for (const DramExtentKey& extent : kDramExtents) {
      add(extent.name, device.*extent.member);
    }
    for (const DramTimingKey& timing : kDramTimings) {
      add(timing.name, device.cycles.*timing.member);
    }
  }
  return text;
}

PointKeys::PointKeys(const StudyContext& context) : context_(digest_of(context)) {}

PointKey PointKeys::of(const Architecture& architecture) const {
  Sha256 sha256;
  sha256.add(context_);
  sha256.add(identity_text(architecture));
  const Sha256::Digest digest = sha256.take();
  PointKey key{};
  std::copy_n(digest.begin(), key.size(), key.begin());
  return key;
}

}  // namespace potomac::sim
