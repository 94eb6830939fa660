#include "sim/results/columns.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "sim/machine/architecture_keys.hpp"
#include "sim/results/roofline.hpp"

namespace potomac::sim {
namespace {

Cell cell_of(const Count& count) {
  return count.known() ? Cell(count.value()) : Cell();
}
Cell cell_of(const std::optional<double>& value) {
  return value ? Cell(*value) : Cell();
}
Count count_of(const Cell& cell) {
  const auto* const count = std::get_if<std::uint64_t>(&cell);
  return count == nullptr ? Count::unknown() : Count(*count);
}

// --- of a pass -----------------------------------------------------------------------------------

workloads::Pass pass_of(const Cell& cell) {
  return *std::ranges::find(workloads::kPasses, std::get<std::string>(cell),
                            [](workloads::Pass pass) { return workloads::name_of(pass); });
}

// An extent that all GEMMs of the pass share; not known where they differ.
PassColumn of_shape(const char* name, std::int64_t workloads::GemmShape::*member,
                    const char* meaning) {
  return {{"", "", "", meaning},
          name,
          CellKind::kInteger,
          [member](const PassRecord& record) {
            if (record.gemms.empty()) {
              return Cell();
            }
            const std::int64_t first = record.gemms.front().*member;
            const bool shared = std::ranges::all_of(
                record.gemms,
                [&](const workloads::GemmShape& gemm) { return gemm.*member == first; });
            return shared ? Cell(first) : Cell();
          },
          {}};
}

std::vector<PassColumn> make_pass_columns() {
  using workloads::GemmShape;
  return {
      {{"layer", "", "", "the layer's name in the workload"},
       "layer",
       CellKind::kText,
       [](const PassRecord& r) { return Cell(r.layer); },
       [](PassRecord& r, const Cell& cell) { r.layer = std::get<std::string>(cell); }},
      {{"pass", "layer, pass", "", "forward, backward-data or backward-weight"},
       "pass",
       CellKind::kPass,
       [](const PassRecord& r) { return Cell(std::string(workloads::name_of(r.pass))); },
       [](PassRecord& r, const Cell& cell) { r.pass = pass_of(cell); }},
      {{"gemms", "GEMMs, MxNxK", "", "runs of equal GEMMs in their order: count, m, n, k"},
       "",
       CellKind::kGemms,
       [](const PassRecord& r) { return Cell(r.gemms); },
       [](PassRecord& r, const Cell& cell) { r.gemms = std::get<std::vector<GemmShape>>(cell); }},
      {{"", "", "", "GEMMs: groups, batches or phases"},
       "count",
       CellKind::kInteger,
       [](const PassRecord& r) { return Cell(workloads::count_of(r.gemms)); },
       {}},
      of_shape("m", &GemmShape::m, "rows of an output; empty: they differ"),
      of_shape("n", &GemmShape::n, "columns of an output"),
      of_shape("k", &GemmShape::k, "depth of the reduction"),
  };
}

// --- of a machine --------------------------------------------------------------------------------

class MachineColumns {
 public:
  std::vector<MachineColumn> take() { return std::move(list_); }

  // A number that others follow from.
  template <typename Of>
  void add_count(std::string path, std::string_view unit, std::string_view meaning, const Of& of) {
    // `of` gives a reference to the member, of whichever constness.
    using Member = std::remove_cvref_t<decltype(of(std::declval<Quantities&>()))>;
    constexpr bool kMayBeUnknown = std::is_same_v<Member, Count>;
    list_.push_back({{std::move(path), "", std::string(unit), std::string(meaning)},
                     true,
                     kMayBeUnknown ? CellKind::kUnknownCount : CellKind::kCount,
                     [of](const MachineSource& s) { return cell_of(Count(of(s.quantities))); },
                     [of](MachineRecord& r, const Cell& cell) {
                       if constexpr (kMayBeUnknown) {
                         of(r.quantities) = count_of(cell);
                       } else {
                         of(r.quantities) = std::get<std::uint64_t>(cell);
                       }
                     }});
  }

