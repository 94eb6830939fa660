// `potomac trace synth`: a trace of drawn values for shapes that have none.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <charconv>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "sim/cli/commands.hpp"
#include "sim/cli/workload_options.hpp"
#include "sim/results/assumption.hpp"
#include "support/error.hpp"
#include "support/output_files.hpp"
#include "support/plain_text.hpp"
#include "workloads/sources/open_workload.hpp"
#include "workloads/sources/synthesis.hpp"
#include "workloads/sources/trace_reader.hpp"
#include "workloads/sources/trace_writer.hpp"

namespace potomac::sim {
namespace {

// Counts beyond would leave no room for their products.
constexpr std::uint64_t kMaxCount = std::uint64_t{1} << 32U;
constexpr std::size_t kMaxExponents = 127;

struct SynthArguments {
  WorkloadArguments workload;
  std::string to;
  std::string like;
  std::string density;
  std::string exponents;
  std::uint64_t seed = 1;
};

[[noreturn]] void refuse_exponents(const std::string& text) {
  throw InputError({"", "--exponents", fmt::format("'{}' is no histogram", printable(text)),
                    "write W=, A=, G= and counts from the largest exponent down, like "
                    "W=1:8:4,A=3:2:1"});
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) {
      return parts;
    }
    text.remove_prefix(at + 1);
  }
}

// "W=1:8:4,A=3:2:1": a tensor that is left out keeps what it has.
void set_exponents(workloads::LayerHistograms& histograms, const std::string& text) {
  for (const std::string_view part : split(text, ',')) {
    workloads::CodeHistogram* const histogram = part.starts_with("W=")   ? &histograms.w
                                                : part.starts_with("A=") ? &histograms.a
                                                : part.starts_with("G=") ? &histograms.g
                                                                         : nullptr;
    if (histogram == nullptr) {
      refuse_exponents(text);
    }
    histogram->exponents.clear();
    std::uint64_t sum = 0;
    for (const std::string_view word : split(part.substr(2), ':')) {
      std::uint64_t count = 0;
      const char* const end = word.data() + word.size();
      const auto read = std::from_chars(word.data(), end, count);
      if (read.ec != std::errc() || read.ptr != end || count > kMaxCount ||
          histogram->exponents.size() == kMaxExponents) {
        refuse_exponents(text);
      }
      sum += count;
      histogram->exponents.push_back(count);
    }
    if (sum == 0) {
      refuse_exponents(text);
    }
  }
}

workloads::Synthesis synthesis_of(const SynthArguments& arguments) {
  workloads::Synthesis synthesis;
  if (!arguments.like.empty()) {
    if (!arguments.density.empty() || !arguments.exponents.empty()) {
      throw InputError({"", "--like", "says all that --density and --exponents say",
                        "leave out the one or the others"});
    }
    synthesis = workloads::synthesis_like(workloads::TraceReader(arguments.like));
    synthesis.description = fmt::format(
        "like {}", printable(std::filesystem::path(arguments.like).filename().string(), kWhole));
  } else {
    workloads::LayerHistograms& all = synthesis.otherwise;
    all = {workloads::normal_histogram(), workloads::normal_histogram(),
           workloads::normal_histogram()};
    if (!arguments.exponents.empty()) {
      set_exponents(all, arguments.exponents);
    }
    const Densities densities =
        arguments.density.empty() ? Densities{} : parse_densities(arguments.density);
    all.w = workloads::with_density(all.w, densities.w);
    all.a = workloads::with_density(all.a, densities.a);
    all.g = workloads::with_density(all.g, densities.g);
    synthesis.description =
        fmt::format("densities {}, exponents {}", text_of(densities),
                    arguments.exponents.empty() ? "of a normal distribution" : arguments.exponents);
  }
  synthesis.seed = arguments.seed;
  synthesis.description += fmt::format(", seed {}", arguments.seed);
  return synthesis;
}

void require_drawable(const workloads::Workload& workload) {
  for (const workloads::LayerShape& layer : workload.layers()) {
    for (const workloads::Shape& tensor : {layer.w, layer.a, layer.g}) {
      if (workloads::element_count(tensor) > workloads::kMaxTensorElements) {
        throw InputError(
            {workload.path().string(), layer.name,
             fmt::format("a tensor has {} elements, more than the {} of a trace",
                         workloads::element_count(tensor), workloads::kMaxTensorElements),
             "draw fewer: --batch, --length"});
      }
    }
  }
}

