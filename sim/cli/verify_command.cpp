// `potomac verify`: the fast engine, and the count engine, against every PE of the SystemC array,
// on drawn cases.
#include <chrono>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>

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
};

void execute(const VerifyArguments& arguments) {
  VerifyOptions options{
      .seed = arguments.seed, .cases = arguments.cases, .only = {}, .architecture = {}};
  if (arguments.only >= 0) {
    options.only = static_cast<std::uint64_t>(arguments.only);
  }
  if (!arguments.architecture.empty()) {
    options.architecture = load_architecture(architecture_file(arguments.architecture));
    require_buildable(engine_named("systemc"), options.architecture->array);
  }
  WorkerPool pool(1);
  const auto fast = make_engine("fast", pool);
  const auto systemc = make_engine_with_memory("systemc", pool);
  const auto count = make_engine("count", pool);
  const auto start = std::chrono::steady_clock::now();
  std::uint64_t cases = 0;
  std::uint64_t macs = 0;
  std::optional<VerifyFailure> failure;
  {
    Progress progress;
    progress.begin(options.only ? 1 : options.cases);
    failure = verify(options, {*fast, *systemc, *count}, [&](const DrawnCase& done) {
      cases += 1;
      macs += static_cast<std::uint64_t>(workloads::macs_of(
          workloads::gemms_of(done.layer.shape, done.pass, done.architecture.lowering)));
      progress.advance(1, describe(done));
    });
  }
  if (failure) {
    const std::string arch =
        arguments.architecture.empty() ? "" : fmt::format(" --arch {}", arguments.architecture);
    throw MachineError(
        {"", fmt::format("case {}", failure->index),
         fmt::format("engines differ: {} ({})", failure->difference, failure->machine_and_layer),
         fmt::format("see it again with: potomac verify{} --seed {} --case {}", arch,
                     arguments.seed, failure->index)});
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::cout << fmt::format(
      "seed {}: {} cases, {} MACs, MF-MAC and FP32 MAC: fast and systemc agree on every result, "
      "cycle, action and toggle, and count on what it counts ({:.0f} cases/s)\n",
      arguments.seed, cases, macs, static_cast<double>(cases) / seconds);
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
