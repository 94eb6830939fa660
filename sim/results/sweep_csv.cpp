#include "sim/results/sweep_csv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <system_error>
#include <utility>

#include "support/error.hpp"
#include "support/nearest_word.hpp"
#include "support/plain_text.hpp"
#include "support/text_file.hpp"

namespace potomac::sim {
namespace {

constexpr std::size_t kLargestSweepMib = 1024;

// The lines of a CSV text (RFC 4180), field by field.
class CsvLines {
 public:
  CsvLines(std::string_view text, std::string file) : text_(text), file_(std::move(file)) {}

  // The next line's fields, into `fields`; false at the end.
  bool next(std::vector<std::string>& fields) {
    fields.clear();
    if (at_ == text_.size()) {
      return false;
    }
    line_ = next_line_;
    while (true) {
      fields.push_back(field());
      if (at_ == text_.size()) {
        return true;
      }
      if (text_[at_++] == '\n') {
        ++next_line_;
        return true;
      }
    }
  }

  InputError fault(const std::string& what) const {
    return InputError({file_, fmt::format("line {}", line_), what,
                       "name a sweep.csv as `potomac sweep` wrote it"});
  }

 private:
  // Leaves `at_` at the comma or the line end behind it.
  std::string field() {
    if (at_ == text_.size() || text_[at_] != '"') {
      const std::size_t end = std::min(text_.find_first_of(",\n", at_), text_.size());
      return std::string(text_.substr(std::exchange(at_, end), end - at_));
    }
    std::string content;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] != '"') {
        content += text_[at_];
        next_line_ += text_[at_] == '\n' ? 1 : 0;
      } else if (text_.substr(at_, 2) == "\"\"") {
        content += text_[at_++];
      } else {
        break;
      }
    }
    if (at_ == text_.size() || (++at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\n')) {
      throw fault("a quoted field does not end");
    }
    return content;
  }

  std::string_view text_;
  std::string file_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::size_t next_line_ = 1;
};

// What is shown where nobody chose: of MF-MAC and of what it is compared with.
bool is_shown_first(std::string_view name) {
  constexpr std::array<std::string_view, 5> kOfMachine = {
      "mf_mac_cycles_total", "mf_mac_cycles_stall", "mf_mac_time_s", "mf_mac_utilization",
      "mf_mac_actions_overflow"};
  return std::ranges::find(kOfMachine, name) != kOfMachine.end() ||
         name.starts_with("energy[mf_mac,") || name.starts_with("energy[fp32_mac,") ||
         name.starts_with("tops_per_w[mf_mac,") || name.starts_with("energy_delay_js[mf_mac,") ||
         name.starts_with("reduction[");
}

struct Header {
  std::vector<std::string> names;
  std::size_t status = 0;  // where the parameters end
};

Header header_of(CsvLines& lines) {
  Header header;
  lines.next(header.names);
  const auto status = std::ranges::find(header.names, "status");
  if (header.names.empty() || header.names.front() != "point" || status == header.names.end() ||
      header.names.back() != "message") {
    throw lines.fault("is not a sweep's: its columns begin with point, and end with message");
  }
  header.status = static_cast<std::size_t>(status - header.names.begin());
  return header;
}

// Which of the header's columns are kept.
std::vector<std::size_t> kept_columns(const Header& header, std::span<const std::string> asked) {
  for (const std::string& name : asked) {
    if (std::ranges::find(header.names, name) == header.names.end()) {
      const std::string nearest = nearest_word(name, header.names);
      throw InputError({"", "", fmt::format("'{}' is no column of the sweep", printable(name)),
                        nearest.empty() ? "sweep.csv's first line has their names"
                                        : fmt::format("did you mean '{}'?", nearest)});
    }
  }
  std::vector<std::size_t> kept;
  for (std::size_t i = 0; i < header.names.size(); ++i) {
    const bool always = i <= header.status || i + 1 == header.names.size();
    const bool wanted = asked.empty() ? is_shown_first(header.names[i])
                                      : std::ranges::find(asked, header.names[i]) != asked.end();
    if (always || wanted) {
      kept.push_back(i);
    }
  }
  return kept;
}

// A text as it was before csv_field() kept spreadsheets from reading it as a formula.
std::string without_guard(std::string text) {
  constexpr std::string_view kGuarded = "=+-@";
  if (text.size() > 1 && text.front() == '\'' && kGuarded.find(text[1]) != std::string_view::npos) {
    text.erase(0, 1);
  }
  return text;
}

}  // namespace

std::filesystem::path sweep_file(const std::filesystem::path& path) {
  std::error_code unknown;
  return std::filesystem::is_directory(path, unknown) ? path / "sweep.csv" : path;
}

SweepCsv::SweepCsv(const std::filesystem::path& path)
    : path_(path), text_(read_text_file(sweep_file(path), "CSV", kLargestSweepMib)) {
  CsvLines lines(text_, sweep_file(path_).string());
  columns_ = header_of(lines).names;
}

SweepTable SweepCsv::table(std::span<const std::string> columns) const {
  const std::filesystem::path file = sweep_file(path_);
  CsvLines lines(text_, file.string());
  const Header header = header_of(lines);
  const std::vector<std::size_t> kept = kept_columns(header, columns);
  SweepTable table;
  table.name = printable(path_.string(), kWhole);
  table.columns_left_out = header.names.size() - kept.size();
  for (const std::size_t i : kept) {
    table.columns.push_back({header.names[i], i > 0 && i < header.status});
  }
  std::vector<std::string> fields;
  while (lines.next(fields)) {
    if (fields.size() != header.names.size()) {
      throw lines.fault(fmt::format("has {} fields, not {}", fields.size(), header.names.size()));
    }
    std::vector<std::string>& row = table.rows.emplace_back();
    row.reserve(kept.size());
    for (const std::size_t i : kept) {
      row.push_back(without_guard(std::move(fields[i])));
    }
  }
  if (table.rows.empty()) {
    throw InputError({file.string(), "", "has no point", "run the sweep first"});
  }
  return table;
}

std::optional<double> number_in(std::string_view cell) {
  double number = 0.0;
  const char* const end = cell.data() + cell.size();
  const auto read = std::from_chars(cell.data(), end, number);
  return read.ec == std::errc() && read.ptr == end ? std::optional(number) : std::nullopt;
}

}  // namespace potomac::sim
