#include "sim/reports/sweep_tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "sim/reports/cell_text.hpp"
#include "sim/results/csv_field.hpp"
#include "sim/results/sweep_figures.hpp"
#include "support/error.hpp"
#include "support/output_files.hpp"

namespace potomac::sim {

class SweepTables::Impl {
 public:
  Impl(std::vector<const ArchitectureKey*> parameters, std::optional<std::int64_t> batch,
       const std::filesystem::path& directory)
      : parameters_(std::move(parameters)),
        batch_(batch),
        csv_path_(directory / "sweep.csv"),
        partial_path_(directory / "sweep.partial.csv") {
    // A link of that name would be followed: it is replaced.
    std::error_code ignored;
    std::filesystem::remove(partial_path_, ignored);
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
  // Writes the header that follows from the first row which ran, and what waited for it.
  void begin(const SweepRow& first) {
    figures_.emplace(first, batch_);
    std::vector<std::string> names{"point"};
    for (const ArchitectureKey* const key : parameters_) {
      names.emplace_back(key->name);
    }
    names.emplace_back("status");
    std::ranges::transform(figures_->names(), std::back_inserter(names), csv_field);
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
      std::ranges::transform(figures_->cells(row), std::back_inserter(cells), csv_cell);
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
  std::optional<SweepFigures> figures_;
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
