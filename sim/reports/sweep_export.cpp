#include "sim/reports/sweep_export.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <string>
#include <system_error>

#include "sim/reports/cell_text.hpp"
#include "support/atomic_file.hpp"
#include "support/error.hpp"

namespace potomac::sim {

void write_sweep_csv(const SweepSource& sweep, const std::filesystem::path& file,
                     const SweepSource::Visitor& each) {
  constexpr std::size_t kBuffered = std::size_t{1} << 20;
  AtomicFile whole(file);
  std::ofstream out(whole.temporary_path(), std::ios::binary | std::ios::trunc);
  std::string text;
  const auto write = [&] {
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    text.clear();
    if (!out) {
      throw MachineError({file.string(), "",
                          fmt::format("write failed ({})", std::generic_category().message(errno)),
                          "free some disk space and run again"});
    }
  };
  const auto add_line = [&text](const auto& cells) {
    bool first = true;
    for (const auto& cell : cells) {
      text += first ? "" : ",";
      append_csv(text, cell);
      first = false;
    }
    text += '\n';
  };
  add_line(sweep.listed());
  sweep.each(sweep.listed(), [&](std::size_t point, std::span<const Cell> cells) {
    add_line(cells);
    if (text.size() >= kBuffered) {
      write();
    }
    if (each) {
      each(point, cells);
    }
  });
  write();
  out.close();
  write();
  whole.commit();
}

}  // namespace potomac::sim
