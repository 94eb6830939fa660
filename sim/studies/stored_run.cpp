#include "sim/studies/stored_run.hpp"

#include <algorithm>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include "sim/results/step_result.hpp"

namespace potomac::sim {

void keep_run(ResultStore& store, const workloads::Workload& workload, const RunOptions& options,
              const RunResult& result, bool keeps_passes) {
  std::vector<std::string> machines;
  std::ranges::transform(result.machines, std::back_inserter(machines), &Machine::id);
  StudyContext context = context_of(workload, result.engine, result.selection, machines);
  context.density = result.assumed ? text_of(*result.assumed) : "";
  context.step = options.step ? name_of(*options.step) : "";
  context.toggles = options.toggles;
  const std::vector<StoredPrice> prices = stored_prices(options.prices);
  const std::span<const PassRecord> passes = result.passes;
  const StoredPoint point = stored_point(PointKeys(context).of(result.architecture),
                                         {.architecture = result.architecture,
                                          .refusal = {},
                                          .machines = result.machines,
                                          .totals = result.totals,
                                          .energy = result.energy,
                                          .passes = keeps_passes ? passes : passes.first(0),
                                          .batch = result.workload.batch},
                                         prices);
  store.add(store.context(context), point, prices);
  store.commit();
}

}  // namespace potomac::sim
