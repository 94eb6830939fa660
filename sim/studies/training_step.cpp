#include "sim/studies/training_step.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "sim/machine/unit.hpp"
#include "support/error.hpp"

namespace potomac::sim {
namespace {

using energy::StepPart;
using energy::StepWork;
using workloads::LayerShape;

constexpr std::uint64_t kFp32Width = 32;
constexpr std::size_t kMfMac = 0;  // positions in a part's work
constexpr std::size_t kFp32Mac = 1;

// The work of updating one weight.
StepWork update_of_one(Optimizer optimizer) {
  switch (optimizer) {
    case Optimizer::kSgdMomentum:  // v = mu v + g; w -= eta v
      return {.fp32_multiply = 2, .fp32_add = 2};
    case Optimizer::kAdam:  // m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g g; w -= eta m / (sqrt v
                            // + eps)
      return {.fp32_multiply = 6, .fp32_add = 4, .fp32_divide = 1, .fp32_square_root = 1};
  }
  return {};
}

std::uint64_t states_of(Optimizer optimizer) {
  return optimizer == Optimizer::kAdam ? 2 : 1;
}

StepWork times(const StepWork& one, std::uint64_t count) {
  StepWork work;
  for (const energy::StepCountInfo& info : energy::kStepCounts) {
    work.*info.member = one.*info.member * count;
  }
  return work;
}

// The work of quantizing one element that is read with so many bits: compared with the largest so
// far; its exponent less beta; rounded.
StepWork quantization_of_one(std::uint64_t read_bits, int code_bits) {
  return {.integer_add_32 = 2,
          .integer_add_8 = 1,
          .dram_read_bits = read_bits,
          .dram_written_bits = static_cast<std::uint64_t>(code_bits)};
}

std::uint64_t elements_of(const workloads::Shape& shape) {
  return static_cast<std::uint64_t>(workloads::element_count(shape));
}

// Whether W are weights: a matmul's are activations too.
bool has_weights(const LayerShape& layer) {
  return layer.kind != workloads::LayerKind::kMatmul;
}

struct Parts {
  StepPart w{.name = "quantize W", .work = std::vector<StepWork>(2)};
  StepPart a{.name = "quantize A", .work = std::vector<StepWork>(2)};
  StepPart g{.name = "quantize G", .work = std::vector<StepWork>(2)};
  StepPart update{.name = "weight update", .work = std::vector<StepWork>(2)};
};

void add_layer(Parts& parts, const LayerShape& layer, const workloads::LayerFormats& formats,
               const Architecture& architecture, Optimizer optimizer) {
  const auto sum_bits = static_cast<std::uint64_t>(architecture.pe.accumulator.bits);
  const bool first_term = layer.term == 1;
  StepWork of_a = quantization_of_one(first_term ? sum_bits : 0, formats.a.bits);
  of_a.integer_add_32 += 1;  // clipped (PRC)
  parts.a.work[kMfMac] += times(of_a, elements_of(layer.a));
  if (!first_term) {
    return;  // W and G are those of the first term
  }
  StepWork of_w = quantization_of_one(has_weights(layer) ? kFp32Width : sum_bits, formats.w.bits);
  if (has_weights(layer)) {
    of_w.fp32_add += 2;  // their mean is summed and taken off (WBC)
  }
  parts.w.work[kMfMac] += times(of_w, elements_of(layer.w));
  if (layer.uses_gradient()) {
    parts.g.work[kMfMac] +=
        times(quantization_of_one(sum_bits, formats.g.bits), elements_of(layer.g));
  }
  if (layer.weight_grad && has_weights(layer)) {
    StepWork fp32 = update_of_one(optimizer);
    const std::uint64_t kept = kFp32Width * (1 + states_of(optimizer));
    fp32.dram_read_bits = kept + kFp32Width;
    fp32.dram_written_bits = kept;
    StepWork mf_mac = fp32;
    mf_mac.dram_read_bits = kept + sum_bits;
    mf_mac.integer_add_32 += 1;  // from a sum to FP32
    mf_mac.integer_add_8 += 1;
    parts.update.work[kFp32Mac] += times(fp32, elements_of(layer.w));
    parts.update.work[kMfMac] += times(mf_mac, elements_of(layer.w));
  }
}

std::string dram_assumption(const Architecture& architecture) {
  if (!architecture.memory) {
    return "there is no memory: what moves is counted, and takes neither time nor energy";
  }
  if (!architecture.memory->dram) {
    return "DRAM is ideal: what moves takes no time";
  }
  return fmt::format(
      "the parts around the GEMMs run behind them, at DRAM's full bandwidth ({:g} GB/s); their "
      "arithmetic takes no time of its own",
      peak_gb_s(*architecture.memory->dram));
}

std::vector<std::string> assumptions_of(const workloads::Workload& workload,
                                        const Architecture& architecture, Optimizer optimizer) {
  std::vector<std::string> lines;
  const auto add = [&](std::string line) { lines.push_back(std::move(line)); };
  add("master weights and the optimizer's state are FP32 and lie in DRAM, on both machines");
  add(optimizer == Optimizer::kSgdMomentum
          ? "SGD with momentum, without weight decay: 2 multiplications and 2 additions a weight, "
            "one state"
          : fmt::format("Adam, without weight decay, its bias correction in the learning rate: 6 "
                        "multiplications, 4 additions, a division and a square root a weight, two "
                        "states; a division or a root is {} multiplications and {} additions",
                        energy::kNewtonMultiplies, energy::kNewtonAdds));
  add(fmt::format(
      "MF-MAC results leave their pass as sums of {} bits; W, A and G are quantized once "
      "a step, read from FP32 (W) or sums and written as codes",
      architecture.pe.accumulator.bits));
  add("to quantize an element: two 32-bit additions (the largest so far, rounding) and one of 8 "
      "bits "
      "(its exponent); of A one more (clipping), of W two of FP32 (their mean)");
  add("the largest element is found while results leave the array; it costs no traffic");
  add("A is kept as codes for the backward passes, which read it anew: that is in their traffic; "
      "the "
      "FP32 machine keeps FP32");
  add("a gradient becomes FP32 with one addition of 8 bits and one of 32");
  add("A and G of a layer have been, or become, the results of another one, element by element");
  add(dram_assumption(architecture));
  add("not included: normalization, activations, pooling, losses, biases, the parameters of layers "
      "without a GEMM");
  const auto& layers = workload.layers();
  if (std::ranges::any_of(layers, [](const LayerShape& layer) { return layer.term != 1; })) {
    add("a second power of A is made from what is left of the first: no traffic but its codes");
  }
  if (!workload.not_included().empty()) {
    std::vector<std::string> names;
    for (const workloads::NotIncluded& part : workload.not_included()) {
      names.push_back(part.name);
    }
    add(fmt::format("not included either, of this workload: {}", fmt::join(names, ", ")));
  }
  return lines;
}

}  // namespace

TrainingStep training_step(const PassList& list, const Architecture& architecture,
                           Optimizer optimizer) {
  for (const workloads::Pass pass : workloads::kPasses) {
    if (std::ranges::find(list.selection().passes, pass) == list.selection().passes.end()) {
      throw InputError(
          {"", "--step",
           fmt::format("a step has all passes, and {} is left out", workloads::name_of(pass)),
           "leave out --passes"});
    }
  }
  const workloads::Workload& workload = list.workload();
  Parts parts;
  std::optional<std::size_t> last;
  for (const PassItem& item : list.items()) {
    if (last != item.layer) {
      last = item.layer;
      add_layer(parts, list.layer(item), workload.formats()[item.layer], architecture, optimizer);
    }
  }
  return {.optimizer = optimizer,
          .machines = {std::string(info_of(Unit::kMfMac).name),
                       std::string(info_of(Unit::kFp32Mac).name)},
          .parts = {parts.w, parts.a, parts.g, parts.update},
          .assumptions = assumptions_of(workload, architecture, optimizer),
          .energy = {}};
}

}  // namespace potomac::sim
