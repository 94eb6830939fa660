#include "sim/results/open_sweep.hpp"

#include <system_error>

#include "sim/results/report_reader.hpp"
#include "sim/results/store/result_store.hpp"
#include "sim/results/store/stored_sweep.hpp"
#include "sim/results/sweep_csv.hpp"

namespace potomac::sim {
namespace fs = std::filesystem;

fs::path sweep_file(const fs::path& path) {
  std::error_code unknown;
  if (!fs::is_directory(path, unknown)) {
    return path;
  }
  const fs::path store = store_in(path);
  return fs::exists(store, unknown) ? store : path / "sweep.csv";
}

bool is_sweep(const fs::path& path, bool is_asked) {
  std::error_code unknown;
  if (!fs::is_directory(path, unknown)) {
    return path.extension() == ".csv";
  }
  return fs::exists(sweep_file(path), unknown) &&
         (is_asked || !fs::exists(report_file(path), unknown));
}

std::unique_ptr<SweepSource> open_sweep(const fs::path& path) {
  const fs::path file = sweep_file(path);
  if (file.extension() == ".csv") {
    return std::make_unique<SweepCsv>(file);
  }
  return std::make_unique<StoredSweep>(path);
}

}  // namespace potomac::sim
