#!/usr/bin/python3
"""Draws docs/pictures/timing-*.svg: the worked examples of docs/timing.md, from the waveforms that the arrays
in SystemVerilog write.

    scripts/timing_diagrams.py [PROGRAM] [FOLDER]     (default: build/sim/potomac, docs/pictures)
"""

from __future__ import annotations

import pathlib
import subprocess
import sys
import tempfile
from typing import Callable, NamedTuple, Optional
from xml.sax.saxutils import escape

import h5py
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/cli"))

from vcd import Vcd  # noqa: E402

PERIOD = 2000  # ps, at 500 MHz
OPERAND_BITS = 5
SUM_BITS = 32
SUM_SCALE = 2.0**-14  # of an exact lowest bit

STEP = 76  # pixels a cycle
ROW = 30
NAMES = 214
HIGH = 18

A_OS = [[1, 2], [4, -8], [16, 32]]
B_OS = [[1, -2], [4, 8]]
A_WS = [[1, 2, 4], [-8, 16, 32], [-1, 64, -2]]
B_WS = [[1, -2], [4, 8], [-16, 32]]


class Signal(NamedTuple):
    """A row of a diagram. `text`: of its value, None where there is none; without it, it is a bit."""

    name: str
    at: Callable[[int], int]  # the value at a time
    text: Optional[Callable[[int], Optional[str]]] = None
    register: bool = False


def code(value: float) -> int:
    """The code of a power of two; its scale is 0."""
    if value == 0:
        return 1 << (OPERAND_BITS - 2)
    exponent = int(np.log2(abs(value)))
    return (int(value < 0) << (OPERAND_BITS - 1)) | (exponent & ((1 << (OPERAND_BITS - 1)) - 1))


def value_of(bits: int) -> str:
    field = bits & ((1 << (OPERAND_BITS - 1)) - 1)
    if field == 1 << (OPERAND_BITS - 2):
        return "0"
    exponent = field - (1 << (OPERAND_BITS - 1)) if field >> (OPERAND_BITS - 2) else field
    return f"{'-' if bits >> (OPERAND_BITS - 1) else ''}{2.0**exponent:g}"


def sum_of(bits: int) -> str:
    signed = bits - (1 << SUM_BITS) if bits >> (SUM_BITS - 1) else bits
    return f"{signed * SUM_SCALE:g}"


def write_trace(path: pathlib.Path, a: list[list[int]], b: list[list[int]]) -> None:
    """A linear layer whose forward pass is A times B."""
    text = h5py.string_dtype("ascii", 16)
    tensors = {"A": np.array(a), "W": np.array(b).T, "G": np.zeros((len(a), len(b[0])))}
    with h5py.File(path, "w", libver=("v110", "v110")) as file:
        attributes = {"format": "potomac-trace", "model": "example", "framework": "none",
                      "dataset": "none", "rounding": "log2"}  # fmt: skip
        for name, value in attributes.items():
            file.attrs.create(name, value, dtype=h5py.string_dtype("ascii", len(value)))
        for name, number in {"version": 2, "step": 0, "seed": 0}.items():
            file.attrs[name] = np.int64(number)
        layer = file.create_group("layers/000-example")
        layer.attrs.create("kind", "linear", dtype=text)
        layer.attrs["input_grad"] = np.int64(1)
        for name, values in tensors.items():
            codes = np.vectorize(code)(values).astype(np.uint8)
            tensor = layer.create_dataset(name, data=codes, chunks=codes.shape, fletcher32=True)
            tensor.attrs["bits"] = np.int64(OPERAND_BITS)
            tensor.attrs["beta"] = np.int64(0)


def record(program: pathlib.Path, folder: pathlib.Path, a: list[list[int]], b: list[list[int]],
           *settings: str) -> Vcd:  # fmt: skip
    trace, vcd = folder / "example.h5", folder / "example.vcd"
    write_trace(trace, a, b)
    keys = ["array.rows=2", "array.cols=2", f"pe.operand_bits={OPERAND_BITS}", "pe.accumulator.bits=32",
            "pe.accumulator.lsb=exact", "clock_mhz=500", *settings]  # fmt: skip
    sets = [word for key in keys for word in ("--set", key)]
    subprocess.run([program, "run", trace, "--arch", "os-16x16", *sets, "--engine", "verilog", "--passes", "forward",
                    "--vcd", vcd, "--vcd-gemm", "000-example/forward", "--out", folder / "out"],
                   cwd=ROOT, check=True, stdout=subprocess.DEVNULL)  # fmt: skip
    return Vcd(vcd)


