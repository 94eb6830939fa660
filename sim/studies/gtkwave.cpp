#include "sim/studies/gtkwave.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace potomac::sim {
namespace {

using rtl::WaveformSignal;

// GTKWave's display flags (its analyzer.h).
constexpr std::uint32_t kHex = 0x2;
constexpr std::uint32_t kRightJustify = 0x20;
constexpr std::uint32_t kSigned = 0x400;
constexpr std::uint32_t kBlank = 0x200;
constexpr std::uint32_t kCollapsed = 0x1000;
constexpr std::uint32_t kFileTranslated = 0x2000;
constexpr std::uint32_t kClosed = 0x400000;
constexpr std::uint32_t kGroupBegin = 0x800000;
constexpr std::uint32_t kGroupEnd = 0x1000000;

constexpr std::string_view kSystem = "potomac.";
constexpr std::string_view kArray = "potomac.array.";

// The group of a signal: the module that it is in ("pe_0_0"), all of the skew lines or drains
// together, or the edge that it enters at.
std::string_view group_of(std::string_view name) {
  if (!name.starts_with(kArray)) {
    return "controller";
  }
  name.remove_prefix(kArray.size());
  if (name == "clk") {
    return "controller";
  }
  if (name.starts_with("pe_")) {
    return name.substr(0, name.find('.'));
  }
  if (name.starts_with("row_skew") || name.starts_with("column_skew")) {
    return "skew";
  }
  return name.starts_with("column_drain") ? "drain" : "edges";
}

// Within its group: "first operand". (GTKWave would cut it at a dot.)
std::string short_name(std::string_view name, std::string_view group) {
  const std::string_view prefix = name.starts_with(kArray) ? kArray : kSystem;
  name.remove_prefix(prefix.size());
  if (name.starts_with(group)) {
    name.remove_prefix(group.size() + 1);
  }
  std::string text(name);
  std::ranges::replace(text, '.', ' ');
  return text;
}

std::uint32_t flags_of(WaveformSignal::Kind kind) {
  switch (kind) {
    case WaveformSignal::Kind::kBit:
    case WaveformSignal::Kind::kAligned:
      return kHex | kRightJustify;
    case WaveformSignal::Kind::kOperand:
      return kHex | kRightJustify | kFileTranslated;
    case WaveformSignal::Kind::kNumber:
      break;
  }
  return kSigned | kRightJustify;
}

}  // namespace

std::string gtkwave_save_file(const std::vector<WaveformSignal>& signals,
                              const std::filesystem::path& vcd, const std::filesystem::path& codes,
                              std::uint64_t begin_ps, std::uint64_t period_ps) {
  // GTKWave shows 2^-zoom units of time in 200 pixels: here, some three cycles.
  const double zoom = -std::log2(3.0 * static_cast<double>(period_ps));
  std::string text = fmt::format(
      "[*] Register by register, grouped by PE. Open it with: gtkwave {}\n"
      "[dumpfile] \"{}\"\n"
      "[size] 1400 900\n"
      "[signals_width] 300\n"
      "[sst_width] 200\n"
      "[timestart] {}\n"
      "*{:.6f} -1\n",
      std::filesystem::path(vcd).replace_extension(".gtkw").string(), vcd.string(), begin_ps, zoom);
  const auto out = std::back_inserter(text);
  // Groups in the order of their first signals; the controller and the first PE are open.
  std::vector<std::pair<std::string_view, std::vector<const WaveformSignal*>>> groups;
  std::unordered_map<std::string_view, std::size_t> positions;
  for (const WaveformSignal& signal : signals) {
    const std::string_view group = group_of(signal.name);
    const auto [at, is_new] = positions.emplace(group, groups.size());
    if (is_new) {
      groups.emplace_back(group, 0);
    }
    groups[at->second].second.push_back(&signal);
  }
  for (const auto& [name, members] : groups) {
    const bool open = name == "controller" || name == "pe_0_0";
    fmt::format_to(out, "@{:x}\n-{}\n", kGroupBegin | kBlank | (open ? 0 : kClosed), name);
    for (const WaveformSignal* signal : members) {
      fmt::format_to(out, "@{:x}\n", flags_of(signal->kind));
      if (signal->kind == WaveformSignal::Kind::kOperand) {
        fmt::format_to(out, "^1 {}\n", codes.string());
      }
      fmt::format_to(out, "+{{{}}} SystemC.{}", short_name(signal->name, name), signal->name);
      if (signal->bits > 1) {
        fmt::format_to(out, "[{}:0]", signal->bits - 1);
      }
      text += '\n';
    }
    fmt::format_to(out, "@{:x}\n-{}\n", kGroupEnd | kBlank | (open ? 0 : kClosed | kCollapsed),
                   name);
  }
  return text;
}

std::string gtkwave_codes(rtl::PotFormat format) {
  std::string text;
  const int digits = (format.bits() + 3) / 4;
  for (int i = 0; i < format.code_count(); ++i) {
    const auto code = static_cast<rtl::PotCode>(i);
    const std::string value =
        format.is_zero(code)
            ? std::string("0")
            : fmt::format("{}2^{}", format.is_negative(code) ? "-" : "+", format.exponent(code));
    fmt::format_to(std::back_inserter(text), "{:0{}x} {}\n", i, digits, value);
  }
  return text;
}

}  // namespace potomac::sim
