// The sweep of a store that was run last, or all points of a store without one, to be asked.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/results/sweep_table.hpp"

namespace potomac::sim {

// Its columns are every architecture key, all that is said of each machine's totals ("cycles_total"
// alone is mf_mac's), and of each energy. Of a sweep of several workloads the first parameter is
// `workload`; of a store without a sweep parameters are the keys that differ.
class StoredSweep : public SweepSource {
 public:
  // Throws InputError: there is no store in the folder, it is damaged or of another schema, or has
  // no point.
  explicit StoredSweep(const std::filesystem::path& folder);
  ~StoredSweep() override;
  StoredSweep(const StoredSweep&) = delete;
  StoredSweep& operator=(const StoredSweep&) = delete;

  std::string name() const override;
  const std::vector<std::string>& columns() const override;
  const std::vector<std::string>& listed() const override;
  bool is_parameter(const std::string& column) const override;
  void each(std::span<const std::string> columns, const Visitor& visit,
            std::optional<std::span<const std::size_t>> points) const override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace potomac::sim
