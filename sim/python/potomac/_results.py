"""What runs yield, as data frames."""

import json
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence, Union

from . import _native, _plots
from ._machine import Architecture
from ._native import InputError
from ._paths import PathLike, text_of_path, texts_of

if TYPE_CHECKING:
    import pandas


def frame(table: Dict[str, List[Any]]) -> "pandas.DataFrame":
    """A data frame; whole numbers of which some are not known stay whole."""
    import pandas

    columns = {}
    for name, values in table.items():
        known = [v for v in values if v is not None]
        whole = bool(known) and all(isinstance(v, int) and not isinstance(v, bool) for v in known)
        if whole and len(known) < len(values):
            columns[name] = pandas.array(values, dtype="UInt64" if max(known) >= 2**63 else "Int64")
        else:
            columns[name] = pandas.Series(values, dtype=None if known else object)
    return pandas.DataFrame(columns)


class Result:
    """What a run yielded, or a stored report read again. Made by `run()` and `load()`."""

    def __init__(self, native: "_native.Result") -> None:
        self._native = native
        self._frames: Dict[str, "pandas.DataFrame"] = {}
        self._report: Optional[Dict[str, Any]] = None

    @property
    def passes(self) -> "pandas.DataFrame":
        """A row a pass: what layers.csv says, with its columns' names."""
        return self._frame("passes")

    @property
    def totals(self) -> "pandas.DataFrame":
        """A row a machine: cycles, MACs, actions and traffic of all passes together."""
        return self._frame("totals")

    @property
    def energy(self) -> "pandas.DataFrame":
        """A row a machine, unit-energy table and accounting: the total and its components, pJ."""
        return self._frame("energy")

    @property
    def report(self) -> Dict[str, Any]:
        """All of it, as in report.json (docs/report.md)."""
        if self._report is None:
            self._report = json.loads(self._native.json())
        return self._report

    @property
    def workload(self) -> Dict[str, Any]:
        """What was run: model, framework, dataset, where its values come from."""
        return self.report["workload"]

    @property
    def architecture(self) -> Architecture:
        """The machine that it was run on; a copy."""
        architecture = Architecture()
        architecture._native = self._native.architecture()
        return architecture

    def save(self, folder: PathLike) -> None:
        """Writes report.json and layers.csv, as `potomac run --out` does."""
        self._native.save(text_of_path(folder, "save"))

    def save_page(self, file: PathLike) -> None:
        """Writes a page to look at, one HTML file that needs nothing else, as `potomac report
        --html` does."""
        self._native.save_page(text_of_path(file, "save_page"))

    plot_energy = _plots.plot_energy
    plot_reduction = _plots.plot_reduction
    plot_cycles = _plots.plot_cycles
    plot_roofline = _plots.plot_roofline
    plot_traffic = _plots.plot_traffic

    def priced(
        self,
        energy: Union[PathLike, Sequence[PathLike]] = (),
        accounting: Optional[str] = None,
    ) -> "Result":
        """The same run, priced by other unit-energy tables or another accounting."""
        return Result(self._native.priced(texts_of(energy, "energy"), accounting or ""))

    def _frame(self, name: str) -> "pandas.DataFrame":
        if name not in self._frames:
            self._frames[name] = frame(getattr(self._native, name)())
        return self._frames[name]

    def __str__(self) -> str:
        return _native.report([("result", self._native)], [], "", "table")

    def __repr__(self) -> str:
        name = self.workload["model"]
        return f"<Result of {name!r}: {len(self.report['passes'])} passes on {self.architecture!r}>"


def load(path: PathLike) -> Result:
    """Reads what a run wrote: its folder, or the report.json in it."""
    return Result(_native.Result.load(text_of_path(path, "path")))


def report(
    *results: Union[Result, PathLike],
    energy: Union[PathLike, Sequence[PathLike]] = (),
    accounting: Optional[str] = None,
    format: str = "table",
) -> str:
    """Results, or folders of stored ones, alone or side by side, as `potomac report` shows them.

    energy: unit-energy tables to price them by; none: those that they were priced by.
    format: "table", "csv", "json", "markdown", "latex" or "html" (a page to look at).
    """
    if not results:
        raise InputError("report: there is no result; give at least one")
    named = []
    for i, one in enumerate(results):
        if isinstance(one, Result):
            named.append((f"result {i + 1}", one._native))
        else:
            path = text_of_path(one, "report")
            named.append((path, _native.Result.load(path)))
    return _native.report(named, texts_of(energy, "energy"), accounting or "", format)


def columns() -> "pandas.DataFrame":
    """Unit and meaning of all columns: of a pass, of a machine in it, of an energy."""
    rows = _native.columns()
    return frame({key: [row[key] for row in rows] for key in ("of", "name", "unit", "meaning")})
