// Guards the process against files that crash libhdf5, send it round in circles or make it ask for
// all memory: damaged metadata do that (measured with 1.10.8: three to six files in a hundred with
// 20 bytes changed). Work on an untrusted file is tried in a child process first.
#pragma once

#include <functional>
#include <string>

namespace potomac::workloads {

// Runs `steps` in a forked child, bounded in processor time (2 s, and 1 s more per 16 MiB of the
// file) and memory (1 GiB above what is in use). Returns when the child came through; the caller
// may then do the same steps, which act alike since the child started as its twin.
// Throws the InputError or MachineError that `steps` threw there, and InputError if the child
// crashed or ran out of a bound. Where no child can be started, it does nothing.
// `steps` may read files and must leave no trace outside of the process.
void rehearse(const std::string& file, const std::function<void()>& steps);

}  // namespace potomac::workloads
