// Potomac as a library: a run, a sweep and a report, without the command line. The page
// docs/library.md shows this program.
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <string_view>

#include "sim/machine/architecture_file.hpp"
#include "sim/reports/run_table.hpp"
#include "sim/reports/write_reports.hpp"
#include "sim/results/report_reader.hpp"
#include "sim/studies/run.hpp"
#include "sim/studies/sweep.hpp"
#include "support/error.hpp"
#include "workloads/sources/open_workload.hpp"

namespace sim = potomac::sim;

namespace {

// Progress comes to whoever wants it; the library prints nothing.
class Dots : public sim::Listener {
 public:
  void begin(sim::Work work, std::uint64_t amount) override {
    macs_ = work == sim::Work::kMacs ? amount : macs_;
  }
  void advance(sim::Work work, std::uint64_t amount, std::string_view /*what*/) override {
    done_ += work == sim::Work::kMacs ? amount : 0;
  }
  double share() const { return static_cast<double>(done_) / static_cast<double>(macs_); }

 private:
  std::uint64_t macs_ = 1;
  std::atomic<std::uint64_t> done_ = 0;
};

void run_and_sweep(const std::filesystem::path& tree, const std::filesystem::path& out) {
  const auto workload =
      potomac::workloads::open_workload(tree / "workloads/models/resnet18.yaml", {{"batch", 2}});
  sim::WorkerPool pool(2);
  Dots dots;
  const sim::Caller caller{pool, &dots};

  sim::RunOptions options;
  options.architecture = sim::load_architecture(tree / "sim/architectures/os-16x16.yaml");
  sim::set_key(options.architecture, "memory.dram.bandwidth_gb_s=25.6");
  options.prices = {
      potomac::energy::load_unit_energy_tables({tree / "energy/tables/horowitz-45nm.yaml"}),
      sim::accountings_for("structural", "accounting")};
  const sim::RunResult result = sim::run(*workload, options, caller);
  std::cout << "told of " << 100 * dots.share() << "% of the MACs\n";
  sim::write_reports(result, out);

  // A stored report is the result again, and is shown, compared and priced as it was.
  const sim::RunResult stored = sim::load_report(out);
  std::cout << sim::run_table(stored, sim::TextForm::kPlain);
  for (const sim::Machine& machine : stored.machines) {
    if (const auto* const energy = sim::shown_energy(stored, machine.id)) {
      std::cout << machine.id << ": " << energy->total.total_pj() * 1e-9 << " mJ, "
                << energy->accounting << '\n';
    }
  }

  sim::SweepSpec spec;
  spec.base = options.architecture;
  spec.prices = options.prices;
  spec.add("array.dataflow", "[os, ws, is]");
  spec.add("array.rows", "[8, 16, 32]");
  sim::run_sweep(*workload, spec, caller, [](const sim::SweepRow& row) {
    std::cout << row.point << ": " << row.totals.front().cycles.total() << " cycles, "
              << row.energy.front().total.total_pj() * 1e-9 << " mJ\n";
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: run_and_sweep TREE OUT\n";
    return 2;
  }
  try {
    run_and_sweep(argv[1], argv[2]);
    return 0;
  } catch (const potomac::InputError& error) {
    std::cerr << error.what() << '\n';
    return 2;
  }
}
