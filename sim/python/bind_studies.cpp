#include <pybind11/stl.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "sim/engines/engines.hpp"
#include "sim/memory/tlm_memory.hpp"
#include "sim/plan/engine_choice.hpp"
#include "sim/python/background.hpp"
#include "sim/python/bindings.hpp"
#include "sim/python/convert.hpp"
#include "sim/reports/html_page.hpp"
#include "sim/reports/layers_csv.hpp"
#include "sim/reports/side_by_side.hpp"
#include "sim/reports/sweep_export.hpp"
#include "sim/reports/write_reports.hpp"
#include "sim/results/flat_passes.hpp"
#include "sim/results/open_sweep.hpp"
#include "sim/results/report_json.hpp"
#include "sim/results/report_reader.hpp"
#include "sim/results/store/result_store.hpp"
#include "sim/results/store/stored_sweep.hpp"
#include "sim/results/sweep_query.hpp"
#include "sim/studies/run.hpp"
#include "sim/studies/shipped.hpp"
#include "sim/studies/stored_sweep.hpp"
#include "sim/studies/verify.hpp"
#include "support/choice.hpp"
#include "support/folder_lock.hpp"
#include "support/output_files.hpp"
#include "workloads/layers/gemm_shape.hpp"
#include "workloads/sources/open_workload.hpp"

namespace py = pybind11;

