// What a command leaves beside a store, and says of it.
#pragma once

#include <string>

namespace potomac::sim {

// Writes the folder's sweep.csv from its store and prints the best points; `note` stands behind
// their number. Throws InputError or MachineError.
void export_and_show(const std::string& folder, const std::string& note);

}  // namespace potomac::sim
