// `potomac verify`: the fast engine, and the count engine, against every PE of an array that is
// stepped through, in SystemC or in SystemVerilog, on drawn cases.
#include <chrono>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "sim/cli/commands.hpp"
#include "sim/cli/progress.hpp"
#include "sim/engines/engines.hpp"
#include "sim/machine/architecture_file.hpp"
#include "sim/memory/tlm_memory.hpp"
#include "sim/studies/shipped.hpp"
#include "sim/studies/verify.hpp"
#include "support/error.hpp"

namespace potomac::sim {
namespace {

struct VerifyArguments {
  std::string architecture;
  std::uint64_t cases = 500;
  std::uint64_t seed = 1;
  std::int64_t only = -1;
  std::string engine = "systemc";
  std::uint64_t cases_per_machine = 0;  // 0: what the engine is worth
};

void execute(const VerifyArguments& arguments) {
  const EngineInfo& engine = stepping_engine(arguments.engine);
  VerifyOptions options{.seed = arguments.seed,
                        .cases = arguments.cases,
                        .only = {},
                        .cases_per_machine = arguments.cases_per_machine > 0
                                                 ? arguments.cases_per_machine
                                                 : cases_per_machine(engine),
                        .architecture = {}};
  if (arguments.only >= 0) {
    options.only = static_cast<std::uint64_t>(arguments.only);
  }
  if (!arguments.architecture.empty()) {
    options.architecture = load_architecture(architecture_file(arguments.architecture));
    require_buildable(engine, options.architecture->array);
  }
  WorkerPool pool(1);
  const auto fast = make_engine("fast", pool);
  Progress progress;
  const auto stepped =
      make_engine_with_memory(arguments.engine, pool, transfer_order,
                              [&progress](const std::string& line) { progress.tell(line); });
  const auto count = make_engine("count", pool);
  const auto start = std::chrono::steady_clock::now();
  std::uint64_t cases = 0;
  std::uint64_t macs = 0;
  progress.begin(options.only ? 1 : options.cases);
  const std::optional<VerifyFailure> failure =
      verify(options, {*fast, *stepped, *count}, [&](const DrawnCase& done) {
        cases += 1;
        macs += static_cast<std::uint64_t>(workloads::macs_of(
            workloads::gemms_of(done.layer.shape, done.pass, done.architecture.lowering)));
        progress.advance(1, describe(done));
      });
  progress.end();
  if (failure) {
    const std::string arch = arguments.architecture.empty()
                                 ? fmt::format(" --cases-per-machine {}", options.cases_per_machine)
                                 : fmt::format(" --arch {}", arguments.architecture);
    throw MachineError(
        {"", fmt::format("case {}", failure->index),
         fmt::format("engines differ: {} ({})", failure->difference, failure->machine_and_layer),
         fmt::format("see it again with: potomac verify --engine {}{} --seed {} --case {}",
                     arguments.engine, arch, arguments.seed, failure->index)});
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::cout << fmt::format(
      "seed {}: {} cases, {} MACs, MF-MAC and FP32 MAC: fast and {} agree on every result, "
      "cycle, action and toggle, and count on what it counts ({:.0f} cases/s)\n",
      arguments.seed, cases, macs, arguments.engine, static_cast<double>(cases) / seconds);
}

}  // namespace

void add_verify_command(CLI::App& app) {
  auto arguments = std::make_shared<VerifyArguments>();
  CLI::App* command = app.add_subcommand(
      "verify", "Prove the engines equal on drawn machines and layers, or on your machine");
  command
      ->add_option("--arch", arguments->architecture,
                   "the machine of all cases: a file, or the name of a shipped one")
      ->option_text("FILE");
  std::vector<std::string> stepping;
  for (const EngineInfo& engine : engines()) {
    if (engine.steps) {
      stepping.emplace_back(engine.name);
    }
  }
  command
      ->add_option("--engine", arguments->engine,
                   "that steps through every PE; systemc is the default")
      ->option_text("NAME")
      ->check(CLI::IsMember(stepping));
  command
      ->add_option("--cases-per-machine", arguments->cases_per_machine,
                   "draw a machine for so many cases; 1 is the default, 250 for verilog")
      ->option_text("N")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 32U));
  command->add_option("--cases", arguments->cases, "how many; 500 is the default")
      ->option_text("N")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 32U));
  command->add_option("--seed", arguments->seed, "of the draws; 1 is the default")
      ->option_text("S");
  command->add_option("--case", arguments->only, "only this one, by its number")
      ->option_text("I")
      ->check(CLI::NonNegativeNumber);
  command->footer("Example:\n  potomac verify --arch sim/architectures/os-16x16.yaml --cases 50");
  command->callback([arguments] { execute(*arguments); });
}

}  // namespace potomac::sim
