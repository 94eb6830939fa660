"""Arguments as the library takes them, and what ships beside the package."""

import os
from pathlib import Path
from typing import Any, List, Optional, Sequence, Union

from . import _native
from ._native import InputError

PathLike = Union[str, "os.PathLike[str]"]


def text_of_path(value: Any, what: str) -> str:
    """A path, or a name of what ships, as text."""
    try:
        path = os.fspath(value)
    except TypeError:
        raise InputError(f"{what}: a {type(value).__name__} is no path; "
                         "give a text or a pathlib.Path") from None  # fmt: skip
    return os.fsdecode(path)


def texts_of(value: Union[PathLike, Sequence[PathLike]], what: str) -> List[str]:
    """One or several of them."""
    if isinstance(value, (str, os.PathLike)):
        value = [value]
    if not isinstance(value, Sequence):
        raise InputError(f"{what}: a {type(value).__name__} is no name; "
                         "give a text, or a list of them")  # fmt: skip
    return [text_of_path(one, what) for one in value]


def integer_of(value: Any, what: str, low: int, high: int) -> int:
    """A whole number, NumPy's too."""
    try:
        number = value.__index__()
    except AttributeError:
        raise InputError(f"{what}: '{value}' is no whole number; give an int") from None
    if isinstance(value, bool) or not low <= number <= high:
        raise InputError(f"{what}: {value} is out of range; choose from {low} to {high}")
    return int(number)


def threads_of(threads: Any) -> int:
    return integer_of(threads, "threads", 0, 1024)


def checked_progress(progress: Any) -> Any:
    if progress is not None and not callable(progress):
        raise InputError(f"progress: a {type(progress).__name__} cannot be called; "
                         "give a function of (done, total)")  # fmt: skip
    return progress


def _find_shipped() -> Optional[Path]:
    """`share/potomac` of the environment that the package is installed in, however it is."""
    package = Path(__file__).resolve().parent
    for root in (package.parent, *package.parents[2:5]):
        shipped = root / "share" / "potomac"
        if shipped.is_dir():
            return shipped
    return None


_shipped = _find_shipped()
if _shipped is not None:
    _native.add_shipped_root(str(_shipped))
