// The version of Potomac, as the build defines it.
#pragma once

#include <string_view>

namespace potomac::sim {

inline constexpr std::string_view kVersion = POTOMAC_VERSION;

}  // namespace potomac::sim
