#include "sim/reports/sweep_tables.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "sim/reports/report_json.hpp"
#include "sim/results/columns.hpp"
#include "sim/results/csv_field.hpp"
#include "sim/results/version.hpp"
#include "support/atomic_file.hpp"
#include "support/error.hpp"
#include "support/output_files.hpp"

namespace potomac::sim {
namespace {

using Json = nlohmann::ordered_json;

// Of the report's columns, by their names in CSV; `time_s` stands between cycles and MACs.
constexpr std::array<std::string_view, 5> kCycleColumns = {
    "cycles_total", "cycles_preload", "cycles_stream", "cycles_drain", "cycles_stall"};
constexpr std::array<std::string_view, 6> kOtherColumns = {
    "macs",     "utilization",    "zero_operand_macs_structural", "zero_operand_macs_value",
    "overflow", "dropped_product"};
constexpr std::array<std::string_view, 4> kEnergyColumns = {"mf_mac_pJ", "fp32_mac_pJ", "reduction",
                                                            "reduction_vs_multiplier"};

constexpr std::array<std::string_view, 3> kStructuralColumns = {
    "structural_mf_mac_pJ", "structural_fp32_mac_pJ", "structural_reduction"};

// Empty where there is none: a reduction of nothing is not zero.
std::string csv_number(const std::optional<double>& number) {
  return number ? fmt::format("{}", *number) : std::string();
}

// Without the rows of its parts.
Json summary_of(Json json) {
  for (const char* detail : {"by_layer", "by_pass", "by_gemm", "unit_energies"}) {
    json.erase(detail);
  }
  return json;
}

std::string header_of(const SweepSpec& spec) {
  std::string csv = "point";
  auto out = std::back_inserter(csv);
  for (const SweepParameter& parameter : spec.parameters) {
    fmt::format_to(out, ",{}", parameter.key->name);
  }
  csv += ",status";
  for (const std::string_view column : kCycleColumns) {
    fmt::format_to(out, ",{}", column);
  }
  csv += ",time_s";
  for (const std::string_view column : kOtherColumns) {
    fmt::format_to(out, ",{}", column);
  }
  for (const energy::UnitEnergyTable& table : spec.tables) {
    for (const std::string_view column : kEnergyColumns) {
      fmt::format_to(out, ",{}", csv_field(fmt::format("{}_{}", table.name(), column)));
    }
  }
  if (spec.structural) {
    for (const energy::UnitEnergyTable& table : spec.tables) {
      for (const std::string_view column : kStructuralColumns) {
        fmt::format_to(out, ",{}", csv_field(fmt::format("{}_{}", table.name(), column)));
      }
    }
  }
  return csv + ",message\n";
}

// The cells of one row behind its status.
std::string csv_of(const SweepRow& row, const SweepSpec& spec) {
  if (!row.refusal.empty()) {
    const std::size_t of_table =
        kEnergyColumns.size() + (spec.structural ? kStructuralColumns.size() : 0);
    const std::size_t empty =
        kCycleColumns.size() + 1 + kOtherColumns.size() + of_table * spec.tables.size();
    return std::string(empty + 1, ',') + csv_field(row.refusal);
  }
  std::string csv;
  auto out = std::back_inserter(csv);
  const ColumnSource source{nullptr, row.totals, row.architecture};
  for (const std::string_view column : kCycleColumns) {
    fmt::format_to(out, ",{}", csv_cell(column_named(column).get(source)));
  }
  fmt::format_to(out, ",{}", time_s(row.totals, row.architecture));
  for (const std::string_view column : kOtherColumns) {
    fmt::format_to(out, ",{}", csv_cell(column_named(column).get(source)));
  }
  for (const energy::OperationEnergy& energy : row.energy) {
    const energy::Comparison& total = energy.total.every_mac;
    fmt::format_to(out, ",{},{},{},{}", total.mf_mac_pj, total.fp32_mac_pj,
                   csv_number(total.reduction), csv_number(total.reduction_vs_multiplier));
  }
  for (const energy::StructuralEnergy& energy : row.structural) {
    const energy::MachinePair total = energy.total.total();
    fmt::format_to(out, ",{},{},{}", total.mf_mac_pj, total.fp32_mac_pj,
                   csv_number(total.reduction()));
  }
  return csv + ",";
}

Json json_of_row(const SweepRow& row) {
  const bool good = row.refusal.empty();
  Json entry{{"point", row.point},
             {"status", good ? "done" : "refused"},
             {"architecture", architecture_json(row.architecture)}};
  if (!good) {
    entry["message"] = row.refusal;
    return entry;
  }
  entry["totals"] = totals_json(row.totals, row.architecture);
  for (const energy::OperationEnergy& energy : row.energy) {
    entry["energy"].push_back(summary_of(energy_json(energy)));
  }
  for (const energy::StructuralEnergy& energy : row.structural) {
    entry["energy"].push_back(summary_of(structural_json(energy)));
  }
  return entry;
}

Json head_json(const SweepSpec& spec) {
  Json json{{"format", "potomac-sweep"}, {"version", kReportVersion}};
  json["potomac"] = {{"version", kVersion}};
  json["sweep"] = {{"file", spec.file.string()},
                   {"trace", spec.workload.string()},
                   {"dimensions", dimensions_json(spec.dimensions)},
                   {"engine", spec.engine ? Json(name_of(*spec.engine)) : Json(nullptr)},
                   {"layers", spec.selection.layers}};
  for (const SweepParameter& parameter : spec.parameters) {
    Json& values = json["sweep"]["parameters"][std::string(parameter.key->name)] = Json::array();
    for (const KeyValue& value : parameter.values) {
      values.push_back(text_of(value));
    }
  }
  return json;
}

}  // namespace

class SweepTables::Impl {
 public:
  Impl(const SweepSpec& spec, const std::filesystem::path& directory)
      : spec_(spec),
        csv_path_(directory / "sweep.csv"),
        partial_path_(directory / "sweep.partial.csv"),
        json_file_(directory / "sweep.json") {
    csv_.open(partial_path_, std::ios::binary | std::ios::trunc);
    json_.open(json_file_.temporary_path(), std::ios::binary | std::ios::trunc);
    csv_ << header_of(spec) << std::flush;
    // All of the object but its last member, which grows row by row.
    std::string head = json_text(head_json(spec));
    head.resize(head.rfind("\n}"));
    json_ << head << ",\n \"points\": [";
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
    std::string line = fmt::format("{}", row.point);
    for (const KeyValue& value : row.values) {
      line += ',';
      line += csv_field(text_of(value));
    }
    line += good ? ",done" : ",refused";
    line += csv_of(row, spec_);
    line += '\n';
    csv_.write(line.data(), static_cast<std::streamsize>(line.size()));
    csv_.flush();  // one write a row: an interrupted sweep leaves whole lines
    json_ << (rows_ == 0 ? "\n" : ",\n") << indented(json_text(json_of_row(row)));
    require_good();
    rows_ += 1;
    refused_ += good ? 0 : 1;
  }

