#include "sim/results/sweep_csv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>

#include "support/error.hpp"
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

// A text as it was before csv_field() kept spreadsheets from reading it as a formula.
std::string without_guard(std::string text) {
  constexpr std::string_view kGuarded = "=+-@";
  if (text.size() > 1 && text.front() == '\'' && kGuarded.find(text[1]) != std::string_view::npos) {
    text.erase(0, 1);
  }
  return text;
}

// A field as what it was written from.
Cell cell_of(const std::string& field) {
  Cell cell;
  const char* const end = field.data() + field.size();
  const auto reads = [&](auto& number) {
    const auto read = std::from_chars(field.data(), end, number);
    return read.ec == std::errc() && read.ptr == end;
  };
  std::int64_t integer = 0;
  double number = 0.0;
  if (reads(integer)) {
    cell = integer;
  } else if (reads(number) && std::isfinite(number)) {
    cell = number;
  } else if (!field.empty()) {
    cell = without_guard(field);
  }
  return cell;
}

}  // namespace

SweepCsv::SweepCsv(const std::filesystem::path& file)
    : path_(file), text_(read_text_file(file, "CSV", kLargestSweepMib)) {
  CsvLines lines(text_, path_.string());
  Header header = header_of(lines);
  columns_ = std::move(header.names);
  status_ = header.status;
}

std::string SweepCsv::name() const {
  return printable(path_.string(), kWhole);
}

bool SweepCsv::is_parameter(const std::string& column) const {
  const auto found = std::ranges::find(columns_, column) - columns_.begin();
  return found > 0 && found < static_cast<std::ptrdiff_t>(status_);
}

void SweepCsv::each(std::span<const std::string> columns, const Visitor& visit,
                    std::optional<std::span<const std::size_t>> points) const {
  std::vector<std::size_t> places;
  for (const std::string& name : columns) {
    places.push_back(
        static_cast<std::size_t>(std::ranges::find(columns_, name) - columns_.begin()));
  }
  CsvLines lines(text_, path_.string());
  std::vector<std::string> fields;
  std::vector<Cell> cells(places.size());
  lines.next(fields);
  while (lines.next(fields)) {
    if (fields.size() != columns_.size()) {
      throw lines.fault(fmt::format("has {} fields, not {}", fields.size(), columns_.size()));
    }
    const Cell point = cell_of(fields.front());
    if (!std::holds_alternative<std::int64_t>(point) || std::get<std::int64_t>(point) < 0) {
      throw lines.fault("does not begin with a point's number");
    }
    const auto number = static_cast<std::size_t>(std::get<std::int64_t>(point));
    if (points && !std::ranges::binary_search(*points, number)) {
      continue;
    }
    for (std::size_t i = 0; i < places.size(); ++i) {
      cells[i] = cell_of(fields[places[i]]);
    }
    visit(number, cells);
  }
}

}  // namespace potomac::sim
