#include "sim/reports/write_reports.hpp"

#include <map>
#include <string>
#include <vector>

#include "sim/reports/layers_csv.hpp"
#include "sim/results/report_json.hpp"
#include "support/atomic_file.hpp"
#include "support/digest.hpp"
#include "support/output_files.hpp"

namespace potomac::sim {

void write_reports(const RunResult& result, const std::filesystem::path& directory) {
  make_output_directory(directory);
  std::vector<NamedContent> files = {{directory / "layers.csv", layers_csv(result)}};
  if (result.pe_map) {
    files.push_back({directory / "pe_map.csv", pe_map_csv(*result.pe_map)});
  }
  std::map<std::string, std::string> digests;
  for (const NamedContent& file : files) {
    digests[file.target.filename().string()] = sha256_of(file.content);
  }
  // report.json last: whoever finds it finds a whole run, and what belongs to it.
  files.push_back({directory / "report.json", report_json(result, digests)});
  write_files_atomically(files);
}

}  // namespace potomac::sim
