#include "sim/reports/write_reports.hpp"

#include <array>

#include "sim/reports/layers_csv.hpp"
#include "sim/results/report_json.hpp"
#include "support/atomic_file.hpp"
#include "support/digest.hpp"
#include "support/output_files.hpp"

namespace potomac::sim {

void write_reports(const RunResult& result, const std::filesystem::path& directory) {
  make_output_directory(directory);
  // report.json last: whoever finds it finds a whole run, and what belongs to it.
  const std::string layers = layers_csv(result);
  const std::string report = report_json(result, {{"layers.csv", sha256_of(layers)}});
  write_files_atomically(std::array<NamedContent, 2>{
      {{directory / "layers.csv", layers}, {directory / "report.json", report}}});
}

}  // namespace potomac::sim
