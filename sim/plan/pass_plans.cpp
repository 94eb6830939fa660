#include "sim/plan/pass_plans.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "sim/machine/operand_fit.hpp"
#include "sim/memory/tile_mapping.hpp"
#include "support/error.hpp"

namespace potomac::sim {
namespace {

// What is wrong between a machine and a layer does not know the workload's file.
template <typename Body>
void naming_file(const workloads::Workload& workload, const Body& body) {
  try {
    body();
  } catch (const InputError& error) {
    Fault fault = error.fault();
    fault.file = workload.path().string();
    throw InputError(fault);
  }
}

bool runs(const Machine& machine, const PassShape& shape) {
  return machine.unit == Unit::kMfMac || shape.layer->term == 1;
}

rtl::Accumulator accumulator_of(const PassShape& shape, const Architecture& architecture) {
  return require_fit(architecture, *shape.layer, shape.pass,
                     rtl::PotFormat(shape.formats.first.bits),
                     rtl::PotFormat(shape.formats.second.bits));
}

// The shapes of a list's passes as a machine tells them apart: passes that are alike in all else
// may have other accumulators, or the user's tiles, by their layers' names.
class ShapesOnMachine {
 public:
  // Throws InputError if an override, or a mapping, is of no pass of the workload.
  ShapesOnMachine(const PassList& list, const Architecture& architecture)
      : shapes_(list.distinct(architecture.lowering)) {
    const PeConfig& pe = architecture.pe;
    const bool has_mappings = architecture.memory && !architecture.memory->tiles.empty();
    if (pe.overrides.empty() && !has_mappings) {
      return;
    }
    require_used(architecture, list.workload());
    std::map<std::tuple<std::size_t, int, std::vector<std::size_t>>, std::size_t> numbers;
    for (const PassItem& item : list.items()) {
      const std::string& name = list.layer(item).name;
      const int number = override_of(pe, name, item.pass);
      const auto [found, is_new] =
          numbers.try_emplace({item.distinct, number,
                               has_mappings ? mappings_of(*architecture.memory, name, item.pass)
                                            : std::vector<std::size_t>()},
                              own_.size());
      if (is_new) {
        own_.push_back(list.shape(item, architecture.lowering));
        own_.back().layer = &list.layer(item);
      }
      of_item_.push_back(found->second);
    }
    shapes_ = own_;
  }
  ~ShapesOnMachine() = default;
  ShapesOnMachine(const ShapesOnMachine&) = delete;
  ShapesOnMachine& operator=(const ShapesOnMachine&) = delete;

  std::span<const PassShape> shapes() const { return shapes_; }
  // By the item's number; empty: each is the distinct one of its item.
  std::vector<std::size_t> of_item() && { return std::move(of_item_); }

 private:
  static void require_used(const Architecture& architecture, const workloads::Workload& workload) {
    const std::vector<AccumulatorOverride>& overrides = architecture.pe.overrides;
    for (std::size_t i = 0; i < overrides.size(); ++i) {
      require_used(workload, fmt::format("pe.accumulator.overrides[{}]", i), overrides[i].layer,
                   overrides[i].pass);
    }
    for (std::size_t i = 0; architecture.memory && i < architecture.memory->tiles.size(); ++i) {
      const TileMapping& mapping = architecture.memory->tiles[i];
      require_used(workload, fmt::format("memory.tiles[{}]", i), mapping.layer, mapping.pass);
    }
  }

  static void require_used(const workloads::Workload& workload, const std::string& place,
                           const std::string& pattern, std::optional<workloads::Pass> pass) {
    const bool used = std::ranges::any_of(workload.layers(), [&](const auto& layer) {
      return matches_layer(pattern, layer.name) &&
             std::ranges::any_of(workloads::passes_of(layer),
                                 [&](workloads::Pass one) { return pass.value_or(one) == one; });
    });
    if (!used) {
      throw InputError(
          {"", place,
           fmt::format("no pass is of a layer '{}'{} (names without their numbers)", pattern,
                       pass ? fmt::format(" and {}", workloads::name_of(*pass)) : ""),
           fmt::format("see its layers with: potomac trace info {}", workload.path().string())});
    }
  }

  std::vector<PassShape> own_;
  std::vector<std::size_t> of_item_;
  std::span<const PassShape> shapes_;
};

ElementBits bits_of(const Machine& machine, const PassShape& shape) {
  if (machine.unit == Unit::kMfMac) {
    return {shape.formats.first.bits, shape.formats.second.bits, machine.sum_bits};
  }
  return {machine.operand_bits, machine.operand_bits, machine.sum_bits};
}

PassPlan plan_of(const PassShape& shape, const Architecture& architecture, const Machine& machine) {
  const ElementBits bits = bits_of(machine, shape);
  PassPlan plan{.layer = shape.layer,
                .pass = shape.pass,
                .machine = &machine,
                .runs = runs(machine, shape),
                .first_bits = static_cast<int>(bits.first),
                .second_bits = static_cast<int>(bits.second),
                .result_bits = static_cast<int>(bits.result),
                .accumulator = {},
                .macs = 0,
                .structural_zero_macs = 0,
                .schedule = nullptr};
  if (machine.unit == Unit::kMfMac) {
    plan.accumulator = accumulator_of(shape, architecture);
  }
  if (plan.runs) {
    plan.macs = shape.macs;
    plan.structural_zero_macs = shape.structural_zero_macs;
  }
  return plan;
}

// The one of the plans before that moves elements as wide; null if there is none.
const PlannedPass* alike(std::span<const PlannedPass> before, const ElementBits& bits) {
  for (const PlannedPass& planned : before) {
    if (planned.memory && planned.memory->bits == bits) {
      return &planned;
    }
  }
  return nullptr;
}

// The folds that take most of each scratchpad, so that what one asks for is enough for all.
class LargestFolds {
 public:
  explicit LargestFolds(const Architecture& architecture) : architecture_(architecture) {}

