#include "sim/studies/result_spool.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>

#include "support/error.hpp"

namespace potomac::sim {

ResultSpool::ResultSpool(const std::filesystem::path& target) : target_(target) {
  const std::filesystem::path folder =
      target.has_parent_path() ? target.parent_path() : std::filesystem::path(".");
  file_ = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file_ < 0) {  // a file system without such files
    std::string name = (folder / ".spool-XXXXXX").string();
    file_ = ::mkostemp(name.data(), O_CLOEXEC);
    ::unlink(name.c_str());
  }
  if (file_ < 0) {
    fail("made");
  }
}

ResultSpool::~ResultSpool() {
  ::close(file_);
}

void ResultSpool::begin(std::int64_t bytes) {
  if (::ftruncate(file_, 0) != 0 || ::ftruncate(file_, bytes) != 0) {
    fail("made larger");
  }
}

void ResultSpool::write(std::int64_t offset, const void* bytes, std::size_t size) {
  const auto* from = static_cast<const char*>(bytes);
  while (size > 0) {
    const ssize_t written = ::pwrite(file_, from, size, offset);
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      fail("written");
    }
    from += written;
    offset += written;
    size -= static_cast<std::size_t>(written);
  }
}

void ResultSpool::read(std::int64_t offset, void* bytes, std::size_t size) {
  auto* to = static_cast<char*>(bytes);
  while (size > 0) {
    const ssize_t got = ::pread(file_, to, size, offset);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      fail("read");
    }
    to += got;
    offset += got;
    size -= static_cast<std::size_t>(got);
  }
}

void ResultSpool::fail(const char* what) const {
  throw MachineError({target_.string(), "",
                      fmt::format("results beside it cannot be {} ({})", what,
                                  std::generic_category().message(errno)),
                      "free some disk space and run again"});
}

}  // namespace potomac::sim
