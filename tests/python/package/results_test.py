"""What the package yields is what the command line yields, number by number."""

import csv
import importlib.metadata
import json
import math
import pathlib

import pandas
import pytest
from conftest import ROOT, TRACES

import potomac

MEMORY = {
    "memory.first.kib": 16, "memory.second.kib": 16, "memory.results.kib": 32,
    "memory.dram.bandwidth_gb_s": 12.8,
}  # fmt: skip
# Keyword arguments of run(), and the options that ask the program for the same.
CASES = {
    "defaults": ({}, []),
    "tables": (
        {"arch": "ws-32x32", "energy": ["horowitz-45nm", "tpuv4i-7nm"]},
        ["--arch", "ws-32x32", "--energy", "horowitz-45nm", "--energy", "tpuv4i-7nm"],
    ),
    "memory": (
        {"set": MEMORY, "energy": "horowitz-45nm", "accounting": "structural", "step": "adam"},
        [*(f"--set={key}={value}" for key, value in MEMORY.items()), "--energy", "horowitz-45nm",
         "--accounting", "structural", "--step", "adam"],
    ),
    "device": (
        {"arch": "is-32x32", "set": {**MEMORY, "memory.dram.preset": "ddr4-2400"}},
        ["--arch", "is-32x32", *(f"--set={key}={value}" for key, value in MEMORY.items()),
         "--set=memory.dram.preset=ddr4-2400"],
    ),
    "toggles": (
        {"toggles": True, "passes": "forward", "against": ["int8_mac"], "energy": "horowitz-45nm",
         "set": {"pe.accumulator.bits": 30, "pe.accumulator.overflow": "saturate"}},
        ["--toggles", "--passes", "forward", "--against", "int8_mac", "--energy", "horowitz-45nm",
         "--set=pe.accumulator.bits=30", "--set=pe.accumulator.overflow=saturate"],
    ),
    "count": ({"engine": "count"}, ["--engine", "count"]),
    "systemc": (
        {"engine": "systemc", "layers": ["*fc*", "*head*"], "passes": ["backward-weight"]},
        ["--engine", "systemc", "--layers", "*fc*", "--layers", "*head*", "--passes",
         "backward-weight"],
    ),
}  # fmt: skip


def same(cell, text):
    """Whether a data frame's cell is a CSV's field."""
    if cell is None or cell is pandas.NA or (isinstance(cell, float) and math.isnan(cell)):
        return text == ""
    if isinstance(cell, str):
        return cell == text
    if text in ("true", "false"):
        return bool(cell) == (text == "true")
    return float(text) == float(cell) and (not hasattr(cell, "__index__") or int(text) == cell)


