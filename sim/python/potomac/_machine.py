"""The machine: an architecture's keys, and an accumulator."""

from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Mapping, Optional, Union

from . import _native
from ._native import InputError
from ._paths import PathLike, text_of_path

KeyValue = Union[bool, int, float, str]


def _text_of(key: str, value: Any) -> str:
    """A value as it would be written in an architecture file."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
        return "true" if value else "false"
    if hasattr(value, "__index__"):
        return str(value.__index__())
    if isinstance(value, float):
        return repr(float(value))
    raise InputError(f"{key}: a {type(value).__name__} is no value of a key; "
                     "give a number, a bool or a text")  # fmt: skip


class Architecture:
    """A machine, by the keys of an architecture file (docs/architecture-file.md).

    arch: the name of a shipped architecture ("os-16x16"), a file (YAML, or SCALE-Sim's .cfg), or
    another Architecture, which is copied; without it, every key has its default.
    set: keys that are given other values: {"array.rows": 32}.

        machine = potomac.Architecture("os-16x16", {"array.rows": 32})
        machine["pe.accumulator.bits"] = 24
    """

    def __init__(
        self,
        arch: Union["Architecture", PathLike, None] = None,
        set: Optional[Mapping[str, KeyValue]] = None,
    ) -> None:
        if arch is None:
            self._native = _native.Architecture()
        elif isinstance(arch, Architecture):
            self._native = _native.Architecture(arch._native)
        else:
            self._native = _native.Architecture.load(text_of_path(arch, "arch"))
        if set is not None:
            if not isinstance(set, Mapping):
                raise InputError(f"set: a {type(set).__name__} is no mapping; give {{KEY: VALUE}}")
            for key, value in set.items():
                self[key] = value

    def __getitem__(self, key: str) -> Optional[KeyValue]:
        """The key's value; None if the machine does not have the part (a memory) that has it."""
        return self._native.get(key)

    def __setitem__(self, key: str, value: KeyValue) -> None:
        if not isinstance(key, str):
            raise InputError(f"set: a {type(key).__name__} is no key; "
                             "give a text like 'array.rows'")  # fmt: skip
        self._native.set(key, _text_of(key, value))

    def __iter__(self) -> Iterator[str]:
        return (key for key, value in self.to_dict().items() if value is not None)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Architecture) and self._native.equals(other._native)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        defaults = {key["name"]: key["default"] for key in self.keys()}
        changed = {k: v for k, v in self.to_dict().items() if v is not None and v != defaults[k]}
        return f"Architecture(set={changed!r})"

    def to_dict(self) -> Dict[str, Optional[KeyValue]]:
        """Every key and its value."""
        return {key["name"]: self._native.get(key["name"]) for key in self.keys()}

    def text(self) -> str:
        """The text of an architecture file of this machine, every key written out."""
        return self._native.text()

    @staticmethod
    def keys() -> List[Dict[str, Any]]:
        """All keys, in the order of the file: name, unit, meaning, default."""
        return _native.Architecture.keys()

    @staticmethod
    def names() -> List[str]:
        """The architectures that ship."""
        return _native.Architecture.names()


@dataclass(frozen=True)
class Accumulator:
    """The two's-complement accumulator of a MF-MAC.

    bits: its width, 8 to 64. lsb: the power of two that its lowest bit stands for, in units of
    the operands' scales; None or "exact": the highest at which no product of the operands'
    formats is dropped; "auto": the lowest at which no sum can overflow, as deep as the reduction
    is. overflow: "wrap" or "saturate".
    """

    bits: int = 32
    lsb: Union[int, str, None] = None
    overflow: str = "wrap"
