// Writes any workload's shapes as a model description: what an import leaves for people to read and
// change.
#pragma once

#include <string>

#include "workloads/workload/workload.hpp"

namespace potomac::workloads {

// The text of the file; read again (load_model()), it gives the same shapes, formats and
// not_included. Every layer says its own input.
std::string model_description_text(const Workload& workload);

}  // namespace potomac::workloads
