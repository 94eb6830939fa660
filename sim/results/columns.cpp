#include "sim/results/columns.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <functional>
#include <utility>

#include "energy/counts/actions.hpp"
#include "sim/results/csv_field.hpp"
#include "sim/results/gemm_text.hpp"
#include "sim/results/si_units.hpp"

namespace potomac::sim {
namespace {

Cell cell_of(const Count& count) {
  return count.known() ? Cell(count.value()) : Cell();
}

Cell share_of(const Count& part, std::uint64_t whole) {
  if (!part.known() || whole == 0) {
    return {};
  }
  return Share{static_cast<double>(part.value()) / static_cast<double>(whole)};
}

// A column of the pass itself, which totals do not have.
Column of_pass(std::string path, std::string flat, std::string heading, std::string meaning,
               Cell (*get)(const PassRecord&)) {
  return {std::move(path),
          std::move(flat),
          std::move(heading),
          "",
          std::move(meaning),
          false,
          [get](const ColumnSource& s) { return s.record == nullptr ? Cell() : get(*s.record); }};
}

// An extent that all GEMMs of the pass share; not known where they differ.
Column of_shape(const char* name, std::int64_t workloads::GemmShape::*member, const char* meaning) {
  return {"", name, "", "", meaning, false, [member](const ColumnSource& s) {
            if (s.record == nullptr || s.record->gemms.empty()) {
              return Cell();
            }
            const std::int64_t first = s.record->gemms.front().*member;
            const bool shared = std::ranges::all_of(
                s.record->gemms,
                [&](const workloads::GemmShape& gemm) { return gemm.*member == first; });
            return shared ? Cell(first) : Cell();
          }};
}

Column counted(std::string path, std::string flat, std::string heading, std::string unit,
               std::string meaning, std::function<Cell(const Quantities&)> get) {
  return {std::move(path),
          std::move(flat),
          std::move(heading),
          std::move(unit),
          std::move(meaning),
          true,
          [get = std::move(get)](const ColumnSource& s) { return get(s.quantities); }};
}

void add_actions(std::vector<Column>& list, const std::string& path, const std::string& prefix,
                 energy::ActionCounts Quantities::*machine) {
  for (const energy::ActionInfo& action : energy::kActions) {
    list.push_back({fmt::format("{}.{}", path, action.name), prefix + std::string(action.name), "",
                    std::string(action.unit), std::string(action.description), true,
                    [machine, member = action.member](const ColumnSource& s) {
                      return cell_of(s.quantities.*machine.*member);
                    }});
  }
}

void add_toggles(std::vector<Column>& list, const std::string& name,
                 energy::RegisterToggles Quantities::*machine) {
  for (const energy::RegisterClass& registers : energy::kRegisterClasses) {
    list.push_back({fmt::format("{}.{}", name, registers.name),
                    fmt::format("{}_{}", name, registers.name), "", "bit",
                    std::string(registers.description), true,
                    [machine, member = registers.member](const ColumnSource& s) {
                      return cell_of(s.quantities.*machine.*member);
                    }});
  }
}

void add_cycles(std::vector<Column>& list, const std::string& name, Cycles Quantities::*machine) {
  const auto add = [&](const char* part, const char* meaning, std::uint64_t (*get)(const Cycles&)) {
    list.push_back(counted(fmt::format("{}.{}", name, part), fmt::format("{}_{}", name, part), "",
                           "cycle", meaning,
                           [machine, get](const Quantities& q) { return Cell(get(q.*machine)); }));
  };
  add("total", "preload + stream + drain + stall", [](const Cycles& c) { return c.total(); });
  add("preload", "loading stationary tiles", [](const Cycles& c) { return c.preload; });
  add("stream", "slots, and the skew around them", [](const Cycles& c) { return c.stream; });
  add("drain", "the pass's last results leave", [](const Cycles& c) { return c.drain; });
  add("stall", "waiting for memory", [](const Cycles& c) { return c.stall; });
}

// One machine's memory.
struct MemoryOf {
  std::string path;  // in report.json
  std::string flat;
  std::string machine;
  energy::MemoryAccesses Quantities::*accesses;
  Cycles Quantities::*cycles;
  std::uint64_t Quantities::*macs;
  std::vector<Blocking> PassRecord::*tiles;
};

// Bits that DRAM can move in a cycle; nothing if there is none, or an ideal one.
std::optional<double> dram_bits_per_cycle(const Architecture& architecture) {
  if (!architecture.memory || !architecture.memory->dram) {
    return std::nullopt;
  }
  return peak_gb_s(*architecture.memory->dram) * 8e3 / architecture.clock_mhz;
}

std::optional<double> dram_bits(const energy::MemoryAccesses& accesses) {
  if (!accesses.known()) {
    return std::nullopt;
  }
  return static_cast<double>(accesses.bus_bits().value());
}

void add_roofline(std::vector<Column>& list, const MemoryOf& memory) {
  const auto add = [&](const char* name, const char* unit, std::string meaning, auto get) {
    list.push_back({fmt::format("{}.{}", memory.path, name),
                    fmt::format("{}_{}", memory.flat, name), "", unit, std::move(meaning), true,
                    [memory, get](const ColumnSource& s) -> Cell {
                      const std::optional<double> bits = dram_bits(s.quantities.*memory.accesses);
                      if (!bits || *bits == 0.0) {
                        return {};
                      }
                      return get(s, *bits);
                    }});
  };
  add("macs_per_byte", "MAC/B", "operational intensity: MACs for each byte of DRAM traffic",
      [memory](const ColumnSource& s, double bits) {
        return Cell(static_cast<double>(s.quantities.*memory.macs) * 8.0 / bits);
      });
  add("roofline", "",
      "the part of the array's peak that DRAM's bandwidth allows at this intensity, at most 1",
      [memory](const ColumnSource& s, double bits) {
        const std::optional<double> bandwidth = dram_bits_per_cycle(s.architecture);
        return bandwidth
                   ? Cell(Share{std::min(1.0, static_cast<double>(s.quantities.*memory.macs) /
                                                  bits * *bandwidth /
                                                  static_cast<double>(s.architecture.array.pes()))})
                   : Cell(Share{1.0});
      });
  add("bandwidth_used", "", "DRAM traffic / (bandwidth * cycles)",
      [memory](const ColumnSource& s, double bits) {
        const std::optional<double> bandwidth = dram_bits_per_cycle(s.architecture);
        const auto cycles = static_cast<double>((s.quantities.*memory.cycles).total());
        return bandwidth ? Cell(Share{bits / (*bandwidth * cycles)}) : Cell();
      });
  add("bound_by", "",
      "which of the two alone takes longer: `array`, its cycles without stalls, or `dram`, its "
      "traffic at full bandwidth",
      [memory](const ColumnSource& s, double bits) {
        const std::optional<double> bandwidth = dram_bits_per_cycle(s.architecture);
        const Cycles& cycles = s.quantities.*memory.cycles;
        const auto busy = static_cast<double>(cycles.total() - cycles.stall);
        return Cell(std::string(bandwidth && bits / *bandwidth > busy ? "dram" : "array"));
      });
}

void add_memory(std::vector<Column>& list, const MemoryOf& memory) {
  const auto add = [&](const std::string& path, std::string_view unit, std::string meaning,
                       auto get) {
    std::string flat = path;
    std::ranges::replace(flat, '.', '_');
    list.push_back({fmt::format("{}.{}", memory.path, path),
                    fmt::format("{}_{}", memory.flat, flat), "", std::string(unit),
                    std::move(meaning), true, [memory, get](const ColumnSource& s) {
                      return cell_of(get(s.quantities.*memory.accesses));
                    }});
  };
  list.push_back({memory.path + ".tiles", memory.flat + "_tiles", "", "",
                  fmt::format("{}: the tiles of each of `gemms`, and the order of their loops",
                              memory.machine),
                  false, [memory](const ColumnSource& s) {
                    return s.record == nullptr || !s.architecture.memory
                               ? Cell()
                               : Cell(s.record->*memory.tiles);
                  }});
  add_roofline(list, memory);
  for (const energy::TrafficInfo& traffic : energy::kTraffic) {
    add(std::string(traffic.name), traffic.unit, std::string(traffic.description),
        [member = traffic.member](const energy::MemoryAccesses& a) { return a.*member; });
  }
  for (const energy::MemoryInfo& one : energy::kMemories) {
    for (const energy::AccessInfo& access : energy::kAccesses) {
      add(fmt::format("{}.{}", one.name, access.name), access.unit,
          fmt::format("{}: {}", one.description, access.description),
          [of = one.member, member = access.member](const energy::MemoryAccesses& a) {
            return a.*of.*member;
          });
    }
  }
}

void add_stalls(std::vector<Column>& list, const std::string& name, StallBy Quantities::*machine) {
  const auto add = [&](const char* part, const char* meaning, Count StallBy::*member) {
    list.push_back(counted(
        fmt::format("{}.{}", name, part), fmt::format("{}_{}", name, part), "", "cycle", meaning,
        [machine, member](const Quantities& q) { return cell_of(q.*machine.*member); }));
  };
  add("first", "of the stalls: waiting for the first operand", &StallBy::first);
  add("second", "waiting for the second operand", &StallBy::second);
  add("results", "waiting for room for results, for their partial sums, or at the end for DRAM",
      &StallBy::results);
}

// The largest cause of idle PE cycles and its share of all PE cycles: "fill 46%".
Cell idle_text(const ColumnSource& source) {
  const std::uint64_t cycles = source.quantities.cycles.total();
  const energy::IdleCause* largest = energy::kIdleCauses.data();
  for (const energy::IdleCause& cause : energy::kIdleCauses) {
    if ((source.quantities.actions.*cause.member).value() >
        (source.quantities.actions.*largest->member).value()) {
      largest = &cause;
    }
  }
  const auto idle = static_cast<double>((source.quantities.actions.*largest->member).value());
  if (cycles == 0 || idle == 0.0) {
    return {};
  }
  return fmt::format(
      "{} {:.0f}%", largest->name,
      100.0 * idle /
          (static_cast<double>(source.architecture.array.pes()) * static_cast<double>(cycles)));
}

std::vector<Column> make_columns() {
  std::vector<Column> list;
  list.push_back(of_pass("layer", "layer", "", "the layer's name in the trace",
                         [](const PassRecord& r) { return Cell(r.layer); }));
  list.push_back(
      of_pass("pass", "pass", "layer, pass", "forward, backward-data or backward-weight",
              [](const PassRecord& r) { return Cell(std::string(workloads::name_of(r.pass))); }));
  list.push_back(of_pass("gemms", "", "GEMMs, MxNxK",
                         "runs of equal GEMMs in their order: count, m, n, k",
                         [](const PassRecord& r) { return Cell(r.gemms); }));
  list.push_back(of_pass("", "count", "", "GEMMs: groups, batches or phases",
                         [](const PassRecord& r) { return Cell(workloads::count_of(r.gemms)); }));
  list.push_back(of_shape("m", &workloads::GemmShape::m, "rows of an output; empty: they differ"));
  list.push_back(of_shape("n", &workloads::GemmShape::n, "columns of an output"));
  list.push_back(of_shape("k", &workloads::GemmShape::k, "depth of the reduction"));
  list.push_back(counted("folds", "folds", "", "", "array-fulls, over all GEMMs",
                         [](const Quantities& q) { return Cell(q.folds); }));
  list.push_back(counted("", "", "cycles", "cycle", "cycles.total",
                         [](const Quantities& q) { return Cell(q.cycles.total()); }));
  list.push_back(counted("macs", "macs", "", "MAC",
                         "of all GEMMs, m * n * k each: zeros and padding are slots too",
                         [](const Quantities& q) { return Cell(q.macs); }));
  list.push_back({"utilization", "utilization", "util.", "",
                  "macs / (PEs * cycles.total), between 0 and 1", true, [](const ColumnSource& s) {
                    const auto share = utilization(s.quantities, s.architecture.array);
                    return share ? Cell(Share{*share}) : Cell();
                  }});
  list.push_back({"", "", "idle by", "",
                  "the largest cause of PE cycles without a MAC, and its share", true, idle_text});
  list.push_back(
      of_pass("accumulator.bits", "accumulator_bits", "", "the accumulator's width",
              [](const PassRecord& r) { return Cell(std::int64_t{r.accumulator.bits}); }));
  list.push_back(
      of_pass("accumulator.lsb", "accumulator_lsb", "",
              "its lowest bit weighs 2^lsb (`exact` made a number)",
              [](const PassRecord& r) { return Cell(std::int64_t{r.accumulator.lsb}); }));
  list.push_back(counted("zero_operand_macs.structural", "zero_operand_macs_structural", "", "MAC",
                         "MACs with an operand that is padding or a hole, gated or not",
                         [](const Quantities& q) { return Cell(q.structural_zero_macs); }));
  list.push_back(counted("zero_operand_macs.value", "zero_operand_macs_value", "", "MAC",
                         "MACs with a zero operand besides, gated or not",
                         [](const Quantities& q) { return cell_of(q.value_zero_macs); }));
  list.push_back(counted("", "", "zeros", "", "gated_mac / macs", [](const Quantities& q) {
    return share_of(q.actions.gated_mac, q.macs);
  }));
  list.push_back(counted("baseline_macs", "baseline_macs", "", "MAC",
                         "of the FP32 array: an activation's second power has none",
                         [](const Quantities& q) { return Cell(q.baseline_macs); }));
  add_cycles(list, "cycles", &Quantities::cycles);
  add_cycles(list, "baseline_cycles", &Quantities::baseline_cycles);
  add_actions(list, "actions", "", &Quantities::actions);
  add_actions(list, "baseline_actions", "baseline_", &Quantities::baseline_actions);
  add_toggles(list, "toggles", &Quantities::toggles);
  add_toggles(list, "baseline_toggles", &Quantities::baseline_toggles);
  add_stalls(list, "stall_by", &Quantities::stall_by);
  add_stalls(list, "baseline_stall_by", &Quantities::baseline_stall_by);
  add_memory(list, {"memory.mf_mac", "memory", "the MF-MAC array", &Quantities::memory,
                    &Quantities::cycles, &Quantities::macs, &PassRecord::tiles});
  add_memory(list, {"memory.fp32_mac", "baseline_memory", "the FP32 array",
                    &Quantities::baseline_memory, &Quantities::baseline_cycles,
                    &Quantities::baseline_macs, &PassRecord::baseline_tiles});
  return list;
}

// "cycles.total": json["cycles"]["total"].
void put(nlohmann::ordered_json& json, std::string_view path, nlohmann::ordered_json value) {
  const std::size_t dot = path.find('.');
  nlohmann::ordered_json& child = json[std::string(path.substr(0, dot))];
  if (dot == std::string_view::npos) {
    child = std::move(value);
  } else {
    put(child, path.substr(dot + 1), std::move(value));
  }
}

struct JsonCell {
  nlohmann::ordered_json operator()(std::monostate /*unknown*/) const { return nullptr; }
  nlohmann::ordered_json operator()(Share share) const { return share.value; }
  nlohmann::ordered_json operator()(const std::vector<workloads::GemmShape>& gemms) const {
    nlohmann::ordered_json json = nlohmann::ordered_json::array();
    for (const workloads::GemmShape& gemm : gemms) {
      json.push_back({{"count", gemm.count}, {"m", gemm.m}, {"n", gemm.n}, {"k", gemm.k}});
    }
    return json;
  }
  nlohmann::ordered_json operator()(const std::vector<Blocking>& tiles) const {
    nlohmann::ordered_json json = nlohmann::ordered_json::array();
    for (const Blocking& tile : tiles) {
      json.push_back({{"loop_order", loop_order_text(tile.order)},
                      {"m", tile.extents[Index::kM]},
                      {"n", tile.extents[Index::kN]},
                      {"k", tile.extents[Index::kK]}});
    }
    return json;
  }
  nlohmann::ordered_json operator()(const auto& value) const { return value; }
};

struct CsvCell {
  std::string operator()(std::monostate /*unknown*/) const { return {}; }
  std::string operator()(Share share) const { return fmt::format("{}", share.value); }
  std::string operator()(const std::string& text) const { return csv_field(text); }
  std::string operator()(const std::vector<workloads::GemmShape>& gemms) const {
    return csv_field(gemm_text(gemms));
  }
  std::string operator()(const std::vector<Blocking>& tiles) const {
    return csv_field(tile_text(tiles));
  }
  std::string operator()(const auto& number) const { return fmt::format("{}", number); }
};

struct TextCell {
  std::string operator()(std::monostate /*unknown*/) const { return "-"; }
  std::string operator()(Share share) const { return fmt::format("{:.1f}%", 100.0 * share.value); }
  std::string operator()(std::uint64_t count) const { return si_count(count); }
  std::string operator()(const std::vector<workloads::GemmShape>& gemms) const {
    return gemm_text(gemms);
  }
  std::string operator()(const std::vector<Blocking>& tiles) const { return tile_text(tiles); }
  std::string operator()(const auto& value) const { return fmt::format("{}", value); }
};

}  // namespace

std::span<const Column> columns() {
  static const std::vector<Column> list = make_columns();
  return list;
}

const Column& column_named(std::string_view flat) {
  const auto found = std::ranges::find(columns(), flat, &Column::flat);
  assert(found != columns().end());
  return *found;
}

nlohmann::ordered_json json_cell(const Cell& cell) {
  return std::visit(JsonCell{}, cell);
}

std::string csv_cell(const Cell& cell) {
  return std::visit(CsvCell{}, cell);
}

std::string text_cell(const Cell& cell) {
  return std::visit(TextCell{}, cell);
}

nlohmann::ordered_json json_of(const ColumnSource& source, bool totals) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (const Column& column : columns()) {
    if (!column.path.empty() && (column.of_totals || !totals)) {
      put(json, column.path, json_cell(column.get(source)));
    }
  }
  // Where none was asked for, there is no class to name.
  for (const char* toggles : {"toggles", "baseline_toggles"}) {
    if (std::ranges::all_of(json[toggles], [](const auto& count) { return count.is_null(); })) {
      json[toggles] = nullptr;
    }
  }
  if (!source.architecture.memory) {
    for (const char* memory : {"stall_by", "baseline_stall_by", "memory"}) {
      json[memory] = nullptr;
    }
  }
  return json;
}

}  // namespace potomac::sim
