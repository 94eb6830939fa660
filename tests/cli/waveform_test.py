"""Waveforms, read as any viewer would: they hold every register, and what a report says of registers
can be counted in them again."""

from __future__ import annotations

import json
import re

import pytest
from reports import of
from vcd import Vcd


def class_of(name: str) -> str | None:
    """The class of a register's data bits; none for tags, wires and counters."""
    if "skew_" in name and name.endswith(".operand"):
        return "skew"
    match = re.search(r"\.pe_\d+_\d+\.(.*)", name)
    return {
        "first.operand": "operand", "second.operand": "operand", "stream.operand": "operand",
        "loaded.operand": "stationary", "active.operand": "stationary",
        "accumulator": "accumulator", "shadow.value": "drain", "sum.value": "partial_sum",
    }.get(match.group(1)) if match else None  # fmt: skip


def waveform(potomac, trace, arch, name: str, *options: str) -> Vcd:
    done = potomac("run", trace, "--arch", arch, "--out", "o", "--layers", "*fc2*", "--passes",
                   "forward", "--toggles", "--vcd", f"{name}.vcd", "--vcd-gemm", "004-fc2/forward",
                   *options)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return Vcd(potomac.folder / f"{name}.vcd")


MACHINES = [("os", "serial"), ("os", "pipelined"), ("ws", "serial"), ("ws", "pipelined"),
            ("is", "pipelined")]  # fmt: skip


def settings(dataflow: str, issue: str) -> list[str]:
    keys = ["array.rows=5", "array.cols=3", f"array.dataflow={dataflow}", f"array.issue={issue}",
            "pe.operand_bits=6", "pe.accumulator.bits=40"]  # fmt: skip
    return [word for key in keys for word in ("--set", key)]


@pytest.mark.parametrize(("dataflow", "issue"), MACHINES)
def test_toggles_are_the_bit_changes_of_the_waveform(potomac, trace, arch, dataflow, issue):
    vcd = waveform(potomac, trace, arch, "w", *settings(dataflow, issue))
    counted = dict.fromkeys(
        ["operand", "skew", "stationary", "partial_sum", "accumulator", "drain"], 0
    )
    for name in vcd.bits:
        registers = class_of(name)
        if registers:
            counted[registers] += vcd.toggles(name)
            assert vcd.bits[name] == (6 if name.endswith("operand") else 40)
    report = json.loads((potomac.folder / "o/report.json").read_text())
    assert of(report["totals"])["toggles"] == counted


def test_a_window_is_a_part_of_the_whole(potomac, trace, arch):
    machine = settings("ws", "pipelined")
    whole = waveform(potomac, trace, arch, "whole", *machine)
    part = waveform(potomac, trace, arch, "part", *machine, "--vcd-cycles", "100:130")
    assert part.bits == whole.bits
    period = 2000  # ps, at 500 MHz
    for name, changes in part.changes.items():
        inside = [(time, value) for time, value in changes if time >= 100 * period]
        expected = [(t, v) for t, v in whole.changes[name] if 100 * period <= t < 130 * period]
        assert inside == expected, name
        assert part.at(name, 100 * period) == whole.at(name, 100 * period)
    assert max(time for changes in part.changes.values() for time, _ in changes) < 130 * period


@pytest.mark.parametrize(("dataflow", "issue"), MACHINES)
def test_the_save_file_names_every_signal(potomac, trace, arch, dataflow, issue):
    vcd = waveform(potomac, trace, arch, "w", *settings(dataflow, issue))
    lines = (potomac.folder / "w.gtkw").read_text().splitlines()
    shown = [re.sub(r"\[\d+:0\]$", "", line.split("} ")[1]) for line in lines if line[0] == "+"]
    assert sorted(shown) == sorted(vcd.bits)
    groups = [line[1:] for line in lines if line.startswith("-")]
    assert [f"pe_{r}_{c}" for r in range(5) for c in range(3)] == [
        name for name in dict.fromkeys(groups) if name.startswith("pe_")
    ]
    assert '[dumpfile] "w.vcd"' in lines
    # Each operand goes through the table of codes, which has every one.
    operands = [name for name in shown if name.endswith("operand")]
    assert lines.count("^1 w.codes.txt") == len(operands)
    codes = dict(
        line.split(" ", 1) for line in (potomac.folder / "w.codes.txt").read_text().splitlines()
    )
    assert len(codes) == 64
    assert codes["00"] == "+2^0"
    assert codes["10"] == "0"
    assert codes["3f"] == "-2^-1"


