"""Every command and snippet of the README and the documentation, run, and its output compared.

A page's blocks are taken in order, in a folder that looks like a fresh clone:

    ```console          lines `$ command`, run by bash, each followed by what it prints; no output
                        lines: it need only succeed; a line `...`: any number of lines
    ```python           run as it stands
    ```yaml NAME        (or any language and a NAME) written to the file NAME, for later blocks
    ```text             for people only

A block without a language would slip through, so there is none.
"""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = sorted(
    page.relative_to(ROOT)
    for page in [ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("workloads/**/README.md")]
    if "build" not in page.parts
)
FENCE = re.compile(r"^```(.*)$")


class Block:
    def __init__(self, page: pathlib.Path, line: int, info: str, lines: list[str]) -> None:
        self.place = f"{page}:{line}"
        self.language, _, self.name = info.strip().partition(" ")
        self.lines = lines

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"


def blocks_of(page: pathlib.Path) -> list[Block]:
    blocks, begin, info, lines = [], 0, "", []
    for number, line in enumerate((ROOT / page).read_text().splitlines(), 1):
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


@pytest.fixture
def clone(tmp_path: pathlib.Path) -> pathlib.Path:
    """What a reader has: the tree, and `potomac` and `python3` on the PATH."""
    for name in ("sim", "workloads", "energy", "docs", "rtl_models", "README.md"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / ".bin").mkdir()
    (tmp_path / ".bin/potomac").symlink_to(os.environ["POTOMAC_PROGRAM"])
    (tmp_path / ".bin/python3").symlink_to(sys.executable)
    return tmp_path


def run(clone: pathlib.Path, command: list[str]) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PATH": f"{clone / '.bin'}:{os.environ['PATH']}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "LC_ALL": "C.UTF-8",
    }
    return subprocess.run(
        command, cwd=clone, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=300, check=False,
    )  # fmt: skip


def matches(shown: list[str], printed: list[str]) -> bool:
    """Whether the output is what the page shows; `...` stands for any number of lines."""
    pattern = "".join(
        r"(?:.*\n)*" if line.strip() == "..." else re.escape(line.rstrip()) + r"[ ]*\n"
        for line in shown
    )
    return re.fullmatch(pattern, "".join(line + "\n" for line in printed)) is not None


def commands_of(block: Block) -> list[tuple[str, list[str]]]:
    commands: list[tuple[str, list[str]]] = []
    for line in block.lines:
        if line.startswith("$ "):
            commands.append((line[2:], []))
        elif commands and commands[-1][0].endswith("\\"):
            commands[-1] = (commands[-1][0] + "\n" + line, [])
        else:
            assert commands, f"{block.place}: the first line is no `$ command`"
            commands[-1][1].append(line)
    return commands


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_page_does_what_it_says(page, clone):
    for block in blocks_of(page):
        assert block.language, f"{block.place}: say what the block is (console, python, text ...)"
        if block.name:
            (clone / block.name).write_text(block.text)
        elif block.language == "python":
            done = run(clone, [sys.executable, "-c", block.text])
            assert done.returncode == 0, f"{block.place}: {done.stdout}"
        elif block.language == "console":
            for command, shown in commands_of(block):
                done = run(clone, ["bash", "-c", command])
                while shown and not shown[-1].strip():
                    shown.pop()
                printed = done.stdout.splitlines()
                expected_to_fail = any("potomac: error:" in line for line in shown)
                assert (done.returncode != 0) == expected_to_fail, f"{block.place}: {command}"
                if shown:
                    assert matches(shown, printed), (
                        f"{block.place}: {command}\n--- shown\n" + "\n".join(shown)
                        + "\n--- printed\n" + "\n".join(printed)
                    )  # fmt: skip
        else:
            assert block.language == "text", f"{block.place}: nothing runs this block; name a file"


def help_of(command: str) -> str:
    done = subprocess.run(
        [os.environ["POTOMAC_PROGRAM"], *command.split(), "--help"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout if done.returncode == 0 else ""


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_commands_and_options_in_the_text_exist(page):
    text = (ROOT / page).read_text()
    for words in re.findall(r"\bpotomac ((?:run|sweep|report|trace \w+|help)\b[^`\n]*)", text):
        command = re.match(r"trace \w+|\w+", words).group()
        if command == "help":
            continue
        known = help_of(command)
        assert known, f"{page}: there is no `potomac {command}`"
        for option in re.findall(r"(?<!\S)--[a-z-]+", words):
            assert re.search(rf"{option}\b", known), f"{page}: potomac {command} has no {option}"


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page):
    text = re.sub(r"^```.*?^```$", "", (ROOT / page).read_text(), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (ROOT / page).parent.joinpath(target).exists(), f"{page}: {target}"


def test_the_quantizer_of_the_trace_format_takes_any_array():
    """int8 -128 has a magnitude that int8 cannot hold."""
    (block,) = [b for b in blocks_of(pathlib.Path("docs/trace-format.md")) if b.language == "python"]
    source = block.text[: block.text.index("def put_layer")]
    names: dict = {}
    exec(source, names)  # noqa: S102
    codes, beta = names["quantize"](np.array([-128, 64, 0, 1], dtype=np.int8))
    assert beta == 0
    assert codes.tolist() == [0x17, 0x06, 0x08, 0x00]


def test_the_tables_of_columns_are_the_lists(clone):
    """Names, units and meanings of docs/report.md are those that reports are written from."""
    done = run(clone, ["potomac", "generate", "columns"])
    assert done.returncode == 0, done.stdout
    text = (ROOT / "docs/report.md").read_text()
    shown = text.split("<!-- columns -->\n")[1].split("<!-- end of columns -->")[0]
    assert shown.strip() == done.stdout.strip()


def test_the_page_of_the_library_shows_its_program():
    """The program that tests/library builds and runs."""
    (block,) = [b for b in blocks_of(pathlib.Path("docs/library.md")) if b.language == "cpp"]
    program = (ROOT / "tests/library/run_and_sweep.cpp").read_text()
    assert block.text == program[program.index("#include") :]


def test_the_cycles_by_hand_are_those_of_the_demo(clone):
    """Each row of docs/timing.md is a sum that gives what it says, and what the program counts."""
    done = run(clone, ["potomac", "run", "workloads/traces/fashion-cnn-b16.h5", "--arch",
                       "sim/architectures/os-16x16.yaml", "--out", "out"])  # fmt: skip
    assert done.returncode == 0, done.stdout
    counted = {
        f"{entry['layer']} {entry['pass']}": entry["machines"]["mf_mac"]["cycles"]["total"]
        for entry in json.loads((clone / "out/report.json").read_text())["passes"]
    }
    text = (ROOT / "docs/timing.md").read_text()
    by_hand = {}
    for name, sum_text, cycles in re.findall(r"^\| (\d{3}-\S+ \S+) \| ([\d *+()]+) \| (\d+) \|$", text, re.M):
        assert eval(sum_text) == int(cycles), name  # noqa: S307
        by_hand[name] = int(cycles)
    assert by_hand == counted
