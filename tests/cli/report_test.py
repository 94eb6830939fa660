"""`potomac report`: stored runs shown again, side by side, priced anew; and refused where they lie."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import random
import re
import subprocess

import pytest
from reports import energy_of, of


@pytest.fixture()
def runs(potomac, trace, arch):
    for name, extra in (("one", []), ("two", ["--set", "array.rows=8", "--layers", "*fc*"])):
        done = potomac("run", trace, "--arch", arch, "--out", name, "--energy", "tpuv4i-7nm",
                       "--energy", "paper-2302.14458", *extra)  # fmt: skip
        assert done.returncode == 0, done.stderr
    return potomac


def stored(potomac, name: str) -> dict:
    return json.loads((potomac.folder / name / "report.json").read_text())


def test_a_stored_run_is_shown_as_it_was(runs, trace, arch):
    printed = runs("run", trace, "--arch", arch, "--out", "again", "--energy", "tpuv4i-7nm",
                   "--energy", "paper-2302.14458").stdout  # fmt: skip
    shown = runs("report", "one")
    assert shown.returncode == 0, shown.stderr
    assert printed.startswith(shown.stdout)
    assert runs("report", "one/report.json").stdout == shown.stdout


def alone(runs, run):
    """A run's report, without the files that belong to it."""
    report = stored(runs, run)
    files = report.pop("files")
    layers = (runs.folder / run / "layers.csv").read_bytes()
    assert files == [{"name": "layers.csv", "sha256": hashlib.sha256(layers).hexdigest()}]
    return report


def test_as_json_and_csv_it_is_the_files_that_the_run_wrote(runs):
    assert json.loads(runs("report", "two", "--format", "json").stdout) == alone(runs, "two")
    assert runs("report", "two", "--format", "csv").stdout == (
        runs.folder / "two/layers.csv"
    ).read_text()


def test_another_table_prices_it_as_a_run_with_that_table_would(runs, trace, arch):
    done = runs("run", trace, "--arch", arch, "--out", "other", "--energy", "horowitz-45nm")
    assert done.returncode == 0, done.stderr
    priced = runs("report", "one", "--energy", "horowitz-45nm", "--format", "json").stdout
    assert json.loads(priced) == alone(runs, "other")


def test_several_runs_stand_side_by_side(runs):
    table = runs("report", "one", "two").stdout
    assert "run  rows" in table and "two: layers '*fc*'" in table
    rows = list(csv.DictReader(io.StringIO(runs("report", "one", "two", "--format", "csv").stdout)))
    assert [row["run"] for row in rows] == ["one", "two"]
    assert [row["array.rows"] for row in rows] == ["16", "8"]
    for row in rows:
        report = stored(runs, row["run"])
        assert int(row["mf_mac_cycles_total"]) == of(report["totals"])["cycles"]["total"]
        assert float(row["mf_mac_time_s"]) == of(report["totals"])["time_s"]
        energy = energy_of(report, table="tpuv4i-7nm")
        assert float(row["energy[mf_mac,tpuv4i-7nm,operation]"]) == energy["total"]
        assert float(row["power_w[mf_mac,tpuv4i-7nm,operation]"]) == energy["power_w"]
    both = json.loads(runs("report", "one", "two", "--format", "json").stdout)
    assert [run["name"] for run in both["runs"]] == ["one", "two"]
    assert both["runs"][1]["totals"] == stored(runs, "two")["totals"]
    markdown = runs("report", "one", "two", "--format", "markdown").stdout
    assert "|---|---:|" in markdown


def test_latex_has_whole_tables_and_no_command_that_a_name_makes(runs):
    for stored_runs in (["one"], ["one", "two"]):
        latex = runs("report", *stored_runs, "--format", "latex").stdout
        assert latex.isprintable() or set(filter(lambda c: not c.isprintable(), latex)) == {"\n"}
        tables = re.findall(r"\\begin\{tabular\}\{(l+r+)\}(.*?)\\end\{tabular\}", latex, re.DOTALL)
        assert tables
        for columns, body in tables:
            first, *rows, last = body.strip().split("\n")
            assert (first, last) == ("\\toprule", "\\bottomrule")
            for row in rows:
                if row != "\\midrule" and not row.startswith(f"\\multicolumn{{{len(columns)}}}{{l}}"):
                    assert row.endswith(" \\\\")
                    assert len(re.findall(r"(?<!\\)&", row)) == len(columns) - 1, row
        rest = re.sub(r"\\begin\{tabular\}.*?\\end\{tabular\}", "", latex, flags=re.DOTALL)
        commands = r"\\(text(backslash|ascii(tilde|circum)|less|greater|bar)\{\}|[&%$#_{}])"
        assert not set(re.sub(commands, "", rest)) & set("\\&%$#_{}~^<>|")