  // A number that follows from others.
  void add_derived(std::string path, std::string heading, std::string unit, std::string meaning,
                   std::function<Cell(const MachineSource&)> get) {
    list_.push_back({{std::move(path), std::move(heading), std::move(unit), std::move(meaning)},
                     true,
                     CellKind::kCount,
                     std::move(get),
                     {}});
  }

  void add(MachineColumn column) { list_.push_back(std::move(column)); }

 private:
  std::vector<MachineColumn> list_;
};

// The largest cause of idle PE cycles and its share of all PE cycles: "fill 46%".
Cell idle_text(const MachineSource& source) {
  const std::uint64_t cycles = source.quantities.cycles.total();
  const energy::ActionCounts& actions = source.quantities.actions;
  const auto& largest = *std::ranges::max_element(
      energy::kIdleCauses, {},
      [&](const energy::IdleCause& cause) { return (actions.*cause.member).value(); });
  const auto idle = static_cast<double>((actions.*largest.member).value());
  if (cycles == 0 || idle == 0.0) {
    return {};
  }
  return fmt::format(
      "{} {:.0f}%", largest.name,
      100.0 * idle /
          (static_cast<double>(source.machine.array.pes()) * static_cast<double>(cycles)));
}

void add_cycles(MachineColumns& list) {
  list.add_derived("cycles.total", "cycles", "cycle", "preload + stream + drain + stall",
                   [](const MachineSource& s) { return Cell(s.quantities.cycles.total()); });
  list.add_count(
      "cycles.preload", "cycle", "loading stationary tiles",
      [](auto& q) -> auto& { return q.cycles.preload; });
  list.add_count(
      "cycles.stream", "cycle", "slots, and the skew around them",
      [](auto& q) -> auto& { return q.cycles.stream; });
  list.add_count(
      "cycles.drain", "cycle", "the pass's last results leave",
      [](auto& q) -> auto& { return q.cycles.drain; });
  list.add_count(
      "cycles.stall", "cycle", "waiting for memory",
      [](auto& q) -> auto& { return q.cycles.stall; });
  list.add_derived("time_s", "", "s", "cycles.total at the machine's clock",
                   [](const MachineSource& s) { return Cell(time_s(s.quantities, s.machine)); });
}

void add_accumulator(MachineColumns& list) {
  const auto add = [&](const char* path, const char* meaning, int rtl::Accumulator::*member) {
    list.add({{path, "", "", meaning},
              false,
              CellKind::kInteger,
              [member](const MachineSource& s) {
                return s.record == nullptr || !s.record->accumulator
                           ? Cell()
                           : Cell(std::int64_t{(*s.record->accumulator).*member});
              },
              [member](MachineRecord& r, const Cell& cell) {
                if (const auto* const value = std::get_if<std::int64_t>(&cell)) {
                  rtl::Accumulator& accumulator =
                      r.accumulator ? *r.accumulator : r.accumulator.emplace();
                  accumulator.*member = static_cast<int>(*value);
                }
              }});
  };
  add("accumulator.bits", "the accumulator's width (MF-MAC)", &rtl::Accumulator::bits);
  add("accumulator.lsb", "its lowest bit weighs 2^lsb (`exact` made a number)",
      &rtl::Accumulator::lsb);
}

void add_roofline(MachineColumns& list) {
  const auto add = [&](const char* name, const char* unit, const char* meaning, auto get) {
    list.add_derived(fmt::format("memory.{}", name), "", unit, meaning,
                     [get](const MachineSource& s) -> Cell {
                       const std::optional<Roofline> roofline =
                           roofline_of(s.quantities, s.machine, s.architecture);
                       return roofline ? get(*roofline) : Cell();
                     });
  };
  add("macs_per_byte", "MAC/B", "operational intensity: MACs for each byte of DRAM traffic",
      [](const Roofline& r) { return Cell(r.macs_per_byte); });
  add("roofline", "",
      "the part of the array's peak that DRAM's bandwidth allows at this intensity, at most 1",
      [](const Roofline& r) { return Cell(Share{r.peak_share}); });
  add("bandwidth_used", "", "DRAM traffic / (bandwidth * cycles)",
      [](const Roofline& r) { return r.bandwidth_used ? Cell(Share{*r.bandwidth_used}) : Cell(); });
  add("bound_by", "",
      "which of the two alone takes longer: `array`, its cycles without stalls, or `dram`, its "
      "traffic at full bandwidth",
      [](const Roofline& r) { return Cell(std::string(r.bound_by_dram ? "dram" : "array")); });
}

void add_memory(MachineColumns& list) {
  list.add({{"tiles", "", "", "the tiles of each of `gemms`, and the order of their loops"},
            false,
            CellKind::kTiles,
            [](const MachineSource& s) {
              return s.record == nullptr || !s.architecture.memory ? Cell() : Cell(s.record->tiles);
            },
            [](MachineRecord& r, const Cell& cell) {
              if (const auto* const tiles = std::get_if<std::vector<Blocking>>(&cell)) {
                r.tiles = *tiles;
              }
            }});
  list.add(
      {{"tiles_chosen_for", "", "", "`time`, `traffic`, or `given`: the user's own (memory.tiles)"},
       false,
       CellKind::kUnknownText,
       [](const MachineSource& s) {
         return s.record == nullptr || s.record->tiles_costs.chosen_for.empty()
                    ? Cell()
                    : Cell(s.record->tiles_costs.chosen_for);
       },
       [](MachineRecord& r, const Cell& cell) {
         if (const auto* const text = std::get_if<std::string>(&cell)) {
           r.tiles_costs.chosen_for = *text;
         }
       }});
  for (const TilesCostInfo& cost : kTilesCosts) {
    list.add({{std::string(cost.path), "", std::string(cost.unit), std::string(cost.meaning)},
              false,
              CellKind::kUnknownCount,
              [member = cost.member](const MachineSource& s) {
                return s.record == nullptr ? Cell() : cell_of(s.record->tiles_costs.*member);
              },
              [member = cost.member](MachineRecord& r, const Cell& cell) {
                const auto* const count = std::get_if<std::uint64_t>(&cell);
                r.tiles_costs.*member = count == nullptr ? Count::unknown() : Count(*count);
              }});
  }
  list.add_count(
      "stall_by.first", "cycle", "of the stalls: waiting for the first operand",
      [](auto& q) -> auto& { return q.stall_by.first; });
  list.add_count(
      "stall_by.second", "cycle", "waiting for the second operand",
      [](auto& q) -> auto& { return q.stall_by.second; });
  list.add_count(
      "stall_by.results", "cycle",
      "waiting for room for results, for their partial sums, or at the end for DRAM",
      [](auto& q) -> auto& { return q.stall_by.results; });
  add_roofline(list);
  for (const energy::TrafficInfo& traffic : energy::kTraffic) {
    list.add_count(
        fmt::format("memory.{}", traffic.name), traffic.unit,
        traffic.description, [member = traffic.member](auto& q) -> auto& {
          return q.memory.*member;
        });
  }
  for (const energy::MemoryInfo& memory : energy::kMemories) {
    for (const energy::AccessInfo& access : energy::kAccesses) {
      list.add_count(
          fmt::format("memory.{}.{}", memory.name, access.name), access.unit,
          fmt::format("{}: {}", memory.description, access.description),
          [ of = memory.member, member = access.member ](auto& q) -> auto& {
            return q.memory.*of.*member;
          });
    }
  }
}

std::vector<MachineColumn> make_machine_columns() {
  MachineColumns list;
  list.add_count(
      "macs", "MAC", "of all GEMMs, m * n * k each: zeros and padding are slots too",
      [](auto& q) -> auto& { return q.macs; });
  list.add_count(
      "folds", "", "array-fulls, over all GEMMs", [](auto& q) -> auto& { return q.folds; });
  add_cycles(list);
  list.add_derived("utilization", "util.", "", "macs / (PEs * cycles.total), between 0 and 1",
                   [](const MachineSource& s) {
                     const auto share = utilization(s.quantities, s.machine.array);
                     return share ? Cell(Share{*share}) : Cell();
                   });
  list.add_derived("", "idle by", "", "the largest cause of PE cycles without a MAC, and its share",
                   idle_text);
  add_accumulator(list);
  list.add_count(
      "zero_operand_macs.structural", "MAC",
      "MACs with an operand that is padding or a hole, gated or not",
      [](auto& q) -> auto& { return q.structural_zero_macs; });
  list.add_count(
      "zero_operand_macs.value", "MAC", "MACs with a zero operand besides, gated or not",
      [](auto& q) -> auto& { return q.value_zero_macs; });
  list.add_derived("", "zeros", "", "gated_mac / macs", [](const MachineSource& s) -> Cell {
    const Count& gated = s.quantities.actions.gated_mac;
    if (!gated.known() || s.quantities.macs == 0) {
      return {};
    }
    return Share{static_cast<double>(gated.value()) / static_cast<double>(s.quantities.macs)};
  });
  for (const energy::ActionInfo& action : energy::kActions) {
    list.add_count(
        fmt::format("actions.{}", action.name), action.unit,
        action.description, [member = action.member](auto& q) -> auto& {
          return q.actions.*member;
        });
  }
  for (const energy::RegisterClass& registers : energy::kRegisterClasses) {
    list.add_count(
        fmt::format("toggles.{}", registers.name), "bit",
        registers.description, [member = registers.member](auto& q) -> auto& {
          return q.toggles.*member;
        });
  }
  add_memory(list);
  return list.take();
}

// --- of an energy --------------------------------------------------------------------------------

std::vector<EnergyColumn> make_energy_columns() {
  // The time that the work takes; nothing where there is none.
  const auto seconds = [](const EnergySource& s) -> std::optional<double> {
    if (s.quantities == nullptr || s.machine == nullptr || s.quantities->cycles.total() == 0) {
      return std::nullopt;
    }
    return time_s(*s.quantities, *s.machine);
  };
  std::vector<EnergyColumn> list = {
      {{"total", "", "pJ", "all components; DRAM at the low end of the table's range"},
       true,
       [](const EnergySource& s) { return Cell(s.row.total_pj()); }},
      {{"total_zeros_gated", "", "pJ",
        "without the arithmetic of MACs that have a zero operand; null where their number is not "
        "known"},
       true,
       [](const EnergySource& s) { return cell_of(s.row.total_zeros_gated_pj()); }},
      {{"total_dram_high", "", "pJ",
        "with DRAM at the high end of its range; null where the accounting has no DRAM"},
       true,
       [](const EnergySource& s) { return cell_of(s.row.total_dram_high_pj()); }},
      {{"power_w", "", "W", "total / time"},
       false,
       [seconds](const EnergySource& s) -> Cell {
         const auto time = seconds(s);
         return time ? Cell(s.row.total_pj() * 1e-12 / *time) : Cell();
       }},
      {{"tops_per_w", "", "TOPS/W", "operations, two a MAC, for each joule, / 10^12"},
       false,
       [](const EnergySource& s) -> Cell {
         const double total = s.row.total_pj();
         return total > 0.0 ? Cell(2.0 * static_cast<double>(s.row.macs) / total) : Cell();
       }},
      {{"energy_delay_js", "", "J s", "energy-delay product: total * time"},
       false,
       [seconds](const EnergySource& s) -> Cell {
         const auto time = seconds(s);
         return time ? Cell(s.row.total_pj() * 1e-12 * *time) : Cell();
       }},
      {{"energy_per_input", "", "pJ",
        "total / inputs of the workload's batch; null if it has none"},
       false,
       [](const EnergySource& s) -> Cell {
         return s.batch ? Cell(s.row.total_pj() / static_cast<double>(*s.batch)) : Cell();
       }},
  };
  list.push_back({{"pe_area_um2", "", "um^2",
                   "the area of a PE, registers included, where the table has it for these widths; "
                   "scratchpads and wires between PEs are not part of it"},
                  false,
                  [](const EnergySource& s) { return cell_of(s.report.pe_area_um2); }});
  list.push_back(
      {{"array_area_mm2", "", "mm^2",
        "that of all PEs of the array: scratchpads and wires between PEs are not part of "
        "it"},
       false,
       [](const EnergySource& s) -> Cell {
         return s.machine != nullptr && s.report.pe_area_um2
                    ? Cell(*s.report.pe_area_um2 * static_cast<double>(s.machine->array.pes()) /
                           1e6)
                    : Cell();
       }});
  for (std::size_t i = 0; i < energy::kComponents.size(); ++i) {
    list.push_back({{fmt::format("by_component.{}", energy::kComponents.at(i).name), "", "pJ",
                     fmt::format("of total: {}; null where the accounting leaves it out, or there "
                                 "is no memory",
                                 energy::kComponents.at(i).label)},
                    true,
                    [i](const EnergySource& s) { return cell_of(s.row.by_component.at(i)); }});
  }
  list.push_back({{"by_component.dram_high", "", "pJ", "DRAM at the high end of its range"},
                  true,
                  [](const EnergySource& s) { return cell_of(s.row.dram_high_pj); }});
  return list;
}

}  // namespace

std::string ColumnNames::flat() const {
  std::string flat = path;
  std::ranges::replace(flat, '.', '_');
  return flat;
}

std::span<const PassColumn> pass_columns() {
  static const std::vector<PassColumn> list = make_pass_columns();
  return list;
}

std::span<const MachineColumn> machine_columns() {
  static const std::vector<MachineColumn> list = make_machine_columns();
  return list;
}

const MachineColumn& machine_column(std::string_view flat) {
  const auto found = std::ranges::find_if(machine_columns(), [&](const MachineColumn& column) {
    return !column.names.path.empty() && column.names.flat() == flat;
  });
  assert(found != machine_columns().end());
  return *found;
}

std::span<const EnergyColumn> energy_columns() {
  static const std::vector<EnergyColumn> list = make_energy_columns();
  return list;
}

std::span<const EnergyColumn> figure_columns() {
  const auto all = energy_columns();
  const auto is_part = [](const EnergyColumn& column) {
    return column.names.path.find('.') != std::string::npos;
  };
  return {all.begin(), std::ranges::find_if(all, is_part)};
}

EnergySource total_source(const energy::EnergyReport& report, std::span<const Machine> machines,
                          std::span<const Quantities> totals, std::optional<std::int64_t> batch) {
  const auto machine = std::ranges::find(machines, report.machine, &Machine::id);
  assert(machine != machines.end());
  return {report, report.total, &totals[static_cast<std::size_t>(machine - machines.begin())],
          &*machine, batch};
}

std::string flat_figure(const EnergyColumn& column, const energy::EnergyReport& report) {
  const std::string name = column.names.flat();
  return energy::flat_name(name == "total" ? "energy" : name, report);
}

ColumnNames said_of_flat(const std::string& name) {
  if (const ArchitectureKey* const key = find_architecture_key(name)) {
    return {"", "", std::string(key->unit), std::string(key->meaning)};
  }
  const std::string_view figure = std::string_view(name).substr(0, name.find('['));
  if (figure == "reduction") {
    return {"", "", "less", "how much less energy MF-MAC takes than this machine"};
  }
  if (figure.size() < name.size()) {
    for (const EnergyColumn& column : energy_columns()) {
      if (column.names.flat() == (figure == "energy" ? "total" : figure)) {
        return column.names;
      }
    }
    return {};
  }
  for (const MachineColumn& column : machine_columns()) {
    const std::string flat = column.names.flat();
    if (!flat.empty() && (name == flat || name.ends_with(fmt::format("_{}", flat)))) {
      ColumnNames names = column.names;
      names.unit = names.path == "utilization" ? "share" : names.unit;
      return names;
    }
  }
  return {};
}

}  // namespace potomac::sim