  void finish() {
    json_ << "\n ]\n}\n";
    csv_.close();
    json_.close();
    require_good();
    std::error_code error;
    std::filesystem::rename(partial_path_, csv_path_, error);
    if (error) {
      throw MachineError({csv_path_.string(), "",
                          fmt::format("cannot be put in place ({})", error.message()),
                          "check the folder and the disk"});
    }
    finished_ = true;
    json_file_.commit();
  }

  std::size_t rows() const { return rows_; }
  std::size_t refused() const { return refused_; }

 private:
  void require_good() const {
    if (!csv_ || !json_) {
      throw MachineError({(csv_ ? csv_path_.parent_path() / "sweep.json" : partial_path_).string(),
                          "",
                          fmt::format("write failed ({})", std::generic_category().message(errno)),
                          "free some disk space and run again"});
    }
  }

  // As deep as an element of the list stands; a text of JSON holds no line end of its own.
  static std::string indented(std::string text) {
    text.pop_back();
    std::string out = "  ";
    for (const char c : text) {
      out += c;
      if (c == '\n') {
        out += "  ";
      }
    }
    return out;
  }

  const SweepSpec& spec_;
  std::filesystem::path csv_path_;
  std::filesystem::path partial_path_;
  AtomicFile json_file_;
  std::ofstream csv_;
  std::ofstream json_;
  std::size_t rows_ = 0;
  std::size_t refused_ = 0;
  bool finished_ = false;
};

SweepTables::SweepTables(const SweepSpec& spec, const std::filesystem::path& directory) {
  make_output_directory(directory);
  impl_ = std::make_unique<Impl>(spec, directory);
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
