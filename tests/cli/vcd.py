"""Value change dumps, read as any viewer would."""

from __future__ import annotations

import pathlib
import re


class Vcd:
    """Signals by their dotted name: bits, and (time, value) of each change."""

    def __init__(self, path: pathlib.Path):
        self.bits: dict[str, int] = {}
        self.changes: dict[str, list[tuple[int, int]]] = {}
        names: dict[str, list[str]] = {}  # by code: one signal may have several
        scopes: list[str] = []
        time = 0
        for line in path.read_text().splitlines():
            words = line.split()
            if not words:
                continue
            if words[0] == "$scope":
                scopes.append(words[2])
            elif words[0] == "$upscope":
                scopes.pop()
            elif words[0] == "$var":
                name = ".".join([*scopes, words[4]])
                names.setdefault(words[3], []).append(name)
                self.bits[name] = int(words[2])
                self.changes[name] = []
            elif re.fullmatch(r"#\d+", words[0]):
                time = int(words[0][1:])
            elif re.fullmatch(r"b[01]+", words[0]) and len(words) == 2:
                for name in names[words[1]]:
                    self.changes[name].append((time, int(words[0][1:], 2)))
            elif len(words) == 1 and words[0][0] in "01" and words[0][1:] in names:
                for name in names[words[0][1:]]:
                    self.changes[name].append((time, int(words[0][0])))

    def at(self, name: str, time: int) -> int:
        return [value for when, value in self.changes[name] if when <= time][-1]

    def toggles(self, name: str) -> int:
        values = [0, *(value for _, value in self.changes[name])]
        mask = (1 << self.bits[name]) - 1
        return sum(bin((a ^ b) & mask).count("1") for a, b in zip(values, values[1:]))