namespace potomac::python {
namespace {

// What a run and every point of a sweep are asked for alike.
struct Asked {
  std::string engine;  // empty: the workload's
  std::vector<std::string> tables;
  std::string accounting;
  std::vector<std::string> rivals;
  std::optional<std::vector<std::string>> layers;
  std::optional<std::vector<std::string>> passes;
};

sim::Selection selection_of(const Asked& asked) {
  sim::Selection selection;
  if (asked.layers) {
    selection.layers = *asked.layers;
  }
  if (asked.passes) {
    selection.passes.clear();
    for (const std::string& pass : *asked.passes) {
      selection.passes.push_back(choose("passes", pass, by_name(workloads::kPasses)));
    }
  }
  return selection;
}

sim::Prices prices_of(const Asked& asked) {
  return {energy::load_unit_energy_tables(sim::table_files(asked.tables)),
          sim::accountings_for(asked.accounting, "accounting")};
}

unsigned threads_for(const workloads::Workload& workload, const std::string& engine,
                     unsigned threads) {
  return sim::engine_for(workload, engine).steps ? 1 : threads;
}

HeldResult held(sim::RunResult result) {
  return {std::make_shared<const sim::RunResult>(std::move(result))};
}

HeldResult run(const HeldWorkload& workload, const sim::Architecture& architecture,
               const Asked& asked, const std::optional<std::string>& step,
               const std::optional<std::string>& density, bool simulate_baseline, bool toggles,
               const std::optional<std::string>& dump_outputs, unsigned threads,
               const py::object& progress) {
  sim::RunOptions options;
  options.architecture = architecture;
  if (!asked.engine.empty()) {
    options.engine = choose("engine", asked.engine, sim::engine_names());
  }
  options.selection = selection_of(asked);
  options.prices = prices_of(asked);
  options.rivals = sim::rivals_named(asked.rivals, "against");
  if (step) {
    options.step = choose("step", *step, by_name(sim::kOptimizers));
  }
  if (density) {
    options.assumed = sim::parse_densities(*density);
  }
  options.simulate_baseline = simulate_baseline;
  options.toggles = toggles;
  if (dump_outputs) {
    options.dump_outputs = *dump_outputs;
    check_outputs(std::array{Output{*dump_outputs, "dump_outputs"}},
                  std::array{workload.workload->path()});
  }
  return held(in_background(
      progress, threads_for(*workload.workload, options.engine, threads),
      [&](const sim::Caller& caller) { return sim::run(*workload.workload, options, caller); }));
}

// --- results -------------------------------------------------------------------------------------

py::dict passes_of(const HeldResult& self) {
  Table table(sim::flat_pass_names(*self.result));
  for (std::size_t pass = 0; pass < self.result->passes.size(); ++pass) {
    table.add(sim::flat_pass(*self.result, pass));
  }
  return table.columns();
}

py::dict totals_of(const HeldResult& self) {
  const sim::RunResult& result = *self.result;
  std::vector<std::string> names{"machine"};
  std::vector<const sim::MachineColumn*> columns;
  for (const sim::MachineColumn& column : sim::machine_columns()) {
    if (column.of_totals && !column.names.path.empty()) {
      columns.push_back(&column);
      names.push_back(column.names.flat());
    }
  }
  Table table(std::move(names));
  for (std::size_t i = 0; i < result.machines.size(); ++i) {
    std::vector<sim::Cell> cells{result.machines[i].id};
    for (const sim::MachineColumn* const column : columns) {
      cells.push_back(column->get({result.totals[i], result.machines[i], result.architecture}));
    }
    table.add(cells);
  }
  return table.columns();
}

py::dict energy_of(const HeldResult& self) {
  const sim::RunResult& result = *self.result;
  std::vector<std::string> names{"machine", "table", "accounting"};
  for (const sim::EnergyColumn& column : sim::energy_columns()) {
    names.push_back(column.names.flat());
  }
  Table table(std::move(names));
  const auto batch = result.workload.batch;
  for (const energy::EnergyReport& report : result.energy) {
    std::vector<sim::Cell> cells{report.machine, report.table, report.accounting};
    const sim::EnergySource source =
        sim::total_source(report, result.machines, result.totals, batch);
    for (const sim::EnergyColumn& column : sim::energy_columns()) {
      cells.push_back(column.get(source));
    }
    table.add(cells);
  }
  return table.columns();
}

// Names, units and meanings of all that is said of a pass, a machine in it, and an energy.
py::list columns() {
  py::list all;
  const auto add = [&](const char* of, const sim::ColumnNames& names, const std::string& name) {
    if (!name.empty()) {
      py::dict one;
      one["of"] = of;
      one["name"] = name;
      one["unit"] = names.unit;
      one["meaning"] = names.meaning;
      all.append(one);
    }
  };
  for (const sim::PassColumn& column : sim::pass_columns()) {
    add("pass", column.names, column.csv);
  }
  for (const sim::MachineColumn& column : sim::machine_columns()) {
    add("machine", column.names, column.names.flat());
  }
  for (const sim::EnergyColumn& column : sim::energy_columns()) {
    add("energy", column.names, column.names.flat());
  }
  return all;
}

std::vector<sim::NamedRun> priced(const std::vector<std::pair<std::string, HeldResult>>& results,
                                  const std::vector<std::string>& tables,
                                  const std::string& accounting) {
  std::vector<sim::NamedRun> runs;
  runs.reserve(results.size());
  for (const auto& [name, result] : results) {
    runs.push_back({name, *result.result});
  }
  sim::price_alike(runs, {energy::load_unit_energy_tables(sim::table_files(tables)), accounting,
                          "accounting", "energy"});
  return runs;
}

std::string report(const std::vector<std::pair<std::string, HeldResult>>& results,
                   const std::vector<std::string>& tables, const std::string& accounting,
                   const std::string& format) {
  std::map<std::string, sim::ReportFormat> formats;
  for (std::size_t i = 0; i < sim::kReportFormats.size(); ++i) {
    formats.emplace(sim::kReportFormats.at(i), static_cast<sim::ReportFormat>(i));
  }
  return sim::report_text(priced(results, tables, accounting), choose("format", format, formats),
                          sim::TextForm::kPlain);
}

// --- sweeps --------------------------------------------------------------------------------------

struct HeldSweep {
  std::shared_ptr<const sim::SweepSource> source;
};

// Cells as a data frame has them: of a key that is a switch a bool, of a message a text.
py::dict frame_of(const sim::SweepTable& table) {
  std::vector<std::string> names;
  std::vector<bool> switches;
  for (const sim::SweepTable::Column& column : table.columns) {
    const sim::ArchitectureKey* const key = sim::find_architecture_key(column.name);
    names.push_back(column.name);
    switches.push_back(key != nullptr && std::holds_alternative<sim::BooleanKey>(key->type));
  }
  std::vector<py::list> columns(names.size());
  for (const std::vector<sim::Cell>& row : table.rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const bool is_message = names[i] == "message" && row[i].index() == 0;
      const auto* const text = std::get_if<std::string>(&row[i]);
      columns[i].append(is_message                       ? py::object(py::str(""))
                        : switches[i] && text != nullptr ? py::object(py::bool_(*text == "true"))
                                                         : object_of(row[i]));
    }
  }
  py::dict frame;
  for (std::size_t i = 0; i < names.size(); ++i) {
    frame[py::str(names[i])] = columns[i];
  }
  return frame;
}

// All points, with the columns of sweep.csv or those that are named.
py::dict points_of(const HeldSweep& sweep, const std::vector<std::string>& columns) {
  sim::SweepTable table;
  {
    const py::gil_scoped_release released;
    table = sim::table_of(*sweep.source, columns.empty() ? sweep.source->listed() : columns,
                          std::numeric_limits<std::size_t>::max());
  }
  return frame_of(table);
}

py::dict ask(const HeldSweep& sweep, const sim::SweepQuery& query, bool front_alone) {
  sim::SweepTable table;
  {
    const py::gil_scoped_release released;
    table = sim::ask_sweep(*sweep.source, query, front_alone);
  }
  return frame_of(table);
}

// Into the store of a folder, and beside it sweep.csv.
void swept(const std::vector<const workloads::Workload*>& workloads, const sim::SweepSpec& spec,
           const std::string& folder, bool keeps_passes, unsigned threads,
           const py::object& progress) {
  const unsigned pool = threads_for(*workloads.front(), spec.engine, threads);
  check_outputs(outputs_in(folder, "out", {"sweep.csv", sim::kStoreFile}), spec.inputs);
  in_background(progress, pool, [&](const sim::Caller& caller) {
    const FolderLock lock(folder);
    {
      sim::ResultStore store(folder);
      sim::run_sweep_into(store, workloads, spec, caller,
                          {.keeps_passes = keeps_passes, .shard = {}, .begun = {}});
    }
    sim::write_sweep_csv(sim::StoredSweep(folder), std::filesystem::path(folder) / "sweep.csv");
    return true;
  });
}

void sweep(const std::vector<HeldWorkload>& held, const sim::Architecture& base,
           const std::vector<std::pair<std::string, std::string>>& parameters,
           const std::string& where, const std::optional<std::uint64_t>& sample, std::uint64_t seed,
           const Asked& asked, const std::string& folder, bool keeps_passes, unsigned threads,
           const py::object& progress) {
  sim::SweepSpec spec;
  if (!where.empty()) {
    spec.set_where(where, "where");
  }
  spec.sample = sample;
  spec.seed = seed;
  spec.base = base;
  spec.engine = asked.engine;
  spec.selection = selection_of(asked);
  spec.prices = prices_of(asked);
  spec.rivals = sim::rivals_named(asked.rivals, "against");
  for (const auto& [key, values] : parameters) {
    spec.add(key, values);
  }
  spec.choose(YamlValue::of_text(where, "", "where"));
  std::vector<const workloads::Workload*> workloads;
  workloads.reserve(held.size());
  for (const HeldWorkload& one : held) {
    workloads.push_back(one.workload.get());
  }
  swept(workloads, spec, folder, keeps_passes, threads, progress);
}

void sweep_file(const std::string& path, const std::string& workload,
                const workloads::Dimensions& dimensions, const std::string& folder,
                bool keeps_passes, unsigned threads, const py::object& progress) {
  const sim::SweepSpec spec = sim::load_sweep(
      path, {sim::shipped_models(), sim::shipped_architectures(), sim::shipped_tables()}, workload,
      dimensions);
  sim::OpenedSweep opened;
  for (const std::filesystem::path& one : spec.workloads) {
    opened.workloads.push_back(workloads::open_workload(one, spec.dimensions));
  }
  swept(opened.all(), spec, folder, keeps_passes, threads, progress);
}

// --- others --------------------------------------------------------------------------------------

py::list models(const workloads::Dimensions& dimensions) {
  py::list models;
  for (const sim::ModelSummary& model : sim::model_summaries(dimensions)) {
    py::dict one;
    one["name"] = model.name;
    one["model"] = model.model;
    one["layers"] = model.layers;
    one["parameters"] = model.parameters;
    one["forward_macs"] = model.forward_macs;
    one["training_step_macs"] = model.training_step_macs;
    one["dimensions"] = workloads::text_of(model.dimensions);
    one["source"] = model.source;
    models.append(one);
  }
  return models;
}

// What was compared: (cases, MACs). Throws MachineError if engines differ.
std::pair<std::uint64_t, std::uint64_t> verify(std::uint64_t cases, std::uint64_t seed,
                                               const std::optional<std::uint64_t>& only,
                                               const std::optional<sim::Architecture>& architecture,
                                               const std::string& engine_name,
                                               const std::optional<std::uint64_t>& per_machine,
                                               const py::object& progress) {
  const sim::EngineInfo& engine = sim::stepping_engine(engine_name);
  sim::VerifyOptions options{
      .seed = seed,
      .cases = cases,
      .only = only,
      .cases_per_machine = per_machine.value_or(sim::cases_per_machine(engine)),
      .architecture = architecture};
  if (options.architecture) {
    sim::require_buildable(engine, options.architecture->array);
  }
  return in_background(progress, 1, [&](const sim::Caller& caller) {
    const auto fast = sim::make_engine("fast", caller.pool);
    const auto stepped = sim::make_engine_with_memory(engine.name, caller.pool);
    const auto count = sim::make_engine("count", caller.pool);
    std::uint64_t done = 0;
    std::uint64_t macs = 0;
    caller.begin(sim::Work::kMacs, only ? 1 : cases);
    const auto failure =
        sim::verify(options, {*fast, *stepped, *count}, [&](const sim::DrawnCase& drawn) {
          done += 1;
          macs += static_cast<std::uint64_t>(workloads::macs_of(
              workloads::gemms_of(drawn.layer.shape, drawn.pass, drawn.architecture.lowering)));
          caller.advance(sim::Work::kMacs, 1, "");
          caller.check_stop();
        });
    if (failure) {
      throw MachineError(
          {"", fmt::format("case {}", failure->index),
           fmt::format("engines differ: {} ({})", failure->difference, failure->machine_and_layer),
           fmt::format(
               "see it again with verify(seed={}, case={}, engine='{}', cases_per_machine={})",
               seed, failure->index, engine.name, options.cases_per_machine)});
    }
    return std::pair(done, macs);
  });
}

}  // namespace

