#include "sim/plan/memory_plans.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <string_view>
#include <vector>

#include "support/error.hpp"
#include "workloads/layers/lowering.hpp"

namespace potomac::sim {
namespace {

using workloads::Pass;

constexpr std::string_view kMfMac = "MF-MAC";
constexpr std::string_view kFp32 = "FP32";

// All that a plan depends on besides the architecture.
std::string key_of(const workloads::LayerShape& layer, Pass pass, const ElementBits& bits) {
  std::string key =
      fmt::format("{} {} {} {} {} {} {} {}", static_cast<int>(layer.kind), static_cast<int>(pass),
                  layer.term, layer.w, layer.a, layer.g, bits.first, bits.second);
  if (workloads::is_convolution(layer.kind)) {
    const workloads::GeometryLists lists =
        workloads::lists_of(layer.conv, workloads::is_volumetric(layer.kind));
    key +=
        fmt::format(" {} {} {} {}", lists.stride, lists.padding, lists.dilation, layer.conv.groups);
  }
  return key;
}

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

}  // namespace

ElementBits mf_mac_bits(const Architecture& architecture, const workloads::Workload& workload,
                        std::size_t layer, Pass pass) {
  const workloads::OperandFormats formats =
      workloads::operand_formats(workload.layers()[layer].kind, pass, workload.formats()[layer]);
  return {formats.first.bits, formats.second.bits, architecture.pe.accumulator.bits};
}

void require_memory(const Architecture& architecture, const workloads::Workload& workload,
                    const Selection& selection) {
  if (!architecture.memory) {
    return;
  }
  // The folds that take most of each scratchpad, so that what one asks for is enough for all.
  struct LargestFold {
    std::int64_t bits = -1;
    workloads::GemmShape gemm;
    ElementBits widths;
    std::string_view machine;
    const std::string* layer = nullptr;
  };
  std::array<LargestFold, 3> largest;
  const auto look_at = [&](const workloads::GemmShape& gemm, const ElementBits& widths,
                           std::string_view machine, const std::string& layer) {
    const SmallestTile tile = smallest_tile(architecture, gemm, widths);
    const std::array<std::int64_t, 3> bits = {tile.first, tile.second, tile.results};
    for (std::size_t i = 0; i < bits.size(); ++i) {
      if (bits.at(i) > largest.at(i).bits) {
        largest.at(i) = {bits.at(i), gemm, widths, machine, &layer};
      }
    }
  };
  for (std::size_t i = 0; i < workload.layers().size(); ++i) {
    const workloads::LayerShape& layer = workload.layers()[i];
    for (const Pass pass : selection.passes_of(layer)) {
      const ElementBits bits = mf_mac_bits(architecture, workload, i, pass);
      for (const auto& gemm : workloads::gemms_of(layer, pass, architecture.lowering)) {
        if (layer.term == 1) {
          look_at(gemm, kFp32Bits, kFp32, layer.name);
        }
        look_at(gemm, bits, kMfMac, layer.name);
      }
    }
  }
  naming_file(workload, [&] {
    for (const LargestFold& fold : largest) {
      if (fold.layer != nullptr) {
        require_room(architecture, fold.gemm, fold.widths, std::string(fold.machine), *fold.layer);
      }
    }
  });
}

MemoryPlans::MemoryPlans(const workloads::Workload& workload, const Architecture& architecture,
                         const Selection& selection, WorkerPool& pool, bool others) {
  if (!architecture.memory) {
    return;
  }
  struct Work {
    const workloads::LayerShape* layer;
    Pass pass;
    ElementBits bits;
    PassPlans* plans;
  };
  std::vector<Work> work;
  for (std::size_t i = 0; i < workload.layers().size(); ++i) {
    const workloads::LayerShape& layer = workload.layers()[i];
    for (const Pass pass : selection.passes_of(layer)) {
      const ElementBits bits = mf_mac_bits(architecture, workload, i, pass);
      std::unique_ptr<PassPlans>& plans = plans_[key_of(layer, pass, bits)];
      if (!plans) {
        plans = std::make_unique<PassPlans>();
        work.push_back({&layer, pass, bits, plans.get()});
      }
      by_pass_[{i, pass}] = plans.get();
    }
  }
  naming_file(workload, [&] {
    pool.for_each(work.size(), [&](std::size_t i, unsigned /*thread*/) {
      const Work& one = work[i];
      auto operands = operands_of(*one.layer, one.pass, architecture.lowering);
      one.plans->mf_mac = plan_memory(operands, architecture, one.bits, kMfMac, one.layer->name);
      if (one.layer->term == 1) {
        one.plans->baseline =
            plan_memory(operands, architecture, kFp32Bits, kFp32, one.layer->name);
      }
      if (one.layer->term == 1 && others) {
        for (const int bits : kOtherOperandBits) {
          one.plans->others.emplace(bits,
                                    plan_memory(operands, architecture, other_bits(bits),
                                                fmt::format("{}-bit", bits), one.layer->name));
        }
      }
    });
  });
}

const PassPlans* MemoryPlans::find(std::size_t layer, Pass pass) const {
  const auto found = by_pass_.find({layer, pass});
  return found == by_pass_.end() ? nullptr : found->second;
}

}  // namespace potomac::sim
