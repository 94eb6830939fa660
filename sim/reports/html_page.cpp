#include "sim/reports/html_page.hpp"

#include <fmt/format.h>

#include <map>
#include <string_view>

#include "sim/reports/page_files.hpp"
#include "sim/results/page_json.hpp"
#include "support/atomic_file.hpp"
#include "support/digest.hpp"
#include "support/output_files.hpp"

namespace potomac::sim {
namespace {

// JSON as the content of a <script>: no "</script>" and no "<!--" can stand in it.
std::string json_in_html(std::string_view json) {
  std::string text;
  text.reserve(json.size());
  for (const char c : json) {
    if (c == '<') {
      text += "\\u003c";
    } else {
      text += c;
    }
  }
  return text;
}

// Only these scripts run, whatever a name in a report holds, and nothing is loaded.
std::string security_policy() {
  return fmt::format(
      "default-src 'none'; script-src 'sha256-{}' 'sha256-{}'; style-src 'unsafe-inline'; "
      "img-src data:; base-uri 'none'; form-action 'none'",
      sha256_base64_of(page_charts()), sha256_base64_of(page_script()));
}

// The skeleton with each {{name}} replaced.
std::string filled(const std::map<std::string_view, std::string_view>& parts) {
  std::string page;
  std::string_view rest = page_skeleton();
  for (std::size_t begin = rest.find("{{"); begin != std::string_view::npos;
       begin = rest.find("{{")) {
    const std::size_t end = rest.find("}}", begin);
    page += rest.substr(0, begin);
    page += parts.at(rest.substr(begin + 2, end - begin - 2));
    rest.remove_prefix(end + 2);
  }
  return page += rest;
}

std::string page_of(std::string_view json) {
  const std::string policy = security_policy();
  const std::string data = json_in_html(json);
  return filled({{"policy", policy},
                 {"style", page_style()},
                 {"data", data},
                 {"charts", page_charts()},
                 {"script", page_script()},
                 {"notice", page_notice()}});
}

}  // namespace

std::string html_page(std::span<const NamedRun> runs) {
  return page_of(page_json(runs));
}

std::string html_page(const SweepTable& sweep) {
  return page_of(page_json(sweep));
}

void write_page(const std::filesystem::path& file, std::string_view page) {
  make_folder_of(file);
  write_file_atomically(file, page);
}

}  // namespace potomac::sim