  void look_at(const PassShape& shape, const Machine& machine) {
    const ElementBits bits = bits_of(machine, shape);
    for (const workloads::GemmShape& gemm : shape.gemms) {
      const SmallestTile tile = smallest_tile(architecture_, gemm, bits);
      const std::array<std::int64_t, 3> wants = {tile.first, tile.second, tile.results};
      for (std::size_t i = 0; i < wants.size(); ++i) {
        if (wants.at(i) > largest_.at(i).wants) {
          largest_.at(i) = {wants.at(i), gemm, bits, &machine, shape.layer};
        }
      }
    }
  }

  void require_room() const {
    for (const Largest& fold : largest_) {
      if (fold.layer != nullptr) {
        sim::require_room(architecture_, fold.gemm, fold.bits,
                          std::string(info_of(fold.machine->unit).label), fold.layer->name);
      }
    }
  }

 private:
  struct Largest {
    std::int64_t wants = -1;  // bits
    workloads::GemmShape gemm;
    ElementBits bits;
    const Machine* machine = nullptr;
    const workloads::LayerShape* layer = nullptr;
  };

  const Architecture& architecture_;
  std::array<Largest, 3> largest_;
};

// What the pass alone says of a memory: its words, the user's tiles.
void require_own(const PassShape& shape, const Architecture& architecture, const Machine& machine) {
  const ElementBits bits = bits_of(machine, shape);
  const std::string& layer = shape.layer->name;
  if (machine.unit == Unit::kMfMac && !shape.gemms.empty()) {
    require_memory(architecture, bits, layer);
  }
  const auto mapping = mapping_for(*architecture.memory, layer, shape.pass, machine.unit);
  for (const workloads::GemmShape& gemm : shape.gemms) {
    if (mapping) {
      mapped_blocks(architecture, *mapping, gemm, bits, machine.unit, layer);
    }
  }
}

void require_room(std::span<const PassShape> shapes, const Architecture& architecture,
                  std::span<const Machine> machines) {
  LargestFolds largest(architecture);
  for (const PassShape& shape : shapes) {
    // Where folds are equal, the baseline's is the one that is named, and MF-MAC's last.
    for (std::size_t i = 1; i <= machines.size(); ++i) {
      const Machine& machine = machines[i % machines.size()];
      if (runs(machine, shape)) {
        largest.look_at(shape, machine);
      }
    }
  }
  largest.require_room();
  for (const PassShape& shape : shapes) {
    for (const Machine& machine : machines) {
      if (runs(machine, shape)) {
        require_own(shape, architecture, machine);
      }
    }
  }
}

std::string title_of(const PassShape& shape) {
  return fmt::format("{} {}", shape.layer->name, workloads::name_of(shape.pass));
}

void call_if_any(const std::function<void()>& function) {
  if (function) {
    function();
  }
}

// All but what the pass takes of a memory; that too, if more is known of it.
void plan_tiles_of(const PassShape& shape, const Architecture& architecture,
                   std::span<const Machine> machines, std::span<PlannedPass> plans,
                   const PlanningOptions& options) {
  std::shared_ptr<const Schedule> uncut;  // of a machine without a memory
  std::vector<GemmOperands> operands;     // with one: looked at once
  for (std::size_t i = 0; i < machines.size(); ++i) {
    const Machine& machine = machines[i];
    PlannedPass& planned = plans[i];
    planned.plan = plan_of(shape, architecture, machine);
    if (!planned.plan.runs) {
      planned.plan.schedule = std::make_shared<Schedule>(std::vector<workloads::GemmShape>{},
                                                         machine.array, architecture.dataflow);
    } else if (!architecture.memory) {
      if (!uncut) {
        uncut = std::make_shared<Schedule>(shape.gemms, machine.array, architecture.dataflow);
      }
      planned.plan.schedule = uncut;
    } else if (const PlannedPass* const same = architecture.memory->tiles.empty()
                                                   ? alike(plans.first(i), bits_of(machine, shape))
                                                   : nullptr) {
      planned.memory = same->memory;
      planned.plan.schedule = same->plan.schedule;
    } else {
      const ElementBits bits = bits_of(machine, shape);
      const MemoryUser user{machine.unit, shape.layer->name, shape.pass};
      PassMemory memory;
      if (options.known != nullptr) {
        KnownTilesOfPass& known =
            options.known->of(*shape.layer, shape.pass, architecture.lowering);
        const std::scoped_lock lock(known.mutex);
        memory = plan_tiles(known, architecture, bits, user);
        take_memory(memory, known.operands(), architecture,
                    [&](std::uint64_t /*bursts*/) { call_if_any(options.check_stop); });
      } else {
        if (operands.empty()) {
          operands = operands_of(*shape.layer, shape.pass, architecture.lowering);
        }
        memory = plan_tiles(operands, architecture, bits, user, options.with_costs);
      }
      planned.memory = std::make_shared<const PassMemory>(std::move(memory));
      planned.plan.schedule = std::make_shared<Schedule>(
          shape.gemms, machine.array, architecture.dataflow, planned.memory->tiles);
    }
  }
}

// What is left of plans whose tiles are chosen. Plans may share a memory.
void take_memory_of(const PassShape& shape, const Architecture& architecture,
                    std::span<PlannedPass> plans, const BurstsTold& told) {
  std::vector<GemmOperands> operands = operands_of(*shape.layer, shape.pass, architecture.lowering);
  std::map<const PassMemory*, std::shared_ptr<const PassMemory>> taken;
  for (PlannedPass& planned : plans) {
    if (planned.memory == nullptr) {
      continue;
    }
    std::shared_ptr<const PassMemory>& slot = taken[planned.memory.get()];
    if (slot == nullptr) {
      PassMemory memory = *planned.memory;
      take_memory(memory, operands, architecture, told);
      slot = std::make_shared<const PassMemory>(std::move(memory));
    }
    planned.memory = slot;
  }
}

}  // namespace

std::vector<PlannedPass> plan_pass(const PassShape& shape, const Architecture& architecture,
                                   std::span<const Machine> machines) {
  std::vector<PlannedPass> plans(machines.size());
  plan_tiles_of(shape, architecture, machines, plans, {});
  if (architecture.memory) {
    take_memory_of(shape, architecture, plans, {});
  }
  return plans;
}

PassPlans::PassPlans(const PassList& list, const Architecture& architecture,
                     std::span<const Unit> rivals, WorkerPool& pool, const PlanningOptions& options)
    : list_(&list),
      architecture_(architecture),
      machines_(machines_of(architecture, rivals, list.workload().has_originals())) {
  naming_file(list.workload(), [&] {
    ShapesOnMachine on_machine(list, architecture_);
    const std::span<const PassShape> shapes = on_machine.shapes();
    plans_.resize(shapes.size() * machines_.size());
    const auto plan = [&](std::size_t i) {
      call_if_any(options.check_stop);
      plan_tiles_of(shapes[i], architecture_, machines_, plans_of(i), options);
    };
    shape_of_item_ = std::move(on_machine).of_item();
    if (!architecture_.memory) {
      for (std::size_t i = 0; i < shapes.size(); ++i) {
        plan(i);
      }
      return;
    }
    require_room(shapes, architecture_, machines_);
    Listener* const listener = options.known == nullptr ? options.listener : nullptr;
    if (listener != nullptr) {
      listener->begin(Work::kTiles, shapes.size());
    }
    pool.for_each(shapes.size(), [&](std::size_t i, unsigned /*thread*/) {
      plan(i);
      if (listener != nullptr) {
        listener->advance(Work::kTiles, 1, title_of(shapes[i]));
      }
    });
    if (options.known == nullptr) {
      take_memory_of_all(shapes, pool, options);
    }
  });
}

void PassPlans::take_memory_of_all(std::span<const PassShape> shapes, WorkerPool& pool,
                                   const PlanningOptions& options) {
  std::uint64_t bursts = 0;
  std::set<const PassMemory*> seen;
  for (const PlannedPass& planned : plans_) {
    if (planned.memory != nullptr && seen.insert(planned.memory.get()).second) {
      bursts += planned.memory->device_bursts;
    }
  }
  if (bursts > 0 && options.listener != nullptr) {
    options.listener->begin(Work::kBursts, bursts);
  }
  pool.for_each(shapes.size(), [&](std::size_t i, unsigned /*thread*/) {
    call_if_any(options.check_stop);
    const std::string what = title_of(shapes[i]);
    take_memory_of(shapes[i], architecture_, plans_of(i), [&](std::uint64_t served) {
      call_if_any(options.check_stop);
      if (options.listener != nullptr) {
        options.listener->advance(Work::kBursts, served, what);
      }
    });
  });
}

void require_fit(const PassList& list, const Architecture& architecture,
                 std::span<const Unit> rivals) {
  naming_file(list.workload(), [&] {
    const ShapesOnMachine on_machine(list, architecture);
    for (const PassShape& shape : on_machine.shapes()) {
      accumulator_of(shape, architecture);
    }
    if (architecture.memory) {
      require_room(on_machine.shapes(), architecture, machines_of(architecture, rivals));
    }
  });
}

}  // namespace potomac::sim
