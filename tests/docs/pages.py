"""The blocks of a page of documentation, and what its commands should print, found and rewritten."""

from __future__ import annotations

import difflib
import pathlib
import re
from typing import List, NamedTuple, Optional

FENCE = re.compile(r"^```(.*)$")
# Below this, two pieces of output are not the same piece with other numbers.
ALIKE = 0.5


class Command(NamedTuple):
    text: str
    begin: int  # the page's lines that show what it prints, counted from 0: [begin, end)
    shown: List[str]

    @property
    def end(self) -> int:
        return self.begin + len(self.shown)


class Block:
    """`line` is that of its fence, from 1, so that it is the index of the first line inside."""

    def __init__(self, page: pathlib.Path, line: int, info: str, lines: List[str]) -> None:
        self.place = f"{page}:{line}"
        self.line = line
        self.language, _, self.name = info.strip().partition(" ")
        self.lines = lines

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"

    def commands(self) -> List[Command]:
        found: List[Command] = []
        for number, line in enumerate(self.lines, self.line):
            if line.startswith("$ "):
                found.append(Command(line[2:], number + 1, []))
            elif found and found[-1].text.endswith("\\"):
                found[-1] = Command(found[-1].text + "\n" + line, number + 1, [])
            else:
                assert found, f"{self.place}: the first line is no `$ command`"
                found[-1].shown.append(line)
        for command in found:
            while command.shown and not command.shown[-1].strip():
                command.shown.pop()
        return found


def blocks_of(page: pathlib.Path, text: str) -> List[Block]:
    blocks, begin, info, lines = [], 0, "", []
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if fence and not begin:
            begin, info, lines = number, fence.group(1), []
        elif fence:
            blocks.append(Block(page, begin, info, lines))
            begin = 0
        elif begin:
            lines.append(line)
    assert not begin, f"{page}:{begin}: this block has no end"
    return blocks


def is_gap(line: str) -> bool:
    return line.strip() == "..."


def matches(shown: List[str], printed: List[str]) -> bool:
    """Whether the output is what the page shows; `...` stands for any number of lines."""
    pattern = "".join(
        r"(?:.*\n)*" if is_gap(line) else re.escape(line.rstrip()) + r"[ ]*\n" for line in shown
    )
    return re.fullmatch(pattern, "".join(line + "\n" for line in printed)) is not None


def likeness(one: List[str], other: List[str]) -> float:
    return difflib.SequenceMatcher(None, "\n".join(one), "\n".join(other), autojunk=False).ratio()


def rewritten(shown: List[str], printed: List[str]) -> Optional[List[str]]:
    """What the page should show of `printed`: each piece between two `...` becomes the lines of the
    output that are most like it. None where there are none like it: somebody has to look."""
    printed = [line.rstrip() for line in printed]
    if not any(map(is_gap, shown)):
        return printed
    result: List[str] = []
    at = 0  # in `printed`
    piece: List[str] = []
    after_gap = False
    for line in [*shown, None]:
        if line is not None and not is_gap(line):
            piece.append(line)
            continue
        if piece:
            last = len(printed) - len(piece)
            begins = range(at, last + 1) if after_gap else [at]
            if line is None and after_gap:
                begins = [last]
            best = max(begins, key=lambda b: likeness(piece, printed[b : b + len(piece)]), default=-1)
            if best < at or likeness(piece, printed[best : best + len(piece)]) < ALIKE:
                return None
            at = best + len(piece)
            result += printed[best:at]
            piece = []
        if line is not None:
            result.append(line)
            after_gap = True
    return result
