"""The engine that runs the SystemVerilog arrays: its results, its waveforms, and what it says where it
cannot compile them. What is compiled is kept in the folder of the build."""

from __future__ import annotations

import json
import os
import pathlib
import re
import shutil
import stat

import h5py
import numpy as np
import pytest
from reports import of
from vcd import Vcd

CACHE = pathlib.Path(os.environ["POTOMAC_BINARY_DIR"]) / "tests-cache"
ENVIRONMENT = {**os.environ, "XDG_CACHE_HOME": str(CACHE)}
FC2 = ("--layers", "*fc2*")
SMALL = ("--set", "array.rows=3", "--set", "array.cols=4")
MACHINES = [("os", "pipelined"), ("ws", "pipelined"), ("is", "serial")]


def machine(dataflow: str, issue: str) -> tuple[str, ...]:
    return (*SMALL, "--set", f"array.dataflow={dataflow}", "--set", f"array.issue={issue}")


def run(potomac, trace, arch, out: str, *options: str, env: dict[str, str] = ENVIRONMENT):
    done = potomac("run", trace, "--arch", arch, *FC2, "--out", out, *options, env=env)
    assert done.returncode == 0, done.stderr
    return json.loads((potomac.folder / out / "report.json").read_text())


@pytest.mark.parametrize(("dataflow", "issue"), MACHINES)
def test_it_says_what_every_engine_says(potomac, trace, arch, dataflow, issue):
    reports = {}
    for engine in ("fast", "verilog"):
        reports[engine] = run(
            potomac, trace, arch, engine, *machine(dataflow, issue), "--engine", engine, "--toggles",
            "--dump-outputs", f"{engine}.h5", "--simulate-baseline", "--set", "memory.dram.bandwidth_gb_s=1.6")  # fmt: skip
        assert reports[engine].pop("engine") == engine
    assert reports["verilog"] == reports["fast"]
    with h5py.File(potomac.folder / "fast.h5") as fast, \
            h5py.File(potomac.folder / "verilog.h5") as verilog:  # fmt: skip
        names: list[str] = []
        fast.visit(lambda name: names.append(name) if isinstance(fast[name], h5py.Dataset) else None)
        assert len(names) == 6, names  # three passes, of either machine
        for name in names:
            assert np.array_equal(fast[name][()], verilog[name][()]), name


def test_it_sweeps(potomac, trace, arch):
    spec = potomac.folder / "spec.yaml"
    spec.write_text(f"workload: {trace}\narch: {arch}\nlayers: ['*fc2*']\npasses: [forward]\n"
                    "parameters: {array.rows: [3], array.cols: [4], array.dataflow: [os, ws], "
                    "array.issue: [pipelined]}\n")  # fmt: skip
    rows = []
    for engine in ("fast", "verilog"):
        spec.write_text(re.sub("engine: .*\n", "", spec.read_text()) + f"engine: {engine}\n")
        done = potomac("sweep", spec, "--out", engine, env=ENVIRONMENT)
        assert done.returncode == 0, done.stderr
        rows.append((potomac.folder / engine / "sweep.csv").read_text())
    assert rows[0] == rows[1]


def registers_of(name: str, dataflow: str) -> str | None:
    """The class of a register's data bits in the array of modules; none for tags, wires and counters."""
    if name.endswith(".line.held_data"):
        return "skew"
    match = re.search(r"\.g_pe\[\d+\]\.pe\.(\w+)$", name)
    names = {"east": "operand", "south": "operand", "accumulator": "accumulator", "shadow": "drain"}
    if dataflow != "os":
        names = {"east": "operand", "below": "stationary", "active": "stationary",
                 "south": "partial_sum"}  # fmt: skip
    return names.get(match.group(1)) if match else None


@pytest.mark.parametrize(("dataflow", "issue"), [("os", "pipelined"), ("ws", "pipelined")])
def test_toggles_are_the_bit_changes_of_the_modules_waveform(
    potomac, trace, arch, dataflow, issue
):
    report = run(potomac, trace, arch, "o", *machine(dataflow, issue), "--engine", "verilog",
                 "--passes", "forward", "--toggles", "--vcd", "w.vcd", "--vcd-gemm",
                 "004-fc2/forward")  # fmt: skip
    vcd = Vcd(potomac.folder / "w.vcd")
    counted = dict.fromkeys(of(report["totals"])["toggles"], 0)
    for name in vcd.bits:
        registers = registers_of(name, dataflow)
        if registers:
            counted[registers] += vcd.toggles(name)
    assert counted == of(report["totals"])["toggles"]


def test_a_window_is_a_part_of_the_waveform_and_the_same_each_time(potomac, trace, arch):
    for name, options in {"whole": (), "a": ("--vcd-cycles", "100:130"),
                          "b": ("--vcd-cycles", "100:130")}.items():  # fmt: skip
        run(potomac, trace, arch, "o", *machine("ws", "pipelined"), "--engine", "verilog", "--passes",
            "forward", "--vcd", f"{name}.vcd", "--vcd-gemm", "004-fc2/forward", *options)  # fmt: skip
    assert (potomac.folder / "a.vcd").read_bytes() == (potomac.folder / "b.vcd").read_bytes()
    whole, part = Vcd(potomac.folder / "whole.vcd"), Vcd(potomac.folder / "a.vcd")
    assert part.bits == whole.bits
    for name, changes in part.changes.items():
        for time, value in changes:
            assert 100 * 2000 <= time < 130 * 2000
            assert whole.at(name, time) == value


