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
constexpr std::array<int, 3> kSignals = {SIGINT, SIGTERM, SIGHUP};
static_assert(std::atomic<bool>::is_always_lock_free);
// A signal handler gets no argument of ours: this must be a global.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): see above.
std::array<CleanupSlot, kCleanupSlots> cleanup_slots;
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): see above.
std::atomic<const char*> last_words = nullptr;
static_assert(std::atomic<const char*>::is_always_lock_free);

}  // namespace

CleanupOnSignals::CleanupOnSignals(const std::string& path) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  for (std::size_t i = 0; i < cleanup_slots.size(); ++i) {
    CleanupSlot& slot = cleanup_slots[i];
    if (!slot.used && path.size() < slot.path.size()) {
      std::memcpy(slot.path.data(), path.c_str(), path.size() + 1);
      slot.used = true;
      slot_ = i;
      return;
    }
  }
}

CleanupOnSignals::~CleanupOnSignals() {
  if (slot_) {
    cleanup_slots.at(*slot_).used = false;
  }
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
  if (const char* const words = last_words.load()) {
    const ssize_t written = ::write(STDERR_FILENO, words, std::strlen(words));
    static_cast<void>(written);  // a terminal that went away
  }
  // Installed with SA_RESETHAND: this time the signal does what it always does.
  ::raise(signal);
}

}  // namespace

void say_on_signals(const char* line) {
  last_words = line;
}

SignalsHeld::SignalsHeld() {
  ::sigset_t held{};
  ::sigemptyset(&held);
  for (const int signal : kSignals) {
    ::sigaddset(&held, signal);
  }
  ::pthread_sigmask(SIG_BLOCK, &held, &before_);
}

SignalsHeld::~SignalsHeld() {
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void remove_temporary_files_on_signals() {
  struct sigaction action {};
  action.sa_handler = remove_temporary_files_and_die;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
  ::sigemptyset(&action.sa_mask);
  for (const int signal : kSignals) {
    struct sigaction before {};
    // What the parent process chose to ignore (nohup) stays ignored.
    if (::sigaction(signal, nullptr, &before) == 0 && before.sa_handler != SIG_IGN) {
      ::sigaction(signal, &action, nullptr);
    }
  }
}

}  // namespace potomac
