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
POTOMAC_VERILOG_FILE(skew_line, POTOMAC_VERILOG "/skew_line.sv")
POTOMAC_VERILOG_FILE(column_drain, POTOMAC_VERILOG "/column_drain.sv")
POTOMAC_VERILOG_FILE(os_pe, POTOMAC_VERILOG "/output_stationary_pe.sv")
POTOMAC_VERILOG_FILE(st_pe, POTOMAC_VERILOG "/stationary_pe.sv")
POTOMAC_VERILOG_FILE(os_array, POTOMAC_VERILOG "/output_stationary_array.sv")
POTOMAC_VERILOG_FILE(st_array, POTOMAC_VERILOG "/stationary_array.sv")
POTOMAC_VERILOG_FILE(no_monitor, POTOMAC_HARNESS "/no_monitor.hpp")
POTOMAC_VERILOG_FILE(os_loops, POTOMAC_VERILOG "/output_stationary_array_loops.sv")
POTOMAC_VERILOG_FILE(st_loops, POTOMAC_VERILOG "/stationary_array_loops.sv")
POTOMAC_VERILOG_FILE(interface, POTOMAC_HARNESS "/array_interface.hpp")
POTOMAC_VERILOG_FILE(slots, POTOMAC_HARNESS "/slots.hpp")
POTOMAC_VERILOG_FILE(os_monitor, POTOMAC_HARNESS "/output_stationary_monitor.hpp")
POTOMAC_VERILOG_FILE(st_monitor, POTOMAC_HARNESS "/stationary_monitor.hpp")
POTOMAC_VERILOG_FILE(array, POTOMAC_HARNESS "/array.cpp")

namespace potomac::sim {

std::vector<SourceFile> verilog_sources() {
#define POTOMAC_TEXT(name) \
  { potomac_verilog_##name, potomac_verilog_##name##_end }
  return {
      {"mf_mac_functions.svh", POTOMAC_TEXT(mf_mac_functions)},
      {"fp32_mac_functions.svh", POTOMAC_TEXT(fp32_mac_functions)},
      {"mac_functions.svh", POTOMAC_TEXT(mac_functions)},
      {"register_functions.svh", POTOMAC_TEXT(register_functions)},
      {"output_stationary_functions.svh", POTOMAC_TEXT(os_functions)},
      {"stationary_functions.svh", POTOMAC_TEXT(st_functions)},
      {"skew_line.sv", POTOMAC_TEXT(skew_line)},
      {"column_drain.sv", POTOMAC_TEXT(column_drain)},
      {"output_stationary_pe.sv", POTOMAC_TEXT(os_pe)},
      {"stationary_pe.sv", POTOMAC_TEXT(st_pe)},
      {"output_stationary_array.sv", POTOMAC_TEXT(os_array)},
      {"stationary_array.sv", POTOMAC_TEXT(st_array)},
      {"no_monitor.hpp", POTOMAC_TEXT(no_monitor)},
      {"output_stationary_array_loops.sv", POTOMAC_TEXT(os_loops)},
      {"stationary_array_loops.sv", POTOMAC_TEXT(st_loops)},
      {"array_interface.hpp", POTOMAC_TEXT(interface)},
      {"slots.hpp", POTOMAC_TEXT(slots)},
      {"output_stationary_monitor.hpp", POTOMAC_TEXT(os_monitor)},
      {"stationary_monitor.hpp", POTOMAC_TEXT(st_monitor)},
      {"array.cpp", POTOMAC_TEXT(array)},
  };
#undef POTOMAC_TEXT
}

}  // namespace potomac::sim