def test_the_same_run_writes_the_same_file(potomac, trace, arch):
    for name in ("a", "b"):
        waveform(potomac, trace, arch, name, *settings("os", "serial"))
    assert (potomac.folder / "a.vcd").read_bytes() == (potomac.folder / "b.vcd").read_bytes()


def code_text(word: int, bits: int, lsb: int = 0) -> str:
    """A PoT code of that many bits as people read it; one that carries e - lsb too."""
    exponent = word & ((1 << (bits - 1)) - 1)
    if exponent == 1 << (bits - 2):
        return "0"
    exponent -= (exponent >> (bits - 2)) << (bits - 1)
    return f"{'-' if word >> (bits - 1) else ''}2^{exponent + lsb}"


def signed(word: int, bits: int) -> int:
    return word - ((word >> (bits - 1)) << bits)


@pytest.mark.parametrize(("dataflow", "issue", "lsb"), [
    ("os", "serial", "-8"), ("os", "pipelined", "auto"), ("ws", "serial", "auto"),
    ("ws", "pipelined", "-8"), ("is", "serial", "auto"), ("is", "pipelined", "-8")])  # fmt: skip
def test_the_page_has_the_waveforms_first_cycles(potomac, trace, arch, dataflow, issue, lsb):
    vcd = waveform(potomac, trace, arch, "w", *settings(dataflow, issue), "--set", f"pe.accumulator.lsb={lsb}",
                   "--vcd-cycles", "20:140", "--html", "page.html")  # fmt: skip
    page = (potomac.folder / "page.html").read_text()
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page)
    run = json.loads(data[1])["runs"][0]
    frames = run["frames"]
    accumulator = run["passes"][0]["machines"]["mf_mac"]["accumulator"]
    assert (frames["pass"], frames["dataflow"]) == ("004-fc2 forward", dataflow)
    assert (frames["first_cycle"], len(frames["cycles"])) == (20, 100)
    prefix = "SystemC.potomac.array.pe_{}_{}."
    did = set()
    for cycle, pes in enumerate(frames["cycles"], 20):
        # Just before the next cycle's edge; the clock is 500 MHz, the unit 1 ps.
        time = (cycle + 1) * 2000 - 1
        for place, (moving, other, sum_, result, does) in enumerate(pes):
            pe = prefix.format(place // frames["cols"], place % frames["cols"])

            def operand(register: str, first: bool) -> str:
                if not vcd.at(f"{pe}{register}.valid", time):
                    return ""
                name = f"{pe}{register}.operand"
                carries = first and lsb == "auto"
                assert vcd.bits[name] > 6 if carries else vcd.bits[name] == 6
                return code_text(vcd.at(name, time), vcd.bits[name], accumulator["lsb"] if carries else 0)

            first_moves = dataflow != "is"
            stays = "active" if issue == "pipelined" else "loaded"
            assert moving == operand("first" if dataflow == "os" else "stream", first_moves)
            assert other == operand("second" if dataflow == "os" else stays, not first_moves)
            if dataflow == "os":
                assert sum_ == str(signed(vcd.at(f"{pe}accumulator", time), 40))
                there = vcd.at(f"{pe}shadow.valid", time)
                assert result == (str(signed(vcd.at(f"{pe}shadow.value", time), 40)) if there else "")
            else:
                there = vcd.at(f"{pe}sum.valid", time)
                assert sum_ == (str(signed(vcd.at(f"{pe}sum.value", time), 40)) if there else "")
            both = moving != "" and other != ""
            assert does == ("idle" if not both else "gated" if "0" in (moving, other) else "mac")
            did.add(does)
    assert did >= {"gated", "mac"}