class Array:
    """The signals of a 2 x 2 array, by what they are."""

    def __init__(self, vcd: Vcd, module: str) -> None:
        self.vcd = vcd
        self.top = f"TOP.{module}"

    def field(self, name: str, at: int, bits: int) -> Callable[[int], int]:
        full = f"{self.top}.{name}"
        return lambda time: (self.vcd.at(full, time) >> at) & ((1 << bits) - 1)

    def bit(self, label: str, name: str, at: int = 0, register: bool = False) -> Signal:
        return Signal(label, self.field(name, at, 1), None, register)

    def valued(self, label: str, value: Callable[[int], int], valid: Callable[[int], int],
               show: Callable[[int], str], register: bool = False) -> Signal:  # fmt: skip
        return Signal(label, value, lambda time: show(value(time)) if valid(time) else None, register)

    def port(self, label: str, name: str, lane: int, bits: int, valid: str,
             show: Callable[[int], str], register: bool = False) -> Signal:  # fmt: skip
        return self.valued(label, self.field(name, lane * bits, bits), self.field(valid, lane, 1), show, register)

    def register(self, label: str, pe: tuple[int, int], name: str, bits: int, show: Callable[[int], str],
                 valid: Optional[str] = None, valid_bit: int = 0) -> Signal:  # fmt: skip
        scope = f"g_row[{pe[0]}].g_pe[{pe[1]}].pe"
        always: Callable[[int], int] = lambda time: 1
        return self.valued(label, self.field(f"{scope}.{name}", 0, bits),
                           self.field(f"{scope}.{valid}", valid_bit, 1) if valid else always, show, True)  # fmt: skip


def output_stationary(vcd: Vcd) -> list[Signal]:
    array = Array(vcd, "output_stationary_array")
    return [
        array.bit("clk", "clk"),
        array.port("west, lane 0", "west", 0, OPERAND_BITS, "west_valid", value_of),
        array.port("west, lane 1", "west", 1, OPERAND_BITS, "west_valid", value_of),
        array.port("north, lane 0", "north", 0, OPERAND_BITS, "north_valid", value_of),
        array.port("north, lane 1", "north", 1, OPERAND_BITS, "north_valid", value_of),
        array.bit("first", "north_first"),
        array.bit("last", "north_last"),
        array.register("PE (0, 0): row operand", (0, 0), "east", OPERAND_BITS, value_of, "east_valid"),
        array.register("PE (0, 0): column operand", (0, 0), "south", OPERAND_BITS, value_of, "south_tags", 2),
        array.register("PE (0, 0): accumulator", (0, 0), "accumulator", SUM_BITS, sum_of),
        array.register("PE (0, 0): shadow", (0, 0), "shadow", SUM_BITS, sum_of, "shadow_state", 1),
        array.register("PE (1, 0): accumulator", (1, 0), "accumulator", SUM_BITS, sum_of),
        array.register("PE (1, 0): shadow", (1, 0), "shadow", SUM_BITS, sum_of, "shadow_state", 1),
        array.bit("column 0: starts", "starts", 0, True),
        array.bit("column 0: shifts", "shifts", 0, True),
        array.port("result, lane 0", "result", 0, SUM_BITS, "result_valid", sum_of, True),
        array.port("result, lane 1", "result", 1, SUM_BITS, "result_valid", sum_of, True),
    ]


def stationary(vcd: Vcd, double_buffered: bool) -> list[Signal]:
    array = Array(vcd, "stationary_array")
    second = [array.register(f"PE ({r}, 0): multiplied", (r, 0), "active", OPERAND_BITS, value_of, "active_valid")
              for r in range(2)] if double_buffered else [None, None]  # fmt: skip
    rows = [
        array.bit("clk", "clk"),
        array.bit("tile moves", "tile_moves"),
        array.bit("tile settles", "tile_settles"),
        array.port("tile, lane 0", "tile", 0, OPERAND_BITS, "tile_valid", value_of),
        array.port("tile, lane 1", "tile", 1, OPERAND_BITS, "tile_valid", value_of),
        array.port("west, lane 0", "west", 0, OPERAND_BITS, "west_valid", value_of),
        array.port("west, lane 1", "west", 1, OPERAND_BITS, "west_valid", value_of),
        array.bit("first", "west_first"),
        array.register("PE (0, 0): loaded", (0, 0), "below", OPERAND_BITS, value_of, "below_valid"),
        second[0],
        array.register("PE (1, 0): loaded", (1, 0), "below", OPERAND_BITS, value_of, "below_valid"),
        second[1],
        array.port("top, lane 0", "top", 0, SUM_BITS, "top_valid", sum_of),
        array.register("PE (0, 0): sum", (0, 0), "south", SUM_BITS, sum_of, "south_valid"),
        array.port("bottom, lane 0", "bottom", 0, SUM_BITS, "bottom_valid", sum_of, True),
        array.port("top, lane 1", "top", 1, SUM_BITS, "top_valid", sum_of),
        array.port("bottom, lane 1", "bottom", 1, SUM_BITS, "bottom_valid", sum_of, True),
    ]
    return [row for row in rows if row is not None]


