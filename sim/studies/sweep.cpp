#include "sim/studies/sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <thread>
#include <utility>

#include "energy/table_search.hpp"
#include "sim/engines/worker_pool.hpp"
#include "sim/reports/layers_csv.hpp"
#include "sim/reports/report_json.hpp"
#include "sim/reports/version.hpp"
#include "sim/studies/progress.hpp"
#include "sim/studies/run.hpp"
#include "support/atomic_file.hpp"
#include "support/error.hpp"
#include "workloads/sources/trace_reader.hpp"

namespace potomac::sim {
namespace {

using workloads::Pass;

// Puts `value` at a dotted key of an architecture document, making maps on the way. False if the
// key leads through something that is not a map, or has an empty part.
bool set_key(YAML::Node document, const std::string& key, const YAML::Node& value) {
  const std::size_t dot = key.find('.');
  const std::string head = key.substr(0, dot);
  if (head.empty() || !(document.IsMap() || document.IsNull())) {
    return false;
  }
  if (dot == std::string::npos) {
    document[head] = value;
    return true;
  }
  YAML::Node child = document[head];
  return set_key(child, key.substr(dot + 1), value);
}

// Every combination of the parameters on top of the base document.
std::vector<SweepPoint> combine(const YAML::Node& base, const std::string& file,
                                const std::vector<std::pair<std::string, YamlValue>>& parameters) {
  std::vector<SweepPoint> points;
  std::vector<std::vector<YamlValue>> choices;
  std::size_t count = 1;
  for (const auto& [key, list] : parameters) {
    choices.push_back(list.items());
    if (choices.back().empty()) {
      list.fail("has no values", "write [a, b, ...]");
    }
    count *= choices.back().size();
    if (count > kMaxSweepPoints) {
      list.fail(fmt::format("makes more than {} points", kMaxSweepPoints),
                "sweep fewer parameters or fewer values");
    }
  }
  for (std::size_t index = 0; index < count; ++index) {
    YAML::Node document = YAML::Clone(base);
    SweepPoint point;
    point.values.resize(choices.size());
    std::size_t rest = index;
    for (std::size_t i = choices.size(); i-- > 0;) {
      const YamlValue& value = choices[i][rest % choices[i].size()];
      rest /= choices[i].size();
      point.values[i] = value.as_string();
      if (!set_key(document, parameters[i].first, value.node())) {
        parameters[i].second.fail("is no key of an architecture",
                                  "write one of docs/architecture-file.md, like array.rows");
      }
    }
    // The base was checked by itself: what is wrong now comes from the sweep file.
    point.architecture = parse_architecture(YamlValue(document, file, ""));
    points.push_back(std::move(point));
  }
  return points;
}

Selection parse_selection(const YamlValue& root) {
  Selection selection;
  if (const auto layers = root.find("layers")) {
    selection.layers = layers->as_string();
  }
  if (const auto passes = root.find("passes")) {
    selection.passes.clear();
    for (const YamlValue& pass : passes->items()) {
      selection.passes.push_back(workloads::kPasses[pass.as_one_of(
          {workloads::name_of(Pass::kForward), workloads::name_of(Pass::kBackwardData),
           workloads::name_of(Pass::kBackwardWeight)})]);
    }
  }
  return selection;
}

std::vector<std::size_t> accepted(const std::vector<SweepRecord>& records) {
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (records[i].refusal.empty()) {
      indices.push_back(i);
    }
  }
  return indices;
}

// Empty where there is none: a reduction of nothing is not zero.
std::string csv_number(const std::optional<double>& number) {
  return number ? fmt::format("{}", *number) : std::string();
}

nlohmann::ordered_json energy_summary_json(const energy::OperationEnergy& energy) {
  nlohmann::ordered_json json = energy_json(energy);
  for (const char* detail : {"by_layer", "by_pass", "by_gemm", "unit_energies"}) {
    json.erase(detail);
  }
  return json;
}

}  // namespace

