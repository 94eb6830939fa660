#include "sim/engines/verilog/verilog_sources.hpp"

#include <string_view>

// Each file lies between two symbols, put there by the assembler. POTOMAC_VERILOG and
// POTOMAC_HARNESS, the folders, come from sim/CMakeLists.txt.
// clang-format off
// NOLINTNEXTLINE(cppcoreguidelines-macro-usage): the assembler wants literals.
#define POTOMAC_VERILOG_FILE(name, path)                                                     \
  asm(".pushsection .rodata\n"                                                               \
      "potomac_verilog_" #name ": .incbin \"" path "\"\n"                                    \
      "potomac_verilog_" #name "_end: .byte 0\n"                                             \
      ".popsection\n");                                                                      \
  extern "C" const char potomac_verilog_##name[];                                            \
  extern "C" const char potomac_verilog_##name##_end[];
// clang-format on

POTOMAC_VERILOG_FILE(mf_mac_functions, POTOMAC_VERILOG "/mf_mac_functions.svh")
POTOMAC_VERILOG_FILE(fp32_mac_functions, POTOMAC_VERILOG "/fp32_mac_functions.svh")
POTOMAC_VERILOG_FILE(mac_functions, POTOMAC_VERILOG "/mac_functions.svh")
POTOMAC_VERILOG_FILE(register_functions, POTOMAC_VERILOG "/register_functions.svh")
POTOMAC_VERILOG_FILE(os_functions, POTOMAC_VERILOG "/output_stationary_functions.svh")
POTOMAC_VERILOG_FILE(st_functions, POTOMAC_VERILOG "/stationary_functions.svh")
POTOMAC_VERILOG_FILE(os_loops, POTOMAC_VERILOG "/output_stationary_array_loops.sv")
POTOMAC_VERILOG_FILE(st_loops, POTOMAC_VERILOG "/stationary_array_loops.sv")
POTOMAC_VERILOG_FILE(interface, POTOMAC_HARNESS "/array_interface.hpp")
POTOMAC_VERILOG_FILE(slots, POTOMAC_HARNESS "/slots.hpp")
POTOMAC_VERILOG_FILE(os_monitor, POTOMAC_HARNESS "/output_stationary_monitor.hpp")
POTOMAC_VERILOG_FILE(st_monitor, POTOMAC_HARNESS "/stationary_monitor.hpp")
POTOMAC_VERILOG_FILE(array, POTOMAC_HARNESS "/array.cpp")

namespace potomac::sim {

std::vector<SourceFile> verilog_sources() {
  const auto text = [](const char* begin, const char* end) { return std::string(begin, end); };
  return {
      {"mf_mac_functions.svh",
       text(potomac_verilog_mf_mac_functions, potomac_verilog_mf_mac_functions_end)},
      {"fp32_mac_functions.svh",
       text(potomac_verilog_fp32_mac_functions, potomac_verilog_fp32_mac_functions_end)},
      {"mac_functions.svh", text(potomac_verilog_mac_functions, potomac_verilog_mac_functions_end)},
      {"register_functions.svh",
       text(potomac_verilog_register_functions, potomac_verilog_register_functions_end)},
      {"output_stationary_functions.svh",
       text(potomac_verilog_os_functions, potomac_verilog_os_functions_end)},
      {"stationary_functions.svh",
       text(potomac_verilog_st_functions, potomac_verilog_st_functions_end)},
      {"output_stationary_array_loops.sv",
       text(potomac_verilog_os_loops, potomac_verilog_os_loops_end)},
      {"stationary_array_loops.sv", text(potomac_verilog_st_loops, potomac_verilog_st_loops_end)},
      {"array_interface.hpp", text(potomac_verilog_interface, potomac_verilog_interface_end)},
      {"slots.hpp", text(potomac_verilog_slots, potomac_verilog_slots_end)},
      {"output_stationary_monitor.hpp",
       text(potomac_verilog_os_monitor, potomac_verilog_os_monitor_end)},
      {"stationary_monitor.hpp", text(potomac_verilog_st_monitor, potomac_verilog_st_monitor_end)},
      {"array.cpp", text(potomac_verilog_array, potomac_verilog_array_end)},
  };
}

}  // namespace potomac::sim