def test_it_writes_fst_as_well(potomac, trace, arch):
    run(potomac, trace, arch, "o", *machine("os", "pipelined"), "--engine", "verilog", "--passes",
        "forward", "--vcd", "w.fst", "--vcd-gemm", "004-fc2/forward")  # fmt: skip
    # A header block of 329 bytes, whose length comes first (GTKWave's fstapi).
    head = (potomac.folder / "w.fst").read_bytes()[:9]
    assert head == bytes([0]) + (329).to_bytes(8, "big")
    line = potomac.refuses("run", trace, "--arch", arch, "--out", "o2", "--vcd", "w.fst", "--vcd-gemm",
                           "004-fc2/forward")  # fmt: skip
    assert "with --engine verilog" in line


def test_verify_proves_it_equal_on_two_machines(potomac):
    done = potomac("verify", "--engine", "verilog", "--cases", "300", "--cases-per-machine", "150",
                   "--seed", "7", env=ENVIRONMENT)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "300 cases" in done.stdout
    assert "fast and verilog agree" in done.stdout


def test_it_says_what_it_compiles_once(potomac, trace, arch, tmp_path):
    env = {**ENVIRONMENT, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    for runtime in (CACHE / "potomac/verilog").glob("runtime-*.o"):
        kept = tmp_path / "cache/potomac/verilog"
        kept.mkdir(parents=True, exist_ok=True)
        shutil.copy(runtime, kept)
    said = []
    for _ in range(2):
        done = potomac("run", trace, "--arch", arch, *FC2, "--passes", "forward", *SMALL, "--engine",
                       "verilog", "--out", "o", env=env)  # fmt: skip
        assert done.returncode == 0
        said.append(done.stderr)
    assert said[1] == ""
    assert re.fullmatch(r"potomac: compiling the 3 x 4 output-stationary array of MF-MACs with Verilator"
                        r": some 2 s, once; kept in .*/cache/potomac/verilog\n", said[0])  # fmt: skip
    # Nothing but libraries and what they share is left there.
    assert {path.suffix for path in (tmp_path / "cache/potomac/verilog").iterdir()} == {".so", ".o"}


def program(folder: pathlib.Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_what_it_cannot_compile_with_is_told_in_a_line(potomac, trace, arch, tmp_path_factory):
    folder = tmp_path_factory.mktemp("programs")
    old = program(folder, "old", "echo 'Verilator 4.210 2021-07-07 rev v4.210'")
    broken = program(folder, "broken", 'if [ "$1" = --version ]; then echo g++ 1; else echo "x.cpp: '
                     'error: no space left"; exit 1; fi')  # fmt: skip
    locked = folder / "locked"
    locked.write_text("a file, and no folder")
    cases: list[tuple[dict[str, str], int, str]] = [
        ({"POTOMAC_VERILATOR": "no-verilator"}, 2, "there is no 'no-verilator'; install it: scripts/setup.sh verilog"),
        ({"POTOMAC_VERILATOR": old}, 2, "is tested with Verilator 5.006, and this is 'Verilator 4.210"),
        ({"CXX": "no-compiler"}, 2, "a C++ compiler, and there is no 'no-compiler'"),
        ({"XDG_CACHE_HOME": str(locked)}, 2, "cannot be written"),
        ({"CXX": broken, "XDG_CACHE_HOME": str(folder / "cache")}, 1, "x.cpp: error: no space left"),
        ({"XDG_CACHE_HOME": "", "HOME": ""}, 2, "set XDG_CACHE_HOME"),
    ]  # fmt: skip
    for variables, status, expected in cases:
        done = potomac("run", trace, "--arch", arch, *FC2, "--engine", "verilog", "--out", "o",
                       env={**ENVIRONMENT, **variables})  # fmt: skip
        lines = [line for line in done.stderr.splitlines() if not line.startswith("potomac: compiling")]
        assert (done.returncode, len(lines)) == (status, 1), (variables, done.stderr)
        assert lines[0].startswith("potomac: error: ")
        assert expected in lines[0]
        assert not (potomac.folder / "o").exists()
    assert not list((folder / "cache/potomac/verilog").iterdir())


def test_a_library_that_is_damaged_is_named(potomac, trace, arch, tmp_path):
    env = {**ENVIRONMENT, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    kept = tmp_path / "cache/potomac/verilog"
    shutil.copytree(CACHE / "potomac/verilog", kept)
    for library in kept.glob("*.so"):
        library.write_text("no library")
    done = potomac("run", trace, "--arch", arch, *FC2, "--passes", "forward", *machine("ws", "pipelined"),
                   "--engine", "verilog", "--out", "o", env=env)  # fmt: skip
    assert done.returncode == 1
    assert "delete it, and it is compiled anew" in done.stderr


def test_what_it_does_not_step_through_is_refused(potomac, trace, arch):
    assert "too many to step through" in potomac.refuses(
        "run", trace, "--arch", arch, "--engine", "verilog", "--out", "o", "--set", "array.rows=2048",
        "--set", "array.cols=1024")  # fmt: skip
    assert "would take some 18 minutes to compile" in potomac.refuses(
        "run", trace, "--arch", arch, "--engine", "verilog", "--out", "o", *FC2, "--set",
        "array.rows=128", "--set", "array.cols=160", "--vcd", "w.vcd", "--vcd-gemm",
        "004-fc2/forward")  # fmt: skip
    assert "shapes but no values" in potomac.refuses(
        "run", "resnet18", "--arch", arch, "--engine", "verilog", "--out", "o")  # fmt: skip
