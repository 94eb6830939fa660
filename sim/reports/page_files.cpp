#include "sim/reports/page_files.hpp"

// Each file lies between two symbols, put there by the assembler: compilers take long for a
// megabyte of text. PAGE_FOLDER and PAGE_SCRIPT come from sim/CMakeLists.txt.
// clang-format off
// NOLINTNEXTLINE(cppcoreguidelines-macro-usage): the assembler wants literals.
#define POTOMAC_PAGE_FILE(name, path)                                                        \
  asm(".pushsection .rodata\n"                                                               \
      "potomac_page_" #name ": .incbin \"" path "\"\n"                                       \
      "potomac_page_" #name "_end: .byte 0\n"                                                \
      ".popsection\n");                                                                      \
  extern "C" const char potomac_page_##name[];                                               \
  extern "C" const char potomac_page_##name##_end[];
// clang-format on

POTOMAC_PAGE_FILE(skeleton, PAGE_FOLDER "/page.html")
POTOMAC_PAGE_FILE(style, PAGE_FOLDER "/page.css")
POTOMAC_PAGE_FILE(script, PAGE_SCRIPT)
POTOMAC_PAGE_FILE(charts, PAGE_FOLDER "/echarts/echarts.min.js")
POTOMAC_PAGE_FILE(notice, PAGE_FOLDER "/echarts/NOTICE")

namespace potomac::sim {

std::string_view page_skeleton() {
  return {potomac_page_skeleton, potomac_page_skeleton_end};
}
std::string_view page_style() {
  return {potomac_page_style, potomac_page_style_end};
}
std::string_view page_script() {
  return {potomac_page_script, potomac_page_script_end};
}
std::string_view page_charts() {
  return {potomac_page_charts, potomac_page_charts_end};
}
std::string_view page_notice() {
  return {potomac_page_notice, potomac_page_notice_end};
}

}  // namespace potomac::sim
