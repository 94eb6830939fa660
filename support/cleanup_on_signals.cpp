#include "support/cleanup_on_signals.hpp"

#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstring>
#include <mutex>

namespace potomac {
namespace {

// The temporary files that are there now, in a form that a signal handler may read: fixed storage,
// and a flag that is set last and cleared first.
struct CleanupSlot {
  std::array<char, 4096> path{};
  std::atomic<bool> used = false;
};
constexpr std::size_t kCleanupSlots = 16;
static_assert(std::atomic<bool>::is_always_lock_free);
// A signal handler gets no argument of ours: this must be a global.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): see above.
std::array<CleanupSlot, kCleanupSlots> cleanup_slots;

}  // namespace

std::optional<std::size_t> remember_for_cleanup(const std::string& path) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  for (std::size_t i = 0; i < cleanup_slots.size(); ++i) {
    CleanupSlot& slot = cleanup_slots[i];
    if (!slot.used && path.size() < slot.path.size()) {
      std::memcpy(slot.path.data(), path.c_str(), path.size() + 1);
      slot.used = true;
      return i;
    }
  }
  return std::nullopt;
}

void forget_cleanup(std::size_t slot) {
  cleanup_slots[slot].used = false;
}

namespace {

extern "C" void remove_temporary_files_and_die(int signal) {
  for (CleanupSlot& slot : cleanup_slots) {
    if (slot.used) {
      ::unlink(slot.path.data());
    }
  }
  // Folders that were made for the files, the innermost first; those that hold others stay.
  for (CleanupSlot& slot : cleanup_slots) {
    if (slot.used) {
      ::rmdir(slot.path.data());
    }
  }
  // Installed with SA_RESETHAND: this time the signal does what it always does.
  ::raise(signal);
}

}  // namespace

void remove_temporary_files_on_signals() {
  struct sigaction action {};
  action.sa_handler = remove_temporary_files_and_die;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
  ::sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    // What the parent process chose to ignore (nohup) stays ignored.
    if (::sigaction(signal, nullptr, &before) == 0 && before.sa_handler != SIG_IGN) {
      ::sigaction(signal, &action, nullptr);
    }
  }
}

}  // namespace potomac
