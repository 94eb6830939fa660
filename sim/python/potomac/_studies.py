"""Runs, sweeps, and what stands beside them."""

import os
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, List, Mapping, Optional, Sequence, Union

from . import _native
from ._machine import Architecture, KeyValue, _text_of
from ._native import InputError
from ._paths import PathLike, checked_progress, integer_of, text_of_path, texts_of, threads_of
from ._results import Result, frame
from ._sweep import Sweep
from ._workload import Workload, dimensions_of, workload_of

if TYPE_CHECKING:
    import pandas

Progress = Optional[Callable[[int, int], Any]]
Machine = Union[Architecture, PathLike]
Names = Union[str, Sequence[str]]
Tables = Union[PathLike, Sequence[PathLike]]


def _asked(
    engine: Optional[str], energy: Tables, accounting: str, against: Names,
    layers: Optional[Names], passes: Optional[Names],
) -> "_native.Asked":  # fmt: skip
    tables = texts_of(energy, "energy") or [_native.default_table]
    return _native.Asked(
        engine or "", tables, accounting, texts_of(against, "against"),
        None if layers is None else texts_of(layers, "layers"),
        None if passes is None else texts_of(passes, "passes"),
    )  # fmt: skip


def run(
    workload: Any,
    arch: Machine = "os-16x16",
    *,
    set: Optional[Mapping[str, KeyValue]] = None,
    energy: Tables = (),
    accounting: str = "operation",
    engine: Optional[str] = None,
    against: Names = (),
    layers: Optional[Names] = None,
    passes: Optional[Names] = None,
    step: Optional[str] = None,
    density: Union[str, Mapping[str, float], None] = None,
    simulate_baseline: bool = False,
    toggles: bool = False,
    dump_outputs: Optional[PathLike] = None,
    batch: Optional[int] = None,
    length: Optional[int] = None,
    dimensions: Optional[Mapping[str, int]] = None,
    threads: int = 0,
    progress: Progress = None,
) -> Result:
    """Runs a workload through one machine: cycles, actions, energy. `potomac run`.

    workload: a `Workload`, or what makes one: a file, the name of a model that ships, layers.
    arch, set: the machine, by name, file or `Architecture`, and keys over it: {"array.rows": 32}.
    energy: unit-energy tables by name or file. Default: paper-2302.14458.
    accounting: "operation" (arithmetic alone) or "structural" (registers, memories, clock too).
    engine: "fast", "count" (shapes alone), "systemc" or "verilog". Default: what the workload allows.
    against: units of arrays beside the FP32 array.
    layers, passes: only layers whose names match a pattern; only these passes.
    step: the whole training step with an optimizer, "sgd-momentum" or "adam".
    density: of a workload without values, the part of each tensor that is assumed not to be zero:
    {"W": 0.9, "A": 0.4, "G": 0.3}.
    simulate_baseline: run the FP32 array too, rather than count its actions in closed form.
    toggles: count the register bits that change, in both arrays.
    dump_outputs: an HDF5 file that every GEMM's accumulators are written to.
    batch, length, dimensions: bind what a model description leaves open.
    threads: 0 is all cores. The result is the same for any number.
    progress: called as progress(done, total), in MACs, on this thread. What it raises ends the run.

    Other Python threads run meanwhile, and Ctrl-C ends it; nothing is left behind.
    """
    asked = _asked(engine, energy, accounting, against, layers, passes)
    if isinstance(density, Mapping):
        density = ",".join(f"{tensor}={value}" for tensor, value in density.items())
    return Result(
        _native.run(
            workload_of(workload, batch, length, dimensions)._native,
            Architecture(arch, set)._native, asked, step, density, bool(simulate_baseline),
            bool(toggles), None if dump_outputs is None else text_of_path(dump_outputs, "dump_outputs"),
            threads_of(threads), checked_progress(progress),
        )
    )  # fmt: skip


