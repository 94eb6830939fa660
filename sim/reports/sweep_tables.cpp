#include "sim/reports/sweep_tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "energy/pricing/comparison.hpp"
#include "sim/reports/cell_text.hpp"
#include "sim/results/columns.hpp"
#include "sim/results/csv_field.hpp"
#include "support/error.hpp"
#include "support/output_files.hpp"

namespace potomac::sim {
namespace {

// The columns of a machine that are shown: those of the MF-MAC array, and of each other one.
constexpr std::array<std::string_view, 12> kMfMacColumns = {"cycles_total",
                                                            "cycles_preload",
                                                            "cycles_stream",
                                                            "cycles_drain",
                                                            "cycles_stall",
                                                            "time_s",
                                                            "macs",
                                                            "utilization",
                                                            "zero_operand_macs_structural",
                                                            "zero_operand_macs_value",
                                                            "actions_overflow",
                                                            "actions_dropped_product"};
constexpr std::array<std::string_view, 2> kOtherColumns = {"cycles_total", "time_s"};

}  // namespace

class SweepTables::Impl {
 public:
  Impl(std::vector<const ArchitectureKey*> parameters, std::optional<std::int64_t> batch,
       const std::filesystem::path& directory)
      : parameters_(std::move(parameters)),
        batch_(batch),
        csv_path_(directory / "sweep.csv"),
        partial_path_(directory / "sweep.partial.csv") {
    csv_.open(partial_path_, std::ios::binary | std::ios::trunc);
    require_good();
  }

  ~Impl() {
    if (!finished_ && rows_ == 0) {
      std::error_code ignored;
      std::filesystem::remove(partial_path_, ignored);
    }
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void add(const SweepRow& row) {
    const bool good = row.refusal.empty();
    if (good && header_.empty()) {
      begin(row);
    }
    if (header_.empty()) {
      waiting_.push_back(row);  // what a row has is known with the first that ran
      return;
    }
    write(row);
  }

  void finish() {
    csv_.close();
    require_good();
    std::error_code error;
    std::filesystem::rename(partial_path_, csv_path_, error);
    if (error) {
      throw MachineError({csv_path_.string(), "",
                          fmt::format("cannot be put in place ({})", error.message()),
                          "check the folder and the disk"});
    }
    finished_ = true;
  }

  std::size_t rows() const { return rows_; }
  std::size_t refused() const { return refused_; }

 private:
  struct ShownColumn {
    std::size_t machine;
    const MachineColumn* column;
  };

  static std::vector<ShownColumn> shown_columns(const std::vector<Machine>& machines) {
    std::vector<ShownColumn> shown;
    for (std::size_t i = 0; i < machines.size(); ++i) {
      const std::span<const std::string_view> names =
          i == kMfMacMachine ? std::span<const std::string_view>(kMfMacColumns) : kOtherColumns;
      for (const std::string_view name : names) {
        shown.push_back({i, &machine_column(name)});
      }
    }
    return shown;
  }

  // Writes the header that follows from the first row which ran, and what waited for it.
  void begin(const SweepRow& first) {
    columns_ = shown_columns(first.machines);
    std::vector<std::string> names{"point"};
    for (const ArchitectureKey* const key : parameters_) {
      names.emplace_back(key->name);
    }
    names.emplace_back("status");
    for (const ShownColumn& shown : columns_) {
      names.push_back(
          fmt::format("{}_{}", first.machines[shown.machine].id, shown.column->names.flat()));
    }
    for (const energy::EnergyReport& report : first.energy) {
      for (const EnergyColumn& figure : figure_columns()) {
        names.push_back(csv_field(flat_figure(figure, report)));
      }
    }
    for (const energy::EnergyComparison& one : comparisons_of(first)) {
      names.push_back(
          csv_field(fmt::format("reduction[{},{},{}]", one.to, one.table, one.accounting)));
    }
    names.emplace_back("message");
    header_ = csv_line(names);
    cells_ = names.size();
    csv_ << header_;
    for (const SweepRow& row : std::exchange(waiting_, {})) {
      write(row);
    }
  }

  void write(const SweepRow& row) {
    const bool good = row.refusal.empty();
    std::vector<std::string> cells{fmt::format("{}", row.point)};
    cells.reserve(cells_);
    for (const KeyValue& value : row.values) {
      cells.push_back(csv_field(text_of(value)));
    }
    cells.emplace_back(good ? "done" : "refused");
    if (good) {
      add_figures(cells, row);
    }
    cells.resize(cells_ - 1);
    cells.push_back(csv_field(row.refusal));
    const std::string line = csv_line(cells);
    csv_.write(line.data(), static_cast<std::streamsize>(line.size()));
    csv_.flush();  // one write a row: an interrupted sweep leaves whole lines
    require_good();
    rows_ += 1;
    refused_ += good ? 0 : 1;
  }

  void add_figures(std::vector<std::string>& cells, const SweepRow& row) const {
    for (const ShownColumn& shown : columns_) {
      cells.push_back(csv_cell(shown.column->get(
          {row.totals[shown.machine], row.machines[shown.machine], row.architecture})));
    }
    for (const energy::EnergyReport& report : row.energy) {
      const EnergySource source = total_source(report, row.machines, row.totals, batch_);
      for (const EnergyColumn& figure : figure_columns()) {
        cells.push_back(csv_cell(figure.get(source)));
      }
    }
    for (const energy::EnergyComparison& one : comparisons_of(row)) {
      // Empty where there is none: a reduction of nothing is not zero.
      cells.push_back(one.reduction ? fmt::format("{}", *one.reduction) : std::string());
    }
  }

  // The comparisons with every MAC charged, DRAM at the low end.
  static std::vector<energy::EnergyComparison> comparisons_of(const SweepRow& row) {
    std::vector<energy::EnergyComparison> all =
        energy::compare(row.energy, row.machines[kMfMacMachine].id);
    std::erase_if(
        all, [](const energy::EnergyComparison& one) { return one.zeros_gated || one.dram_high; });
    return all;
  }

  void require_good() const {
    if (!csv_) {
      throw MachineError({partial_path_.string(), "",
                          fmt::format("write failed ({})", std::generic_category().message(errno)),
                          "free some disk space and run again"});
    }
  }

  std::vector<const ArchitectureKey*> parameters_;
  std::optional<std::int64_t> batch_;
  std::filesystem::path csv_path_;
  std::filesystem::path partial_path_;
  std::ofstream csv_;
  std::string header_;
  std::vector<ShownColumn> columns_;
  std::size_t cells_ = 0;
  std::vector<SweepRow> waiting_;  // refused, before any row ran
  std::size_t rows_ = 0;
  std::size_t refused_ = 0;
  bool finished_ = false;
};

SweepTables::SweepTables(std::vector<const ArchitectureKey*> parameters,
                         std::optional<std::int64_t> batch,
                         const std::filesystem::path& directory) {
  make_output_directory(directory);
  impl_ = std::make_unique<Impl>(std::move(parameters), batch, directory);
}

SweepTables::~SweepTables() = default;

void SweepTables::add(const SweepRow& row) {
  impl_->add(row);
}

void SweepTables::finish() {
  impl_->finish();
}

std::size_t SweepTables::rows() const {
  return impl_->rows();
}

std::size_t SweepTables::refused() const {
  return impl_->refused();
}

}  // namespace potomac::sim
