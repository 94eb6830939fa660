#include "workloads/sources/hdf5_rehearsal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <system_error>
#include <vector>

#include "support/error.hpp"

namespace potomac::workloads {
namespace {

constexpr rlim_t kSpareMemory = rlim_t{1} << 30U;
constexpr rlim_t kBaseSeconds = 2;
constexpr std::uintmax_t kBytesPerSecond = std::uintmax_t{16} << 20U;

// First byte of what the child reports; after an error follow the four texts of its Fault.
enum Verdict : char { kCameThrough = 'y', kInputError = 'i', kMachineError = 'm' };

void set_limit(decltype(RLIMIT_CPU) resource, rlim_t limit) {
  const rlimit value{limit, limit};
  ::setrlimit(resource, &value);
}

// Address space in use, or 0 where the system does not say.
rlim_t used_address_space() {
  unsigned long long pages = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "re"); file != nullptr) {
    if (std::fscanf(file, "%llu", &pages) != 1) {
      pages = 0;
    }
    std::fclose(file);
  }
  return pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE));
}

// Makes the child die quickly, silently, and of its own faults only.
void confine(rlim_t seconds) {
  set_limit(RLIMIT_CORE, 0);
  set_limit(RLIMIT_CPU, seconds);
  if (const rlim_t used = used_address_space(); used != 0) {
    set_limit(RLIMIT_AS, used + kSpareMemory);
  }
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGXCPU}) {
    std::signal(signal, SIG_DFL);
  }
  const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  ::dup2(nowhere, STDOUT_FILENO);
  ::dup2(nowhere, STDERR_FILENO);
}

std::string report(Verdict verdict, const Fault& fault) {
  std::string text(1, verdict);
  for (const std::string* part : {&fault.file, &fault.place, &fault.problem, &fault.remedy}) {
    text += *part;
    text += '\0';
  }
  return text;
}

Fault parse_fault(const std::string& text) {
  Fault fault;
  std::size_t begin = 1;
  for (std::string* part : {&fault.file, &fault.place, &fault.problem, &fault.remedy}) {
    const std::size_t end = text.find('\0', begin);
    if (end == std::string::npos) {
      break;
    }
    *part = text.substr(begin, end - begin);
    begin = end + 1;
  }
  return fault;
}

[[noreturn]] void act_as_child(int pipe, rlim_t seconds, const std::function<void()>& steps) {
  int status = 0;
  try {
    confine(seconds);
    std::string text(1, kCameThrough);
    try {
      steps();
    } catch (const InputError& error) {
      text = report(kInputError, error.fault());
    } catch (const MachineError& error) {
      text = report(kMachineError, error.fault());
    }
    // A report is shorter than any pipe's buffer, or is cut there and still understood.
    const ssize_t written = ::write(pipe, text.data(), text.size());
    status = written > 0 ? 0 : 1;
  } catch (...) {
    status = 1;  // memory ran out, most likely
  }
  // No destructors, no exit handlers: they belong to the parent.
  ::_exit(status);
}

std::string read_all(int descriptor) {
  std::string text;
  std::array<char, 4096> buffer{};
  while (true) {
    const ssize_t count = ::read(descriptor, buffer.data(), buffer.size());
    if (count > 0) {
      text.append(buffer.data(), static_cast<std::size_t>(count));
    } else if (count == 0 || errno != EINTR) {
      return text;
    }
  }
}

}  // namespace

void rehearse(const std::string& file, const std::function<void()>& steps) {
  std::error_code error;
  const std::uintmax_t bytes = std::filesystem::file_size(file, error);
  const rlim_t seconds = kBaseSeconds + (error ? 0 : bytes / kBytesPerSecond);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return;
  }
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    act_as_child(ends[1], seconds, steps);
  }
  ::close(ends[1]);
  const std::string text = child < 0 ? std::string() : read_all(ends[0]);
  ::close(ends[0]);
  if (child < 0) {
    return;
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  const char verdict = text.empty() ? '\0' : text.front();
  if (verdict == kCameThrough) {
    return;
  }
  if (verdict == kInputError) {
    throw InputError(parse_fault(text));
  }
  if (verdict == kMachineError) {
    throw MachineError(parse_fault(text));
  }
  const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  if (signal == SIGINT || signal == SIGTERM || signal == SIGHUP || signal == SIGQUIT) {
    throw MachineError({file, "", "reading was interrupted", "run again"});
  }
  const char* what = signal == SIGXCPU || signal == SIGKILL
                         ? "reading its structure did not end in time"
                         : "its structure is damaged so badly that reading it fails";
  throw InputError({file, "", what, "copy or make the file again"});
}

}  // namespace potomac::workloads