// Which weights are the model's; those of products of two computed tensors are drawn in any case.
std::string weights_text(const workloads::Workload& workload,
                         const workloads::WeightSource& weights) {
  constexpr std::size_t kNamed = 5;
  std::vector<std::string> drawn;
  std::size_t count = 0;
  bool any = false;
  for (std::size_t i = 0; i < workload.layers().size(); ++i) {
    const workloads::LayerShape& layer = workload.layers()[i];
    any = any || weights.has(i);
    if (!weights.has(i) && layer.kind != workloads::LayerKind::kMatmul) {
      count += 1;
      if (drawn.size() < kNamed) {
        drawn.push_back(layer.name);
      }
    }
  }
  if (count == 0) {
    return any ? "; weights are the model's" : "";
  }
  return fmt::format("; weights are {}drawn for {}{}, as the model has none in floating point",
                     any ? "the model's, but " : "", fmt::join(drawn, ", "),
                     count > kNamed ? fmt::format(" and {} more", count - kNamed) : "");
}

void execute(const SynthArguments& arguments) {
  const std::filesystem::path from = file_of(arguments.workload);
  std::vector<std::filesystem::path> inputs = {from};
  if (!arguments.like.empty()) {
    inputs.emplace_back(arguments.like);
  }
  check_outputs(std::array{Output{arguments.to, "-o"}}, inputs);
  const auto workload = workloads::open_workload(from, dimensions_of(arguments.workload));
  require_drawable(*workload);
  const workloads::Synthesis synthesis = synthesis_of(arguments);
  const std::unique_ptr<workloads::WeightSource> weights = workload->weights();
  workloads::WorkloadInfo info = workload->info();
  info.values = workloads::ValueSource::kSynthetic;
  info.synthesis = synthesis.description;
  if (!info.dimensions.empty()) {
    info.synthesis += fmt::format(", {}", workloads::text_of(info.dimensions));
  }
  if (weights) {
    info.synthesis += weights_text(*workload, *weights);
  }
  info.dataset = "none";
  info.step = 0;
  info.seed = static_cast<std::int64_t>(arguments.seed);
  make_folder_of(arguments.to);
  workloads::TraceWriter writer(arguments.to, info, workload->not_included());
  for (std::size_t i = 0; i < workload->layers().size(); ++i) {
    workloads::Layer layer =
        workloads::draw_layer(workload->layers()[i], workload->formats()[i], i, synthesis);
    if (auto own = weights ? weights->read(i) : std::nullopt) {
      layer.w = std::move(*own);
    }
    writer.write(layer);
  }
  writer.finish();
  std::cout << fmt::format("{}: {} layers of synthetic values ({})\n",
                           printable(arguments.to, kWhole), workload->layers().size(),
                           info.synthesis);
}

}  // namespace

void add_synth_command(CLI::App& trace) {
  auto arguments = std::make_shared<SynthArguments>();
  CLI::App* command =
      trace.add_subcommand("synth", "Draw values for shapes that have none, into a trace");
  add_workload_options(*command, arguments->workload);
  command->add_option("-o,--output", arguments->to, "the new trace file")
      ->required()
      ->option_text("NEW.h5 REQUIRED");
  command
      ->add_option("--density", arguments->density,
                   "the part of each tensor that is not zero (default: all of it)")
      ->option_text("W=X,A=X,G=X");
  command
      ->add_option("--exponents", arguments->exponents,
                   "how often each exponent is, from the largest down (default: as a normal "
                   "distribution's)")
      ->option_text("W=N:N..,A=..,G=..");
  command
      ->add_option("--like", arguments->like,
                   "draw as this trace's values are, layer kind by layer kind")
      ->option_text("TRACE");
  command->add_option("--seed", arguments->seed, "of the draws; 1 is the default")
      ->option_text("S")
      ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1} << 62U));
  command->footer(
      "Example:\n  potomac trace synth resnet18 --density W=0.9,A=0.4,G=0.3 -o resnet18.h5");
  command->callback([arguments] { execute(*arguments); });
}

}  // namespace potomac::sim
