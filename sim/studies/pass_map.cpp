#include "sim/studies/pass_map.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "sim/engines/count/pe_map.hpp"
#include "sim/engines/interface/multiplied_layer.hpp"
#include "support/error.hpp"
#include "support/plain_text.hpp"

namespace potomac::sim {
namespace {

constexpr std::int64_t kMostMappedPes = std::int64_t{1} << 20;

const PassItem& mapped_item(const PassList& list, const PeMapRequest& request) {
  const auto found = std::ranges::find_if(list.items(), [&](const PassItem& item) {
    return item.pass == request.pass && list.layer(item).name == request.layer;
  });
  if (found == list.items().end()) {
    const std::string path = printable(list.workload().path().string(), kWhole);
    throw InputError({path, "--pe-map",
                      fmt::format("there is no pass {}/{} among those that are run",
                                  printable(request.layer), workloads::name_of(request.pass)),
                      fmt::format("see its layers with: potomac trace info {}", path)});
  }
  return *found;
}

}  // namespace

void check_pe_map(const PassList& list, const Architecture& architecture,
                  const PeMapRequest& request) {
  mapped_item(list, request);
  if (architecture.array.pes() > kMostMappedPes) {
    throw InputError({"", "--pe-map",
                      fmt::format("the array has {} PEs, and a map {} at most",
                                  architecture.array.pes(), kMostMappedPes),
                      "choose a smaller array"});
  }
}

PassPeMap pe_map_of_pass(const PassPlans& plans, const PeMapRequest& request, bool toggles,
                         const std::function<void()>& check_stop) {
  const PassItem& item = mapped_item(plans.list(), request);
  const std::optional<workloads::Layer> layer = plans.list().workload().read(item.layer);
  std::optional<MultipliedLayer> multiplied;
  if (layer) {
    multiplied.emplace(*layer);
  }
  PassPeMap result{.layer = request.layer,
                   .pass = request.pass,
                   .gated_known = layer.has_value(),
                   .toggles_known = layer.has_value() && toggles,
                   .machines = {}};
  for (const std::size_t machine : {kMfMacMachine, kFp32Machine}) {
    const PassPlan& plan = plans.of(item)[machine].plan;
    std::optional<workloads::LoweredPass> operands;
    if (layer) {
      operands.emplace(
          machine == kMfMacMachine
              ? workloads::LoweredPass(*layer, item.pass, plans.architecture().lowering)
              : multiplied->pass(item.pass, plans.architecture().lowering));
    }
    const Job job{.unit = plan.machine->unit,
                  .architecture = &plans.architecture(),
                  .schedule = plan.schedule.get(),
                  .operands = operands ? &*operands : nullptr,
                  .accumulator = plan.accumulator};
    result.machines.push_back({plan.machine->id, pe_map_of(job, {.toggles = result.toggles_known,
                                                                 .check_stop = check_stop})});
  }
  return result;
}

}  // namespace potomac::sim
