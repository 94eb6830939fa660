// Temporary files that a signal which ends the program takes with it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace potomac {

// Makes SIGINT, SIGTERM and SIGHUP remove the remembered files before they end the program as they
// always do. Called once, by main().
void remove_temporary_files_on_signals();

// Remembers a file until forget_cleanup(). Nothing when all slots are taken or the path is too
// long: then a signal leaves the file behind.
std::optional<std::size_t> remember_for_cleanup(const std::string& path);
void forget_cleanup(std::size_t slot);

}  // namespace potomac
