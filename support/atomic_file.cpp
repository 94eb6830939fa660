#include "support/atomic_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "support/error.hpp"

namespace potomac {
namespace fs = std::filesystem;

AtomicFile::AtomicFile(fs::path target) : target_(std::move(target)) {
  fs::path folder = target_.parent_path();
  if (folder.empty()) {
    folder = ".";
  }
  std::string pattern = (folder / fmt::format(".{}.XXXXXX", target_.filename().string())).string();
  const int descriptor = ::mkstemp(pattern.data());
  if (descriptor < 0) {
    throw InputError({target_.string(), "",
                      fmt::format("cannot be written ({})", std::strerror(errno)),
                      "name a folder that exists and that you may write to"});
  }
  ::fchmod(descriptor, 0644);
  ::close(descriptor);
  temporary_ = pattern;
}

AtomicFile::~AtomicFile() {
  if (!committed_) {
    std::error_code ignored;
    fs::remove(temporary_, ignored);
  }
}

void AtomicFile::commit() {
  std::error_code error;
  fs::rename(temporary_, target_, error);
  if (error) {
    throw MachineError({target_.string(), "",
                        fmt::format("cannot be put in place ({})", error.message()),
                        "check the folder and the disk"});
  }
  committed_ = true;
}

void write_file_atomically(const fs::path& target, std::string_view content) {
  AtomicFile file(target);
  const int descriptor = ::open(file.temporary_path().c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);
  bool good = descriptor >= 0;
  while (good && !content.empty()) {
    const ssize_t written = ::write(descriptor, content.data(), content.size());
    if (written < 0 && errno == EINTR) {
      continue;
    }
    good = written > 0;
    if (good) {
      content.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  int cause = errno;
  // close() is where a full network disk may first say so.
  if (descriptor >= 0 && ::close(descriptor) != 0 && good) {
    good = false;
    cause = errno;
  }
  if (!good) {
    throw MachineError({target.string(), "", fmt::format("write failed ({})", std::strerror(cause)),
                        "free some disk space and run again"});
  }
  file.commit();
}

void check_output_directory(const fs::path& directory) {
  fs::path existing = fs::absolute(directory).lexically_normal();
  std::error_code error;
  while (!fs::exists(existing, error) && existing.has_relative_path()) {
    existing = existing.parent_path();
  }
  if (!fs::is_directory(existing, error)) {
    throw InputError({directory.string(), "",
                      fmt::format("cannot be made a folder ({} is not one)", existing.string()),
                      "name another output folder"});
  }
  const AtomicFile probe(existing / "potomac-probe");
}

void make_output_directory(const fs::path& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error || !fs::is_directory(directory)) {
    throw InputError({directory.string(), "",
                      fmt::format("cannot be made a folder ({})",
                                  error ? error.message() : "a file has that name"),
                      "name another output folder"});
  }
  // Probes for write permission by reserving (and dropping) a temporary name.
  const AtomicFile probe(directory / "potomac-probe");
}

}  // namespace potomac