def sweep(
    workload: Any,
    vary: Union[Mapping[str, Union[Sequence[KeyValue], Mapping[str, Any]]], PathLike],
    arch: Machine = "os-16x16",
    *,
    set: Optional[Mapping[str, KeyValue]] = None,
    where: Optional[str] = None,
    sample: Optional[int] = None,
    seed: int = 1,
    energy: Tables = (),
    accounting: str = "operation",
    engine: Optional[str] = None,
    against: Names = (),
    layers: Optional[Names] = None,
    passes: Optional[Names] = None,
    batch: Optional[int] = None,
    length: Optional[int] = None,
    dimensions: Optional[Mapping[str, int]] = None,
    out: Optional[PathLike] = None,
    keep_passes: bool = False,
    threads: int = 0,
    progress: Progress = None,
) -> Sweep:
    """A workload, or each of a list, through every combination of some architecture keys.

    vary: {"array.rows": [8, 16], "array.dataflow": ["os", "ws"]}; the last varies fastest. For a
    list, {"from": 8, "to": 256, "step": 8} or {"powers_of_two": [8, 256]}. Or a sweep file
    (docs/sweep-file.md), which says all but workload and dimensions itself; workload may then be
    None for the file's own.
    where: only combinations that fulfil it: "array.rows * array.cols <= 4096".
    sample: so many of these, drawn with the seed.
    out: a folder for the store and sweep.csv; a sweep that is there goes on, and no point is computed
    that the store has. Without it they are gone with the `Sweep`.
    keep_passes: store every pass of every point besides its totals.

    `.frame()` is its rows, `.pareto(...)` a front.
    """
    temporary = tempfile.TemporaryDirectory(prefix="potomac-") if out is None else None
    folder = text_of_path(out, "out") if temporary is None else temporary.name
    if not isinstance(vary, Mapping):
        if where is not None or sample is not None:
            raise InputError("where, sample: a sweep file has its own; write them there")
        own = None if workload is None else text_of_path(workload, "workload")
        _native.sweep_file(
            text_of_path(vary, "vary"), own or "", dimensions_of(batch, length, dimensions), folder,
            bool(keep_passes), threads_of(threads), checked_progress(progress),
        )  # fmt: skip
        return Sweep(folder, temporary)
    # A list of layers is one workload.
    several = isinstance(workload, (list, tuple)) and all(
        isinstance(one, (str, os.PathLike, Workload)) for one in workload
    )
    workloads = list(workload) if several else [workload]
    if not workloads:
        raise InputError("workload: the list names none; give one or more")
    parameters = []
    for key, values in vary.items():
        if isinstance(values, Mapping):
            parameters.append((key, _range_of(key, values)))
            continue
        if isinstance(values, str) or not hasattr(values, "__iter__"):
            raise InputError(f"vary: {key}: '{values}' is no list; give the values of the key")
        listed = ", ".join(_text_of(key, value) for value in values)
        parameters.append((key, f"[{listed}]"))
    _native.sweep(
        [workload_of(one, batch, length, dimensions)._native for one in workloads],
        Architecture(arch, set)._native, parameters, where or "",
        None if sample is None else integer_of(sample, "sample", 1, 10_000_000),
        integer_of(seed, "seed", 0, 2**63 - 1),
        _asked(engine, energy, accounting, against, layers, passes), folder, bool(keep_passes),
        threads_of(threads), checked_progress(progress),
    )  # fmt: skip
    return Sweep(folder, temporary)


def _range_of(key: str, values: Mapping[str, Any]) -> str:
    """{"from": 8, "to": 16} as a sweep's file has it."""
    parts = []
    for name, value in values.items():
        listed = value if isinstance(value, (list, tuple)) else [value]
        texts = ", ".join(_text_of(key, one) for one in listed)
        parts.append(f"{name}: [{texts}]" if isinstance(value, (list, tuple)) else f"{name}: {texts}")
    return "{" + ", ".join(parts) + "}"


def models(
    *,
    batch: Optional[int] = None,
    length: Optional[int] = None,
    dimensions: Optional[Mapping[str, int]] = None,
) -> "pandas.DataFrame":
    """The networks that ship: layers, parameters, MACs, and who published the counts."""
    rows = _native.models(dimensions_of(batch, length, dimensions))
    names: List[str] = list(rows[0]) if rows else []
    return frame({name: [row[name] for row in rows] for name in names})


@dataclass(frozen=True)
class Verified:
    """Cases on which the engines agreed, and their MACs."""

    cases: int
    macs: int


def verify(
    cases: int = 500,
    *,
    seed: int = 1,
    case: Optional[int] = None,
    arch: Optional[Machine] = None,
    engine: str = "systemc",
    cases_per_machine: Optional[int] = None,
    progress: Progress = None,
) -> Verified:
    """Proves the engines equal on drawn machines and layers, or on your machine.

    engine: the one that steps through every PE, "systemc" or "verilog".
    cases_per_machine: for how many cases a machine is drawn. Default: 1; 250 with "verilog", which compiles each.

    Raises MachineError, with the case, if they differ.
    """
    machine = None if arch is None else Architecture(arch)._native
    per_machine = None if cases_per_machine is None else integer_of(
        cases_per_machine, "cases_per_machine", 1, 2**32)  # fmt: skip
    done, macs = _native.verify(
        integer_of(cases, "cases", 1, 2**32), integer_of(seed, "seed", 0, 2**64 - 1),
        None if case is None else integer_of(case, "case", 0, 2**32), machine,
        engine, per_machine, checked_progress(progress),
    )  # fmt: skip
    return Verified(done, macs)
