// A sweep.csv read back.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/results/sweep_table.hpp"

namespace potomac::sim {

// A sweep.csv in hand. Its columns are all that can be asked for.
class SweepCsv : public SweepSource {
 public:
  // Throws InputError: it cannot be read, or is no sweep.
  explicit SweepCsv(const std::filesystem::path& file);

  std::string name() const override;
  const std::vector<std::string>& columns() const override { return columns_; }
  const std::vector<std::string>& listed() const override { return columns_; }
  bool is_parameter(const std::string& column) const override;
  void each(std::span<const std::string> columns, const Visitor& visit,
            std::optional<std::span<const std::size_t>> points) const override;

 private:
  std::filesystem::path path_;
  std::string text_;
  std::vector<std::string> columns_;
  std::size_t status_ = 0;  // where the parameters end
};

}  // namespace potomac::sim
