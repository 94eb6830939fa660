"""The SystemVerilog is clean for Verilator and read by Yosys, and a solver proves the MF-MAC equal to a
multiplication, a shift and an addition; faults that are put into it are found."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess

import pytest

VERILOG = pathlib.Path(os.environ["POTOMAC_VERILOG"])
PROOF = pathlib.Path(__file__).parent / "mf_mac_proof.sv"
MODULES = sorted(VERILOG.glob("*.sv"))


def run(*command: object, cwd: pathlib.Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=300, check=False)  # fmt: skip


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_it_is_clean(module, tmp_path):
    done = run("verilator", "--lint-only", "-Wall", f"-I{VERILOG}", module, cwd=tmp_path)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_yosys_makes_gates_of_it_without_a_latch(module, tmp_path):
    small = "-chparam ROWS 2 -chparam COLS 2" if "array" in module.stem else ""
    done = run("yosys", "-p", f"read_verilog -sv -defer -I{VERILOG} {' '.join(map(str, MODULES))}; "
               f"hierarchy -top {module.stem} {small}; synth -flatten; "
               "select -assert-none t:$dlatch* t:$_DLATCH*; stat", cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    # The arrays of loops are not for synthesis: Yosys takes their memories apart, and says so.
    warnings = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("Warning:")]
    assert all("Replacing memory" in line and "loops" in module.stem for line in warnings), warnings
    assert int(re.findall(r"Number of cells: +(\d+)", done.stdout)[-1]) > 0


def proves(folder: pathlib.Path, **parameters: int) -> bool:
    """Whether the solver finds no input for which the unit in `folder` is another."""
    chosen = " ".join(f"-set {name} {value}" for name, value in parameters.items())
    done = run("yosys", "-p", f"read_verilog -sv -I{folder} {folder / 'mf_mac.sv'} {PROOF}; "
               f"chparam {chosen} mf_mac_proof; prep -flatten -top mf_mac_proof; opt -full; "
               "sat -verify -prove holds 1 mf_mac_proof", cwd=folder)  # fmt: skip
    proven = "SAT proof finished - no model found: SUCCESS!" in done.stdout
    assert proven == (done.returncode == 0), done.stdout[-2000:]
    assert proven or "proof did fail" in done.stderr, done.stdout[-2000:]
    return proven


@pytest.mark.parametrize("parameters", [
    {"SATURATE": 0},
    {"SATURATE": 1},
    {"ROW_BITS": 8, "COLUMN_BITS": 6, "ACC_BITS": 40, "PLACE_BITS": 12, "SATURATE": 1},
    {"ROW_BITS": 3, "COLUMN_BITS": 3, "ACC_BITS": 8, "PLACE_BITS": 8, "SATURATE": 0},
], ids=str)  # fmt: skip
def test_the_mf_mac_is_proven_to_multiply_shift_and_add(parameters, tmp_path):
    copied(tmp_path)
    assert proves(tmp_path, **parameters)


def copied(folder: pathlib.Path) -> None:
    for name in ("mf_mac.sv", "mf_mac_functions.svh"):
        shutil.copy(VERILOG / name, folder)


FAULTS = {
    "the signs are joined by an OR": ("r[ROW_BITS-1] ^ c", "r[ROW_BITS-1] | c"),
    "zero is the pattern of 2^0": ("{1'b1, {(ROW_BITS - 2)", "{1'b0, {(ROW_BITS - 2)"),
    "a column's zero is not seen": ("!mf_column_is_zero(c)", "1'b1"),
    "the lowest bit is one too high": ("- lowest;", "- lowest - 1;"),
    "the lowest bit is added": ("- lowest;", "+ lowest;"),
    "an exponent is not sign-extended": ("{r[ROW_BITS-2]}}, r}", "{1'b0}}, r}"),
    "what lies below the lowest bit is added": ("!place[PLACE_BITS-1]", "1'b1"),
    "a negative product is twice as large": (
        "{negative}}, 1'b1}", "{negative}}, !negative}"),
    "a product is one place too high": ("1'b1} << place", "1'b1} << 1 << place"),
    "saturation at the wrong end": ("{!from[ACC_BITS-1]}", "{from[ACC_BITS-1]}"),
    "saturation where there is none": (
        "from[ACC_BITS-1] == addend[ACC_BITS-1] &&", ""),
    "only one end saturates": (
        "total[ACC_BITS-1] != from[ACC_BITS-1]", "total[ACC_BITS-1] && !from[ACC_BITS-1]"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_it_is_found(fault, tmp_path):
    copied(tmp_path)
    functions = tmp_path / "mf_mac_functions.svh"
    before, after = FAULTS[fault]
    text = functions.read_text()
    assert before in text
    functions.write_text(text.replace(before, after))
    assert not (proves(tmp_path, SATURATE=0) and proves(tmp_path, SATURATE=1))