def test_several_runs_are_compared_by_the_accounting_that_was_asked_for(runs):
    """Not by arithmetic alone, which takes the same on every array."""
    options = ["report", "one", "two", "--energy", "horowitz-45nm", "--accounting", "structural"]
    table = " ".join(runs(*options).stdout.split())
    assert "Energy by table horowitz-45nm, accounting: structural" in table
    both = json.loads(runs(*options, "--format", "json").stdout)
    (row, other) = csv.DictReader(io.StringIO(runs(*options, "--format", "csv").stdout))
    for shown, report in zip((row, other), both["runs"]):
        assert report["energy"][0]["accounting"] == "structural"
        energy = energy_of(report, "mf_mac", "structural")
        assert float(shown["energy[mf_mac,horowitz-45nm,structural]"]) == energy["total"]
        assert energy["total"] > energy_of(report)["total"]
        in_microjoules = [float(text) for text in re.findall(r"(\S+) uJ", table)]
        assert any(one == pytest.approx(energy["total"] * 1e-6, rel=5e-3) for one in in_microjoules)
    # What stored runs do not have is not asked of them: they were made against FP32 alone.
    assert "int8_mac" not in both["runs"][0]["machines"]
    refused = runs("report", "one", "two", "--accounting", "structural")
    assert refused.returncode == 2 and "one: --accounting structural" in refused.stderr
    assert "name a table to price it by" in refused.stderr


def test_runs_priced_by_different_accountings_are_not_compared(runs, trace, arch):
    runs("run", trace, "--arch", arch, "--out", "s", "--energy", "tpuv4i-7nm",
         "--accounting", "structural", "--layers", "*fc*")  # fmt: skip
    done = runs("report", "two", "s")
    assert done.returncode == 2 and "other tables or accountings" in done.stderr


def test_another_machine_stands_beside_fp32_where_it_is_asked_for(potomac, trace, arch):
    done = potomac("run", trace, "--arch", arch, "--out", "o", "--against", "int8_mac", "--against",
                   "int4_mac", "--set", "memory.dram.bandwidth_gb_s=6.4")  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = stored(potomac, "o")
    assert list(report["machines"]) == ["mf_mac", "fp32_mac", "int8_mac", "int4_mac"]
    traffic = {}
    for entry in report["passes"]:
        for name, machine in entry["machines"].items():
            assert machine["macs"] == of(entry)["macs"]
            assert machine["tiles"] and machine["cycles"]["stall"] == sum(machine["stall_by"].values())
            memory = machine["memory"]["dram"]
            traffic[name] = traffic.get(name, 0) + memory["read_bits"] + memory["written_bits"]
    assert traffic["int4_mac"] < traffic["int8_mac"] < traffic["fp32_mac"]
    actions = of(report["totals"], "int8_mac")["actions"]
    assert actions["multiply"] == actions["accumulate"] == of(report["totals"])["macs"]
    assert energy_of(report, "int8_mac")["total"] == pytest.approx(
        of(report["totals"])["macs"] * 0.33
    )
    assert potomac("report", "o").returncode == 0
    line = potomac.refuses("run", trace, "--arch", arch, "--out", "p", "--against", "bf16_mac")
    assert "bf16_multiply" in line and "pricing bf16_mac needs it" in line
    line = potomac.refuses("run", trace, "--arch", arch, "--out", "p", "--against", "fp32_mac")
    assert "is always there" in line and "int8_mac" in line
    (potomac.folder / "s.yaml").write_text(
        f"workload: {trace}\narch: {arch}\nagainst: [int8_mac]\nenergy: [paper-2302.14458]\n"
        "parameters: {array.rows: [16]}\n"
    )
    assert potomac("sweep", "s.yaml", "--out", "s").returncode == 0
    (row,) = csv.DictReader((potomac.folder / "s/sweep.csv").open(newline=""))
    assert float(row["reduction[int8_mac,paper-2302.14458,operation]"]) == pytest.approx(
        1 - 0.155 / 0.33
    )
    assert int(row["int8_mac_cycles_total"]) > 0


def test_tables_fit_a_terminal_of_80_columns_and_are_plain_in_a_pipe(runs):
    for names in (["one"], ["two"], ["one", "two"]):
        shown = runs("report", *names).stdout
        assert max(len(line) for line in shown.splitlines()) <= 80
        assert "\x1b" not in shown


def test_runs_priced_by_different_tables_are_not_compared(runs, trace, arch):
    runs("run", trace, "--arch", arch, "--out", "other", "--energy", "horowitz-45nm")
    done = runs("report", "one", "other")
    assert done.returncode == 2
    assert "priced by other tables" in done.stderr and "--energy" in done.stderr
    assert runs("report", "one", "other", "--energy", "horowitz-45nm").returncode == 0