void bind_studies(py::module_& module) {
  py::class_<Asked>(module, "Asked")
      .def(py::init<std::string, std::vector<std::string>, std::string, std::vector<std::string>,
                    std::optional<std::vector<std::string>>,
                    std::optional<std::vector<std::string>>>(),
           py::arg("engine"), py::arg("tables"), py::arg("accounting"), py::arg("rivals"),
           py::arg("layers"), py::arg("passes"));
  py::class_<HeldResult>(module, "Result")
      .def_static(
          "load",
          [](const std::string& path) {
            const py::gil_scoped_release released;
            return held(sim::load_report(path));
          },
          py::arg("path"))
      .def("passes", &passes_of)
      .def("totals", &totals_of)
      .def("energy", &energy_of)
      .def("architecture", [](const HeldResult& self) { return self.result->architecture; })
      .def("json", [](const HeldResult& self) { return sim::report_json(*self.result); })
      .def(
          "save",
          [](const HeldResult& self, const std::string& folder) {
            const py::gil_scoped_release released;
            check_outputs(outputs_in(folder, "save", {"layers.csv", "report.json"}), {});
            const FolderLock lock(folder);
            sim::write_reports(*self.result, folder);
          },
          py::arg("folder"))
      .def(
          "save_page",
          [](const HeldResult& self, const std::string& file) {
            const py::gil_scoped_release released;
            check_outputs(std::vector<Output>{{file, "save_page"}}, {});
            const sim::NamedRun run{"result", *self.result};
            sim::write_page(file, sim::html_page({&run, 1}));
          },
          py::arg("file"))
      .def(
          "priced",
          [](const HeldResult& self, const std::vector<std::string>& tables,
             const std::string& accounting) {
            return held(std::move(priced({{"result", self}}, tables, accounting).front().run));
          },
          py::arg("tables"), py::arg("accounting"));
  module.attr("default_table") = std::string(sim::kDefaultTable);
  module.def("columns", &columns);
  module.def("run", &run, py::arg("workload"), py::arg("architecture"), py::arg("asked"),
             py::arg("step"), py::arg("density"), py::arg("simulate_baseline"), py::arg("toggles"),
             py::arg("dump_outputs"), py::arg("threads"), py::arg("progress"));
  module.def("report", &report, py::arg("results"), py::arg("tables"), py::arg("accounting"),
             py::arg("format"));
  py::class_<HeldSweep>(module, "Sweep")
      .def(py::init([](const std::string& path) {
             const py::gil_scoped_release released;
             return HeldSweep{sim::open_sweep(path)};
           }),
           py::arg("path"))
      .def("columns", [](const HeldSweep& self) { return self.source->columns(); })
      .def("size",
           [](const HeldSweep& self) {
             const py::gil_scoped_release released;
             std::size_t points = 0;
             self.source->each(
                 {}, [&](std::size_t /*point*/, std::span<const sim::Cell> /*none*/) { ++points; });
             return points;
           })
      .def("points", &points_of, py::arg("columns"))
      .def(
          "ask",
          [](const HeldSweep& self, const std::string& where, const std::vector<std::string>& sort,
             const std::vector<std::string>& pareto, const std::vector<std::string>& columns,
             std::optional<std::size_t> limit) {
            return ask(self, {where, sort, pareto, columns, limit}, !pareto.empty());
          },
          py::arg("where"), py::arg("sort"), py::arg("pareto"), py::arg("columns"),
          py::arg("limit"));
  module.def("sweep", &sweep, py::arg("workloads"), py::arg("architecture"), py::arg("parameters"),
             py::arg("where"), py::arg("sample"), py::arg("seed"), py::arg("asked"),
             py::arg("folder"), py::arg("keeps_passes"), py::arg("threads"), py::arg("progress"));
  module.def("sweep_file", &sweep_file, py::arg("path"), py::arg("workload"), py::arg("dimensions"),
             py::arg("folder"), py::arg("keeps_passes"), py::arg("threads"), py::arg("progress"));
  module.def("models", &models, py::arg("dimensions"));
  module.def("verify", &verify, py::arg("cases"), py::arg("seed"), py::arg("only"),
             py::arg("architecture"), py::arg("engine"), py::arg("cases_per_machine"),
             py::arg("progress"));
}

}  // namespace potomac::python
