// Temporary files that a signal which ends the program takes with it.
#pragma once

#include <csignal>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

namespace potomac {

// Makes SIGINT, SIGTERM and SIGHUP remove the remembered files before they end the program as they
// always do. Called once, by main().
void remove_temporary_files_on_signals();

// A file, or a folder that may still be empty, that such a signal removes as long as this lives. Of
// a few names at once; where all places are taken, or the path is too long, a signal leaves it
// behind.
class CleanupOnSignals {
 public:
  explicit CleanupOnSignals(const std::string& path);
  ~CleanupOnSignals();
  CleanupOnSignals(CleanupOnSignals&& other) noexcept : slot_(std::exchange(other.slot_, {})) {}
  CleanupOnSignals& operator=(CleanupOnSignals&& other) noexcept {
    std::swap(slot_, other.slot_);
    return *this;
  }
  CleanupOnSignals(const CleanupOnSignals&) = delete;
  CleanupOnSignals& operator=(const CleanupOnSignals&) = delete;

 private:
  std::optional<std::size_t> slot_;
};

// What such a signal says on standard error before it ends the program; null: nothing. The text
// must outlive the program, as a literal does.
void say_on_signals(const char* line);

// Holds these signals off this thread as long as it lives: of what cannot be remembered before it
// is there, while there are no other threads.
class SignalsHeld {
 public:
  SignalsHeld();
  ~SignalsHeld();
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;

 private:
  ::sigset_t before_{};
};

}  // namespace potomac
