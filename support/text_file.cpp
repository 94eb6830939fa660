#include "support/text_file.hpp"

#include <fmt/format.h>

#include <fstream>
#include <system_error>

#include "support/error.hpp"

namespace potomac {
namespace {

constexpr std::size_t kBlock = std::size_t{64} << 10U;  // read at a time

}  // namespace

std::string read_text_file(const std::filesystem::path& path, std::string_view kind,
                           std::size_t limit_mib) {
  const std::size_t limit = limit_mib << 20U;
  const auto refuse = [&path](const std::string& problem, const std::string& remedy) {
    throw InputError({path.string(), "", problem, remedy});
  };
  const auto refuse_unreadable = [&refuse](const std::string& why) {
    refuse(fmt::format("cannot be read ({})", why), "check the name and the permissions");
  };
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (error) {
    refuse_unreadable(error.message());
  }
  if (std::filesystem::is_directory(status)) {
    refuse_unreadable(std::make_error_code(std::errc::is_a_directory).message());
  }
  const std::string remedy = fmt::format("name a {} file of at most {} MiB", kind, limit_mib);
  if (std::filesystem::is_regular_file(status)) {
    const std::uintmax_t size = std::filesystem::file_size(path, error);
    if (!error && size > limit) {
      refuse(fmt::format("is {} bytes long, too long for a {} file here", size, kind), remedy);
    }
  }
  std::ifstream stream(path, std::ios::binary);
  std::string text;
  while (stream && text.size() <= limit) {
    const std::size_t held = text.size();
    text.resize(held + kBlock);
    stream.read(text.data() + held, static_cast<std::streamsize>(kBlock));
    text.resize(held + static_cast<std::size_t>(stream.gcount()));
  }
  if (!stream.is_open() || stream.bad()) {
    refuse_unreadable(stream.is_open() ? "reading broke off" : "it does not open");
  }
  if (text.size() > limit) {
    refuse(fmt::format("holds more than {} MiB, too much for a {} file here", limit_mib, kind),
           remedy);
  }
  if (text.starts_with("\x89HDF\r\n")) {
    refuse(fmt::format("is an HDF5 file, such as a trace, where a {} file belongs", kind),
           "name them the other way round");
  }
  return text;
}

}  // namespace potomac