def segments(signal: Signal, halves: int) -> list[tuple[int, int, object]]:
    """From half a cycle to half a cycle (exclusive): the value, or its text."""
    shown = [signal.text(PERIOD // 2 * half) if signal.text else signal.at(PERIOD // 2 * half)
             for half in range(halves)]  # fmt: skip
    found: list[tuple[int, int, object]] = []
    for half, value in enumerate(shown):
        # A value that comes again may be another: registers change at edges, inputs before them.
        fresh = half % 2 == (1 if signal.register else 0)
        if found and found[-1][2] == value and not (fresh and signal.text and not signal.register):
            found[-1] = (found[-1][0], half + 1, value)
        else:
            found.append((half, half + 1, value))
    return found


def draw(title: str, signals: list[Signal], cycles: int) -> str:
    width, top = NAMES + cycles * STEP + 12, 34
    height = top + len(signals) * ROW + 8
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" font-family="sans-serif" font-size="13">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    # Half 2k lies before the edge of cycle k, half 2k + 1 behind it.
    place = lambda half: NAMES + half * STEP / 2  # noqa: E731
    for cycle in range(cycles):
        x = place(2 * cycle + 1)
        out.append(f'<line x1="{x:g}" y1="22" x2="{x:g}" y2="{height - 4}" stroke="#bbb" stroke-dasharray="2 3"/>')
        out.append(f'<text x="{x:g}" y="16" text-anchor="middle" fill="#555">{cycle}</text>')
    out.append('<text x="8" y="16" fill="#555">edge of cycle</text>')
    for number, signal in enumerate(signals):
        y = top + number * ROW
        low, high = y + HIGH, y
        out.append(f'<text x="8" y="{low - 4}" fill="#111">{escape(signal.name)}</text>')
        parts = segments(signal, 2 * cycles)
        if signal.text is None:
            path, level = [], None
            for begin, end, value in parts:
                now = high if value else low
                path.append(f"{'M' if level is None else 'L'}{place(begin):g} {now}L{place(end):g} {now}")
                level = now
            out.append(f'<path d="{"".join(path)}" fill="none" stroke="#1f4e8c" stroke-width="1.5"/>')
            continue
        colour = "#dfeedd" if signal.register else "#e4ecf7"
        for begin, end, text in parts:
            x0, x1 = place(begin), place(end)
            if text is None:
                middle = (low + high) / 2
                out.append(f'<line x1="{x0:g}" y1="{middle:g}" x2="{x1:g}" y2="{middle:g}" stroke="#999"/>')
                continue
            middle = (low + high) / 2
            out.append(f'<path d="M{x0:g} {middle:g}L{x0 + 4:g} {high}L{x1 - 4:g} {high}L{x1:g} {middle:g}L{x1 - 4:g} {low}'
                       f'L{x0 + 4:g} {low}Z" fill="{colour}" stroke="#444"/>')  # fmt: skip
            out.append(f'<text x="{(x0 + x1) / 2:g}" y="{low - 4}" text-anchor="middle">{escape(str(text))}</text>')
    return "\n".join([*out, "</svg>", ""])


DIAGRAMS = {
    "timing-os": ("The output-stationary example, pipelined, edge by edge", A_OS, B_OS,
                  ["array.dataflow=os", "array.issue=pipelined"], output_stationary, 9),
    "timing-ws": ("The weight-stationary example, pipelined, edge by edge", A_WS, B_WS,
                  ["array.dataflow=ws", "array.issue=pipelined"], lambda vcd: stationary(vcd, True), 11),
    "timing-is": ("The input-stationary example, serial, edge by edge", A_WS, B_WS,
                  ["array.dataflow=is", "array.issue=serial"], lambda vcd: stationary(vcd, False), 14),
}  # fmt: skip


def main() -> None:
    program = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/sim/potomac").resolve()
    target = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "docs/pictures"
    for name, (title, a, b, settings, signals, cycles) in DIAGRAMS.items():
        with tempfile.TemporaryDirectory() as folder:
            vcd = record(program, pathlib.Path(folder), a, b, *settings)
            (target / f"{name}.svg").write_text(draw(title, signals(vcd), cycles))


if __name__ == "__main__":
    main()