def leaves(value, path=()):
    if isinstance(value, dict):
        for key, child in value.items():
            yield from leaves(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from leaves(child, (*path, index))
    else:
        yield path, value


# Numbers that stand alone: nothing else in the report follows from them. So do those of the
# tensors' zeros and the lowest bit of an exact accumulator, which are the trace's.
FREE = {("version",), ("workload", "step"), ("workload", "seed"), ("selection", "left_out")}


def test_a_number_that_was_changed_is_noticed(runs):
    report = stored(runs, "two")
    numbers = [(path, value) for path, value in leaves(report)
               if isinstance(value, (int, float)) and not isinstance(value, bool)
               and path not in FREE and path[:2] != ("workload", "tensors") and path[-2:] != ("accumulator", "lsb")
               ]  # fmt: skip
    seed = 11
    for path, value in random.Random(seed).sample(numbers, 60):
        changed = json.loads(json.dumps(report))
        at = changed
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = value + 1
        (runs.folder / "changed.json").write_text(json.dumps(changed))
        done = runs("report", "changed.json")
        assert done.returncode == 2, f"{path} (seed {seed})"
        assert done.stderr.count("\n") == 1 and "changed.json" in done.stderr


@pytest.mark.parametrize("extents", [
    {"m": 0}, {"n": -5}, {"m": 2**62, "n": 2**62}, {"count": 2**63 - 1, "k": 2**40},
])  # fmt: skip
def test_extents_that_no_gemm_has_are_refused(runs, extents):
    report = stored(runs, "two")
    report["passes"][0]["gemms"][0].update(extents)
    (runs.folder / "changed.json").write_text(json.dumps(report))
    assert "macs are not those of its gemms" in runs.refuses("report", "changed.json")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("[]", "no report of a run"),
        ("{}", "no report of a run"),
        ('{"format": "potomac-report", "version": 4}', "version 4"),
        ('{"format": "potomac-report", "version": 2}', "version 2; this Potomac reads version 3; run it again"),
        ('{"format": "potomac-report", "version": 3}', "'engine' is missing"),
        ('{"format": "potomac-report", "version": "3"}', "version: must be an integer"),
        ('{"format": "potomac-report", "version": 1e999}', "holds a number that no report has"),
        ('{"potomac": {"version": "0.1.0", "report_version": 1}}', "version 1"),
        ('{"format": "potomac-report", "version": 3, "engine": 7}', "engine: must be a text"),
        ("\x89HDF\r\n", "HDF5 file"),
    ],
)
def test_what_is_no_report_is_told_so(potomac, content, says):
    (potomac.folder / "x.json").write_bytes(content.encode("latin-1"))
    done = potomac("report", "x.json")
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("kind", ["lists", "maps", "unclosed"])
def test_levels_without_end_are_no_report(potomac, kind):
    levels = 70_000
    text = {
        "lists": "[" * levels + "]" * levels,
        "maps": '{"a":' * levels + "1" + "}" * levels,
        "unclosed": '{"format": "potomac-report", "version": ' + "[" * levels,
    }[kind]
    (potomac.folder / "x.json").write_text(text)
    assert "levels" in potomac.refuses("report", "x.json")


def test_a_folder_without_a_report(potomac):
    (potomac.folder / "empty").mkdir()
    done = potomac("report", "empty")
    assert done.returncode == 2
    assert "empty/report.json" in done.stderr


def on_a_terminal(potomac, *arguments: str, **variables: str) -> str:
    """What the program prints to a terminal of its own."""
    main, side = os.openpty()
    done = subprocess.Popen([potomac.program, *arguments], cwd=potomac.folder, stdout=side,
                            stdin=subprocess.DEVNULL, env={**os.environ, **variables})  # fmt: skip
    os.close(side)
    shown = b""
    while True:
        try:
            part = os.read(main, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(main)
    assert done.wait(60) == 0
    return shown.decode()


def test_type_is_bold_on_a_terminal_that_wants_it(runs):
    shown = on_a_terminal(runs, "report", "two", NO_COLOR="")
    assert "\x1b[1m003-fc1\x1b[0m" in shown
    plain = on_a_terminal(runs, "report", "two", NO_COLOR="1")
    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[[01]m", "", shown) == plain


def test_a_report_of_overridden_accumulators_is_read_again(potomac, trace, arch):
    overrides = '[{layer: fc1, bits: 20, lsb: 4, overflow: saturate}, {pass: backward-weight, lsb: auto}]'
    done = potomac("run", trace, "--arch", arch, "--set", f"pe.accumulator.overrides={overrides}",
                   "--accounting", "structural", "--energy", "horowitz-45nm", "--out", "o")  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads((potomac.folder / "o/report.json").read_text())
    bits = {(p["layer"], p["pass"]): of(p)["accumulator"] for p in report["passes"]}
    assert bits["003-fc1", "forward"] == {"bits": 20, "lsb": 4}
    assert bits["003-fc1", "backward-weight"]["bits"] == 32  # the last that matches counts
    again = potomac("report", "o")
    assert again.returncode == 0, again.stderr
    line = potomac.refuses("run", trace, "--arch", arch, "--out", "p", "--set",
                           "pe.accumulator.overrides=[{layer: fc3, lsb: 4}]")  # fmt: skip
    assert "'fc3'" in line and "overrides[0]" in line
