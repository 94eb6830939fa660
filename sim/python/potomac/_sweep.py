"""A sweep's points, in their store, as data frames."""

import tempfile
from typing import TYPE_CHECKING, List, Optional, Sequence, Union

from . import _native
from ._native import InputError
from ._paths import PathLike, integer_of, text_of_path, texts_of
from ._results import frame

if TYPE_CHECKING:
    import pandas

Names = Union[str, Sequence[str]]


class Sweep:
    """What a sweep yielded. Made by `sweep()` and `load_sweep()`.

    Columns are those of sweep.csv, and all others of the store that are asked for: every key of the
    machine, all that is said of each array ("fp32_mac_cycles_total"; "cycles_total" is mf_mac's), of
    each energy ("energy[mf_mac,horowitz-45nm,structural]").
    """

    def __init__(
        self, path: str, temporary: "Optional[tempfile.TemporaryDirectory[str]]" = None
    ) -> None:
        self._native = _native.Sweep(path)
        self._temporary = temporary
        self._path = path

    @property
    def columns(self) -> List[str]:
        """The names of all that can be asked for."""
        return self._native.columns()

    def frame(
        self,
        columns: Names = (),
        *,
        where: Optional[str] = None,
        sort: Names = (),
        limit: Optional[int] = None,
    ) -> "pandas.DataFrame":
        """A row a point, in their order.

        A point that a machine cannot run says why in `message`. Where something is asked, only
        points that ran, and of each its parameters and `columns`:
        where: a condition, "array.rows >= 32 and array.dataflow = ws"; what is not known fulfils none.
        sort: columns, each rising, or falling: "mf_mac_time_s desc".
        limit: the first so many.
        """
        wanted = texts_of(columns, "columns")
        if where is None and not sort and limit is None:
            return frame(self._native.points(wanted))
        return self._ask(where, sort, (), wanted, limit)

    def pareto(
        self,
        *quantities: str,
        where: Optional[str] = None,
        columns: Names = (),
        sort: Names = (),
        limit: Optional[int] = None,
    ) -> "pandas.DataFrame":
        """The points that no other one is as good as in all of these columns, and better in one.

        Less is better, or more: "mf_mac_utilization max". Up to four, exactly.
        """
        if not quantities:
            raise InputError("pareto: there is no quantity; name one or more columns")
        front = self._ask(where, sort, quantities, texts_of(columns, "columns"), limit)
        return front.drop(columns="pareto")

    def _ask(
        self, where: Optional[str], sort: Names, pareto: Sequence[str], columns: List[str],
        limit: Optional[int],
    ) -> "pandas.DataFrame":  # fmt: skip
        most = None if limit is None else integer_of(limit, "limit", 1, 2**63 - 1)
        asked = self._native.ask(
            where or "", texts_of(sort, "sort"), texts_of(pareto, "pareto"), columns, most
        )
        return frame(asked)

    def __len__(self) -> int:
        """How many points it has, refused ones too."""
        return self._native.size()

    def __repr__(self) -> str:
        where = "" if self._temporary else f" in {self._path!r}"
        return f"<Sweep of {len(self)} points{where}>"


def load_sweep(path: PathLike) -> Sweep:
    """Reads what a sweep wrote: its folder, or a sweep.csv."""
    return Sweep(text_of_path(path, "path"))