SweepSpec load_sweep(const std::filesystem::path& path,
                     const std::vector<std::filesystem::path>& table_dirs) {
  const YamlValue root = read_yaml_file(path);
  root.allow_only({"trace", "arch", "engine", "layers", "passes", "energy", "parameters"});
  const auto beside = [&](const std::string& name) {
    const std::filesystem::path file(name);
    return file.is_absolute() ? file : path.parent_path() / file;
  };
  SweepSpec spec;
  spec.file = path;
  spec.trace = beside(root.at("trace").as_string());
  if (const auto engine = root.find("engine")) {
    spec.engine =
        engine->as_one_of({name_of(EngineKind::kFast), name_of(EngineKind::kSystemC)}) == 0
            ? EngineKind::kFast
            : EngineKind::kSystemC;
  }
  spec.selection = parse_selection(root);
  if (const auto tables = root.find("energy")) {
    std::vector<std::filesystem::path> files;
    for (const YamlValue& table : tables->items()) {
      const auto file = energy::find_unit_energy_table(table.as_string(), table_dirs);
      const auto own = beside(file.string());
      files.push_back(std::filesystem::exists(own) ? own : file);
    }
    spec.tables = energy::load_unit_energy_tables(files);
  }
  const std::filesystem::path arch = beside(root.at("arch").as_string());
  const YamlValue base = read_yaml_file(arch);
  parse_architecture(base);
  const auto parameters = root.at("parameters").entries();
  if (parameters.empty()) {
    root.at("parameters").fail("names no parameter", "add 'array.rows: [8, 16]' or the like");
  }
  spec.points = combine(base.node(), path.string(), parameters);
  for (const auto& [key, list] : parameters) {
    SweepParameter parameter{key, {}};
    for (const YamlValue& value : list.items()) {
      parameter.values.push_back(value.as_string());
    }
    spec.parameters.push_back(std::move(parameter));
  }
  return spec;
}

std::vector<SweepRecord> run_sweep(const SweepSpec& spec, unsigned threads) {
  const workloads::TraceReader trace(spec.trace);
  const std::uint64_t macs = spec.selection.macs_of(trace.layers());
  if (macs == 0) {
    throw InputError(
        {spec.file.string(), "",
         fmt::format("layers '{}' and the passes select nothing of {}", spec.selection.layers,
                     spec.trace.string()),
         fmt::format("see its layers with: potomac trace info {}", spec.trace.string())});
  }
  // SystemC runs on one thread. Points share out the others; where there are fewer points than
  // threads, each point's engine gets its share.
  const unsigned total = spec.engine == EngineKind::kSystemC ? 1
                         : threads == 0 ? std::max(1U, std::thread::hardware_concurrency())
                                        : threads;
  const auto side_by_side = static_cast<unsigned>(std::min<std::size_t>(total, spec.points.size()));
  WorkerPool pool(side_by_side);
  std::vector<std::optional<Simulation>> simulations(spec.points.size());
  std::vector<SweepRecord> records(spec.points.size());
  for (std::size_t i = 0; i < spec.points.size(); ++i) {
    const Architecture& architecture = spec.points[i].architecture;
    try {
      require_fit(architecture, trace, spec.selection);
      simulations[i].emplace(architecture,
                             make_engine(spec.engine, architecture, total / side_by_side), false);
    } catch (const InputError& error) {
      records[i].refusal = error.what();
    }
  }
  const std::vector<std::size_t> going = accepted(records);
  {
    Progress progress(macs * std::max<std::size_t>(going.size(), 1));
    const WorkDone advance = [&](const std::string& layer, Pass pass, std::uint64_t done) {
      progress.advance(done, fmt::format("{} {}", layer, workloads::name_of(pass)));
    };
    for (std::size_t i = 0; i < trace.layers().size(); ++i) {
      if (going.empty() || spec.selection.macs_of(trace.layers()[i]) == 0) {
        continue;
      }
      const workloads::Layer layer = trace.read(i);
      pool.for_each(going.size(), [&](std::size_t index, unsigned) {
        simulations[going[index]]->add(layer, spec.selection, nullptr, advance);
      });
    }
  }
  if (going.empty()) {
    throw InputError({spec.file.string(), "", "no point of the sweep can run this trace",
                      fmt::format("the first says: {}", records.front().refusal)});
  }
  for (const std::size_t point : going) {
    records[point].totals = total_of(simulations[point]->records());
    for (const energy::UnitEnergyTable& table : spec.tables) {
      records[point].energy.push_back(price(table, simulations[point]->records()));
    }
  }
  return records;
}

