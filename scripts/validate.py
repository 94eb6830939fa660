#!/usr/bin/python3
"""Lays Potomac's cycles beside those of hardware and simulators that others wrote: the tables of
docs/validation.md.

    scripts/validate.py gemmini           Gemmini's RTL, from docs/validation
    scripts/validate.py scalesim FOLDER   what SCALE-Sim printed, in the CSV files of its TPU validation
    scripts/validate.py tpu FOLDER        the times of a TPU in the same files

`potomac` is looked for on the PATH.
"""

from __future__ import annotations

import collections
import csv
import json
import math
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from typing import Any, Iterator, NamedTuple, Optional

SERIAL = ("--set", "array.issue=serial")  # what SCALE-Sim models: preload and stream alone
DATA = pathlib.Path(__file__).resolve().parents[1] / "docs/validation"


class Gemm(NamedTuple):
    m: int
    n: int
    k: int
    count: int = 1


def cycles_of(layers: dict[str, list[str]], arch: str, *options: str, machine: str = "mf_mac") -> dict[str, int]:
    """The cycles of each layer's forward pass, by the layer's name. `layers`: lines of a model description."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        model = folder / "model.yaml"
        lines = [f"  - {line}" for of_layer in layers.values() for line in of_layer]
        model.write_text("format: potomac-model\nversion: 1\nmodel: validation\nlayers:\n" + "\n".join(lines) + "\n")
        done = subprocess.run(["potomac", "run", model, "--arch", arch, "--engine", "count", "--passes", "forward",
                               "--out", folder / "out", *options], capture_output=True, text=True, check=False)  # fmt: skip
        if done.returncode != 0:
            sys.exit(done.stderr.strip())
        report = json.loads((folder / "out/report.json").read_text())
    cycles = {}
    for one in report["passes"]:
        layer = re.sub(r"^\d+-", "", one["layer"])
        spent = one["machines"][machine]["cycles"]
        cycles[layer] = spent["preload"] + spent["stream"] if options[-2:] == SERIAL else spent["total"]
    return cycles


def matmul(name: str, gemm: Gemm) -> str:
    return f"{{matmul: {name}, batch: {gemm.count}, m: {gemm.m}, n: {gemm.n}, k: {gemm.k}}}"


def table(rows: list[list[str]], left: int = 1) -> None:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for number, row in enumerate(rows):
        print("  ".join(f"{cell:{'<' if i < left else '>'}{widths[i]}}" for i, cell in enumerate(row)).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))


def percent(ratio: float) -> str:
    return f"{100 * ratio:+.1f}%"


# Gemmini: GEMMs whose rows are a batch, and convolutions. Words: N rows of a batch (or images), C what is reduced,
# M outputs, P x Q output pixels, R x S kernel; [T] all of it, [I] one tile.


class Test(NamedTuple):
    name: str
    whole: dict[str, int]
    tile: dict[str, int]
    cycles: int

    @property
    def kernel(self) -> int:
        return self.whole.get("R", 1) * self.whole.get("S", 1)


def gemmini_tests() -> list[Test]:
    tests = []
    with (DATA / "gemmini-rtl-cycles.csv").open() as file:
        for row in csv.DictReader(file):
            levels = {part[1]: {letter: int(extent) for letter, extent in re.findall(r"([A-Z])(\d+)", part[3:])}
                      for part in row["mapping"].split(" - ")}  # fmt: skip
            tests.append(Test(row["test"], levels["T"], levels["I"], int(row["gemmini_rtl_cycles"])))
    return tests


def cuts(whole: int, tile: int) -> collections.Counter[int]:
    """How many blocks of each extent."""
    full, rest = divmod(whole, tile)
    return collections.Counter({extent: count for extent, count in ((tile, full), (rest, 1)) if extent * count > 0})


def tiles_of(test: Test) -> Iterator[tuple[Gemm, tuple[int, int]]]:
    """The blocks of a test as GEMMs, one for each place of the kernel, with the lines of rows that stream: how many
    lines, of how many rows."""
    streams: collections.Counter[tuple[int, int]] = collections.Counter()
    if "P" in test.whole:
        for p, p_count in cuts(test.whole["P"], test.tile["P"]).items():
            for q, q_count in cuts(test.whole["Q"], test.tile["Q"]).items():
                streams[p, q] += p_count * q_count
    else:
        for rows, count in cuts(test.whole["N"], test.tile["N"]).items():
            streams[1, rows] += count
    for (lines, rows), stream_count in streams.items():
        for k, k_count in cuts(test.whole["C"], test.tile["C"]).items():
            for n, n_count in cuts(test.whole["M"], test.tile["M"]).items():
                yield Gemm(lines * rows, n, k, test.kernel * stream_count * k_count * n_count), (lines, rows)


def instruction_cycles(lines: int, rows: int) -> int:
    """Gemmini streams a line by instructions of up to 8 rows, each of at least 4 cycles."""
    full, rest = divmod(rows, 8)
    return lines * (8 * full + (max(4, rest) if rest else 0))


def gemmini() -> None:
    arch = str(DATA / "gemmini-ws-8x8.yaml")
    tests = gemmini_tests()
    shapes: dict[str, list[str]] = {}
    tiled: dict[str, list[str]] = {}
    mappings = []
    more: dict[str, int] = {}  # cycles that instructions add to those of tiles
    for test in tests:
        w = test.whole
        if "P" in w:
            shapes[test.name] = [f"{{conv2d: {test.name}, input: [1, {w['C']}, {w['P'] + w['R'] - 1}, "
                                 f"{w['Q'] + w['S'] - 1}], outputs: {w['M']}, kernel: [{w['R']}, {w['S']}]}}"]  # fmt: skip
        else:
            shapes[test.name] = [matmul(test.name, Gemm(w["N"], w["M"], w["C"]))]
        tiled[test.name] = []
        more[test.name] = 0
        kinds: collections.Counter[tuple[int, int]] = collections.Counter()
        for gemm, (lines, rows) in tiles_of(test):
            folds = gemm.count * math.ceil(gemm.k / 8) * math.ceil(gemm.n / 8)
            more[test.name] += folds * (max(8, instruction_cycles(lines, rows)) - max(8, gemm.m))
            if "P" in w:
                name = f"{test.name}.{len(tiled[test.name])}"
                tiled[test.name].append(matmul(name, gemm))
            else:
                kinds[gemm.n, gemm.k] += gemm.m * gemm.count
        # Of a GEMM, all rows are one layer, in the tiles that `memory.tiles` says. Blocks of k and n may be no whole
        # number of folds, as Gemmini has them: those of an extent are a layer.
        for (n, k), rows_in_all in kinds.items():
            name = f"{test.name}.{len(tiled[test.name])}"
            tiled[test.name].append(matmul(name, Gemm(w["N"], n, k, rows_in_all // w["N"])))
            mappings.append(f"{{layer: '{name}', machine: mf_mac, m: {test.tile['N']}}}")
    by_shape = cycles_of(shapes, arch)
    by_tile = cycles_of(tiled, arch, "--set", f"memory.tiles=[{', '.join(mappings)}]")
    rows = [["test", "Gemmini's RTL", "shapes alone", "its tiles", "and instructions"]]
    errors: list[list[float]] = []
    for test in tests:
        tiles = sum(cycles for layer, cycles in by_tile.items() if layer.rsplit(".", 1)[0] == test.name)
        ours = [by_shape[test.name], tiles, tiles + more[test.name]]
        errors.append([cycles / test.cycles - 1 for cycles in ours])
        rows.append([test.name, str(test.cycles), *map(percent, errors[-1])])
    mean = [sum(abs(error[i]) for error in errors) / len(errors) for i in range(3)]
    rows.append(["mean, without signs", "", *(f"{100 * one:.1f}%" for one in mean)])
    table(rows)


# SCALE-Sim's validation against a TPU: files of matmul_MxNxK, the time of the fused operation in microseconds, and, in
# all but the file of the largest, the cycles that SCALE-Sim printed.


class Timed(NamedTuple):
    file: str
    m: int
    n: int
    k: int
    microseconds: float
    scalesim: Optional[int]


def timed_in(folder: str) -> list[Timed]:
    found = []
    files = sorted(pathlib.Path(folder).glob("tpu-*.csv"))
    if not files:
        sys.exit(f"{folder}: no tpu-*.csv in it; see docs/validation.md for where they come from")
    for path in files:
        with path.open() as file:
            lines = csv.reader(file)
            head = [word.strip() for word in next(lines)]
            for line in lines:
                row = dict(zip(head, (word.strip() for word in line)))
                shape = re.fullmatch(r"matmul_(\d+)x(\d+)x(\d+)", row["kernel_name"])
                if shape and row["fusion_avg"]:
                    printed = row.get("total_cycles")
                    found.append(Timed(path.stem, *map(int, shape.groups()), float(row["fusion_avg"]),
                                       int(float(printed)) if printed else None))  # fmt: skip
    return found


def cycles_of_timed(timed: list[Timed], arch: str, *options: str, machine: str = "mf_mac") -> list[int]:
    shapes = sorted({(one.m, one.n, one.k) for one in timed})
    layers = {f"g{m}x{n}x{k}": [matmul(f"g{m}x{n}x{k}", Gemm(m, n, k))] for m, n, k in shapes}
    cycles = cycles_of(layers, arch, *options, machine=machine)
    return [cycles[f"g{one.m}x{one.n}x{one.k}"] for one in timed]


def scalesim_cycles(timed: list[Timed]) -> list[int]:
    """What SCALE-Sim prints on 128 x 128 PEs: one less than the preload and stream that we count. In its runs the
    smaller of m and n streams."""
    ws, is_ = (cycles_of_timed(timed, "ws-128x128", "--set", f"array.dataflow={dataflow}", *SERIAL)
               for dataflow in ("ws", "is"))  # fmt: skip
    return [(w if one.m <= one.n else i) - 1 for one, w, i in zip(timed, ws, is_)]


def scalesim(folder: str) -> None:
    timed = [one for one in timed_in(folder) if one.scalesim is not None]
    ours = scalesim_cycles(timed)
    rows = [["file", "GEMMs", "equal"]]
    for file in files_by_size(timed):
        equal = [cycles == one.scalesim for one, cycles in zip(timed, ours) if one.file == file]
        rows.append([file, str(len(equal)), str(sum(equal))])
    table(rows)


def files_by_size(timed: list[Timed]) -> list[str]:
    return sorted({one.file for one in timed}, key=lambda name: [int(n) for n in re.findall(r"\d+", name)])


def line_through(points: list[tuple[float, float]]) -> tuple[float, float]:
    """The line a x + b whose relative errors have the least squares."""
    weights = [1 / y**2 for _, y in points]
    total = sum(weights)
    x_mean = sum(w * x for w, (x, _) in zip(weights, points)) / total
    y_mean = sum(w * y for w, (_, y) in zip(weights, points)) / total
    a = (sum(w * (x - x_mean) * (y - y_mean) for w, (x, y) in zip(weights, points)) /
         sum(w * (x - x_mean) ** 2 for w, (x, _) in zip(weights, points)))  # fmt: skip
    return a, y_mean - a * x_mean


def tpu(folder: str) -> None:
    timed = timed_in(folder)
    files = files_by_size(timed)
    core = str(DATA / "tpu-core.yaml")
    contenders: dict[str, list[Any]] = {
        "SCALE-Sim, as printed": [one.scalesim for one in timed],
        "SCALE-Sim, by its formula": scalesim_cycles(timed),
        "Potomac, half of the chip's bandwidth": cycles_of_timed(timed, core, machine="fp32_mac"),
        "Potomac, all of it": cycles_of_timed(timed, core, "--set", "memory.dram.bandwidth_gb_s=1200",
                                              machine="fp32_mac"),
    }  # fmt: skip
    sizes = [name.removeprefix("tpu-") for name in files]
    rows = [["cycles of", "us a cycle", "us", *(f"{size}" for size in sizes)]]
    for name, cycles in contenders.items():
        known = [(one, cycle) for one, cycle in zip(timed, cycles)]
        fitted = [(cycle, one.microseconds) for one, cycle in known[::2] if cycle is not None]
        a, b = line_through(fitted)
        row = [name, f"{a:.3e}", f"{b:.2f}"]
        for file in files:
            errors = [abs((a * cycle + b) / one.microseconds - 1)
                      for one, cycle in known[1::2] if one.file == file and cycle is not None]  # fmt: skip
            row.append(f"{100 * sum(errors) / len(errors):.1f}%" if errors else "-")
        rows.append(row)
    table(rows)


def main() -> None:
    if shutil.which("potomac") is None:
        sys.exit("potomac is not on the PATH; after scripts/demo.sh: PATH=build/sim:$PATH")
    match sys.argv[1:]:
        case ["gemmini"]:
            gemmini()
        case ["scalesim", folder]:
            scalesim(folder)
        case ["tpu", folder]:
            tpu(folder)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
