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
  return {
      {"mf_mac_functions.svh",
       {potomac_verilog_mf_mac_functions, potomac_verilog_mf_mac_functions_end}},
      {"fp32_mac_functions.svh",
       {potomac_verilog_fp32_mac_functions, potomac_verilog_fp32_mac_functions_end}},
      {"mac_functions.svh", {potomac_verilog_mac_functions, potomac_verilog_mac_functions_end}},
      {"register_functions.svh",
       {potomac_verilog_register_functions, potomac_verilog_register_functions_end}},
      {"output_stationary_functions.svh",
       {potomac_verilog_os_functions, potomac_verilog_os_functions_end}},
      {"stationary_functions.svh",
       {potomac_verilog_st_functions, potomac_verilog_st_functions_end}},
      {"skew_line.sv", {potomac_verilog_skew_line, potomac_verilog_skew_line_end}},
      {"column_drain.sv", {potomac_verilog_column_drain, potomac_verilog_column_drain_end}},
      {"output_stationary_pe.sv", {potomac_verilog_os_pe, potomac_verilog_os_pe_end}},
      {"stationary_pe.sv", {potomac_verilog_st_pe, potomac_verilog_st_pe_end}},
      {"output_stationary_array.sv", {potomac_verilog_os_array, potomac_verilog_os_array_end}},
      {"stationary_array.sv", {potomac_verilog_st_array, potomac_verilog_st_array_end}},
      {"no_monitor.hpp", {potomac_verilog_no_monitor, potomac_verilog_no_monitor_end}},
      {"output_stationary_array_loops.sv",
       {potomac_verilog_os_loops, potomac_verilog_os_loops_end}},
      {"stationary_array_loops.sv", {potomac_verilog_st_loops, potomac_verilog_st_loops_end}},
      {"array_interface.hpp", {potomac_verilog_interface, potomac_verilog_interface_end}},
      {"slots.hpp", {potomac_verilog_slots, potomac_verilog_slots_end}},
      {"output_stationary_monitor.hpp",
       {potomac_verilog_os_monitor, potomac_verilog_os_monitor_end}},
      {"stationary_monitor.hpp", {potomac_verilog_st_monitor, potomac_verilog_st_monitor_end}},
      {"array.cpp", {potomac_verilog_array, potomac_verilog_array_end}},
  };
}

}  // namespace potomac::sim