def assert_is_csv(table, path):
    with open(path, newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert list(table.columns) == header
    assert len(table) == len(rows)
    for i, row in enumerate(rows):
        for name, text in zip(header, row):
            cell = table[name].iloc[i]
            assert same(cell, text), (i, name, cell, text)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("trace", TRACES, ids=lambda path: path.stem)
def test_a_run_is_the_command_lines(trace, case, program, tmp_path):
    arguments, options = CASES[case]
    result = potomac.run(trace, **arguments)
    if "--arch" not in options:
        options = [*options, "--arch", "os-16x16"]
    program("run", trace, *options, "--out", "cli")
    result.save(tmp_path / "python")
    for name in ("report.json", "layers.csv"):
        assert (tmp_path / "python" / name).read_bytes() == (tmp_path / "cli" / name).read_bytes()
    assert_is_csv(result.passes, tmp_path / "cli/layers.csv")

    report = json.loads((tmp_path / "cli/report.json").read_text())
    assert [file["name"] for file in report.pop("files")] == ["layers.csv"]
    assert result.report == report
    stored = potomac.load(tmp_path / "cli")
    for table in ("passes", "totals", "energy"):
        pandas.testing.assert_frame_equal(getattr(stored, table), getattr(result, table))
    assert list(result.totals["machine"]) == list(report["totals"]["machines"])
    for row in result.totals.to_dict("records"):
        total = report["totals"]["machines"][row["machine"]]
        assert row["cycles_total"] == total["cycles"]["total"]
        overflows = row["actions_overflow"]
        assert (None if pandas.isna(overflows) else overflows) == total["actions"]["overflow"]
    assert len(result.energy) == len(report["energy"])
    for row, entry in zip(result.energy.to_dict("records"), report["energy"]):
        assert (row["machine"], row["table"]) == (entry["machine"], entry["table"])
        assert row["total"] == entry["total"]
        assert row["power_w"] == entry["power_w"]


def test_reports_are_the_command_lines(program, tmp_path):
    small = potomac.run("resnet18", "os-16x16", energy="horowitz-45nm")
    large = potomac.run("resnet18", "ws-32x32", energy="horowitz-45nm")
    small.save(tmp_path / "small")
    large.save(tmp_path / "large")
    for form in ("table", "csv", "json", "markdown", "latex"):
        alone = program("report", "small", "--format", form)
        assert potomac.report(tmp_path / "small", format=form) == alone
        assert potomac.report(small, format=form) == alone
    shown = program("report", tmp_path / "small", tmp_path / "large", "--energy", "tpuv4i-7nm")
    assert potomac.report(tmp_path / "small", tmp_path / "large", energy="tpuv4i-7nm") == shown
    assert str(small) == program("report", "small")
    again = small.priced("tpuv4i-7nm", "structural")
    assert set(again.energy["accounting"]) == {"operation", "structural"}
    assert set(small.energy["table"]) == {"horowitz-45nm"}


def test_some_points_of_a_sweep_are_the_command_lines(program, tmp_path):
    spec = tmp_path / "some.yaml"
    spec.write_text(
        "workload: resnet18\narch: os-16x16\nenergy: [paper-2302.14458]\nwhere: array.rows * array.cols <= 1024\nsample: 7\nseed: 3\n"
        "parameters:\n  array.rows: {powers_of_two: [4, 64]}\n  array.cols: {from: 8, to: 64, step: 8}\n")
    program("sweep", spec, "--out", "cli")
    vary = {"array.rows": {"powers_of_two": [4, 64]}, "array.cols": {"from": 8, "to": 64, "step": 8}}
    some = {"where": "array.rows * array.cols <= 1024", "sample": 7, "seed": 3}
    swept = potomac.sweep("resnet18", vary, **some)
    assert len(swept) == 7
    assert_is_csv(swept.frame(), tmp_path / "cli/sweep.csv")
    with pytest.raises(potomac.InputError, match="a sweep file has its own"):
        potomac.sweep(None, spec, sample=7)
    with pytest.raises(potomac.InputError, match="where: 'array.row = 8' at character 1: there is no"):
        potomac.sweep("resnet18", vary, where="array.row = 8")
    with pytest.raises(potomac.InputError, match="array.rows"):
        potomac.sweep("resnet18", {"array.rows": {"from": 8}})


def test_a_sweep_is_the_command_lines(program, tmp_path):
    vary = {"array.rows": [8, 16], "pe.accumulator.bits": [16, 20, 32], "array.dataflow": ["os", "is"]}
    trace = TRACES[0]
    swept = potomac.sweep(trace, vary, "os-16x16", energy="horowitz-45nm").frame()
    spec = tmp_path / "sweep.yaml"
    spec.write_text(
        f"workload: {trace}\narch: {ROOT}/sim/architectures/os-16x16.yaml\nenergy: [horowitz-45nm]\n"
        "parameters:\n" + "".join(f"  {key}: {values}\n" for key, values in vary.items())
    )
    program("sweep", spec, "--out", "swept")
    assert_is_csv(swept, tmp_path / "swept/sweep.csv")
    pandas.testing.assert_frame_equal(potomac.sweep(None, spec).frame(), swept)
    pandas.testing.assert_frame_equal(potomac.load_sweep(tmp_path / "swept").frame(), swept)
    assert "refused" in set(swept["status"])


def test_a_sweep_is_asked_as_on_the_command_line(program, tmp_path):
    workloads = ["resnet18", "alexnet"]
    vary = {"array.rows": [8, 16, 32], "pe.zero_gating": [True, False], "array.cols": {"from": 8, "to": 32, "step": 8}}
    swept = potomac.sweep(workloads, vary, energy="horowitz-45nm", out=tmp_path / "out", keep_passes=True)
    assert repr(swept) == f"<Sweep of 48 points in '{tmp_path / 'out'}'>"
    frame = swept.frame()
    assert list(frame["workload"]) == ["resnet18"] * 24 + ["alexnet"] * 24
    assert frame["pe.zero_gating"].dtype == bool
    asked = {"where": "workload = alexnet and array.rows * array.cols <= 256", "sort": "cycles_total desc"}
    answer = swept.frame(["macs", "fp32_mac_time_s"], **asked)
    (tmp_path / "answer.csv").write_text(program(
        "report", "out", "--where", asked["where"], "--sort", asked["sort"], "--columns",
        "macs,fp32_mac_time_s", "--format", "csv"))  # fmt: skip
    assert_is_csv(answer, tmp_path / "answer.csv")
    assert 0 < len(answer) < 24
    front = swept.pareto("mf_mac_time_s", "mf_mac_utilization max", where="workload = resnet18")
    (tmp_path / "front.csv").write_text(program(
        "report", "out", "--pareto", "mf_mac_time_s,mf_mac_utilization max", "--where",
        "workload = resnet18", "--format", "csv"))  # fmt: skip
    marked = pandas.read_csv(tmp_path / "front.csv")
    assert list(front["point"]) == list(marked[marked["pareto"] == 1]["point"])
    assert "clock_mhz" in swept.columns and "clock_mhz" not in frame
    # Gone with the object, where nobody named a folder; and a point that is there is not computed.
    assert len(potomac.sweep("alexnet", {"array.rows": [8]}, out=tmp_path / "out").frame()) == 1
    for wrong, says in [
        (lambda: swept.frame(where="macs = "), "where"),
        (lambda: swept.frame(["mac"]), "'mac' is no column of the sweep; did you mean 'macs'"),
        (lambda: swept.pareto(), "there is no quantity"),
        (lambda: potomac.load_sweep(tmp_path / "nothing"), "nothing"),
        (lambda: potomac.sweep([], vary), "names none"),
    ]:
        with pytest.raises(potomac.InputError, match=says):
            wrong()


def test_models_are_the_command_lines(program):
    listed = json.loads(program("models", "--format", "json", "--batch", "3"))
    models = potomac.models(batch=3)
    rows = listed["models"] if isinstance(listed, dict) else listed
    assert list(models["name"]) == [row["name"] for row in rows]
    assert list(models["forward_macs"]) == [row["forward_macs"] for row in rows]


def test_what_ships_is_found_where_it_is_installed():
    for name in ("resnet50",):
        path = pathlib.Path(potomac.Workload(name).path)
        assert "env/share/potomac" in str(path)


def test_version(program):
    assert importlib.metadata.version("potomac") == potomac.__version__
    assert program("--version").startswith(f"potomac {potomac.__version__} (build ")
    assert potomac.run("resnet18").report["potomac"]["build"] in program("--version")
