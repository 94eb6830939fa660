// What tells the content of one workload from another's: whatever file they are in.
#pragma once

#include <string>

#include "workloads/workload/workload.hpp"

namespace potomac::workloads {

// SHA-256, in hexadecimal digits, of the layers' shapes and formats, codes and originals, as far as
// there are any: it reads all of them. Throws InputError if they are damaged.
std::string digest_of(const Workload& workload);

}  // namespace potomac::workloads