void write_sweep(const SweepSpec& spec, const std::vector<SweepRecord>& records,
                 const std::filesystem::path& directory) {
  make_output_directory(directory);
  std::string csv = "point";
  auto out = std::back_inserter(csv);
  for (const SweepParameter& parameter : spec.parameters) {
    fmt::format_to(out, ",{}", csv_field(parameter.key));
  }
  csv +=
      ",status,cycles_total,cycles_preload,cycles_stream,cycles_drain,cycles_stall,time_s,macs,"
      "utilization,"
      "zero_operand_macs,overflow,dropped_product";
  for (const energy::UnitEnergyTable& table : spec.tables) {
    for (const char* column :
         {"mf_mac_pJ", "fp32_mac_pJ", "reduction", "reduction_vs_multiplier"}) {
      fmt::format_to(out, ",{}", csv_field(fmt::format("{}_{}", table.name(), column)));
    }
  }
  csv += ",message\n";

  nlohmann::ordered_json json;
  json["potomac"] = {{"version", kVersion}, {"report_version", kReportVersion}};
  json["sweep"] = {{"file", spec.file.string()},
                   {"trace", spec.trace.string()},
                   {"engine", name_of(spec.engine)},
                   {"layers", spec.selection.layers}};
  for (const SweepParameter& parameter : spec.parameters) {
    json["sweep"]["parameters"][parameter.key] = parameter.values;
  }
  nlohmann::ordered_json& points = json["points"] = nlohmann::ordered_json::array();

  for (std::size_t i = 0; i < records.size(); ++i) {
    const SweepPoint& point = spec.points[i];
    const SweepRecord& record = records[i];
    const bool good = record.refusal.empty();
    nlohmann::ordered_json entry{{"point", i},
                                 {"status", good ? "done" : "refused"},
                                 {"architecture", architecture_json(point.architecture)}};
    fmt::format_to(out, "{}", i);
    for (const std::string& value : point.values) {
      fmt::format_to(out, ",{}", csv_field(value));
    }
    if (good) {
      const Totals& totals = record.totals;
      const auto cycles = static_cast<double>(totals.cycles.total());
      fmt::format_to(
          out, ",done,{},{},{},{},{},{},{},{},{},{},{}", totals.cycles.total(),
          totals.cycles.preload, totals.cycles.stream, totals.cycles.drain, totals.cycles.stall,
          cycles / (point.architecture.clock_mhz * 1e6), totals.macs,
          static_cast<double>(totals.macs) /
              (static_cast<double>(point.architecture.array.pes()) * cycles),
          totals.zero_operand_macs, totals.actions.overflow, totals.actions.dropped_product);
      for (const energy::OperationEnergy& energy : record.energy) {
        const energy::Comparison& total = energy.total.every_mac;
        fmt::format_to(out, ",{},{},{},{}", total.mf_mac_pj, total.fp32_mac_pj,
                       csv_number(total.reduction), csv_number(total.reduction_vs_multiplier));
      }
      csv += ",\n";
      entry["totals"] = totals_json(totals, point.architecture);
      for (const energy::OperationEnergy& energy : record.energy) {
        entry["energy"].push_back(energy_summary_json(energy));
      }
    } else {
      csv += ",refused" + std::string(11 + 4 * spec.tables.size(), ',') + "," +
             csv_field(record.refusal) + "\n";
      entry["message"] = record.refusal;
    }
    points.push_back(std::move(entry));
  }
  write_files_atomically(std::array<NamedContent, 2>{
      {{directory / "sweep.csv", std::move(csv)}, {directory / "sweep.json", json_text(json)}}});
}

}  // namespace potomac::sim
