"""Every command and snippet of the README and the documentation, run, and its output compared.

`cmake --build --preset release --target update_docs` rewrites the pages instead; read the difference.

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
from pages import Block, Command, blocks_of, matches, rewritten
from reference import reference

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = sorted(
    page.relative_to(ROOT)
    for page in [ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("workloads/**/README.md")]
    if "build" not in page.parts
)


def text_of(page: pathlib.Path) -> str:
    return (ROOT / page).read_text()


@pytest.fixture
def update() -> bool:
    """Whether pages are rewritten, and not compared."""
    return "POTOMAC_UPDATE_DOCS" in os.environ


@pytest.fixture
def clone(tmp_path: pathlib.Path) -> pathlib.Path:
    """What a reader has: the tree, and `potomac` and `python3` on the PATH."""
    for name in ("sim", "workloads", "energy", "docs", "rtl_models", "scripts", "README.md"):
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


def run_command(clone: pathlib.Path, block: Block, command: Command) -> list[str]:
    """What it prints. It must fail if the page shows an error, and only then."""
    done = run(clone, ["bash", "-c", command.text])
    expected_to_fail = any("potomac: error:" in line for line in command.shown)
    assert (done.returncode != 0) == expected_to_fail, f"{block.place}: {command.text}\n{done.stdout}"
    return done.stdout.splitlines()


def write_lines(page: pathlib.Path, changes: list[tuple[int, int, list[str]]]) -> None:
    """Puts lines in place of [begin, end), of several such ranges."""
    lines = text_of(page).splitlines()
    for begin, end, new in sorted(changes, reverse=True):
        lines[begin:end] = new
    (ROOT / page).write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_page_does_what_it_says(page, clone, update):
    changes = []
    for block in blocks_of(page, text_of(page)):
        assert block.language, f"{block.place}: say what the block is (console, python, text ...)"
        if block.name:
            (clone / block.name).write_text(block.text)
        elif block.language == "python":
            done = run(clone, [sys.executable, "-c", block.text])
            assert done.returncode == 0, f"{block.place}: {done.stdout}"
        elif block.language == "console":
            for command in block.commands():
                printed = run_command(clone, block, command)
                if not command.shown or matches(command.shown, printed):
                    continue
                difference = f"{block.place}: {command.text}\n--- shown\n" + "\n".join(
                    [*command.shown, "--- printed", *printed]
                )
                new = rewritten(command.shown, printed) if update else None
                assert new is not None, difference
                changes.append((command.begin, command.end, new))
        else:
            assert block.language == "text", f"{block.place}: nothing runs this block; name a file"
    if changes:
        write_lines(page, changes)


def help_of(command: str) -> str:
    done = subprocess.run(
        [os.environ["POTOMAC_PROGRAM"], *command.split(), "--help"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout if done.returncode == 0 else ""


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_commands_and_options_in_the_text_exist(page):
    text = text_of(page)
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
    text = re.sub(r"^```.*?^```$", "", text_of(page), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (ROOT / page).parent.joinpath(target).exists(), f"{page}: {target}"


def test_the_quantizer_of_the_trace_format_takes_any_array():
    """int8 -128 has a magnitude that int8 cannot hold."""
    page = pathlib.Path("docs/trace-format.md")
    (block,) = [b for b in blocks_of(page, text_of(page)) if b.language == "python"]
    source = block.text[: block.text.index("def put_layer")]
    names: dict = {}
    exec(source, names)  # noqa: S102
    codes, beta = names["quantize"](np.array([-128, 64, 0, 1], dtype=np.int8))
    assert beta == 0
    assert codes.tolist() == [0x17, 0x06, 0x08, 0x00]


def check_generated(page: str, begin: str, end: str, expected: str, update: bool) -> None:
    """What stands on a page between two marks is made from something else."""
    before, rest = text_of(pathlib.Path(page)).split(begin)
    shown, after = rest.split(end, 1)
    if update:
        (ROOT / page).write_text(before + begin + expected + end + after)
    else:
        assert shown == expected, f"{page}: made from something that changed: update the page"


@pytest.mark.parametrize(
    ("page", "what"), [("docs/report.md", "columns"), ("docs/architecture-file.md", "keys")]
)
def test_a_page_shows_the_tables_that_the_program_is_made_from(page, what, clone, update):
    done = run(clone, ["potomac", "generate", what])
    assert done.returncode == 0, done.stdout
    check_generated(page, f"<!-- {what} -->\n", f"<!-- end of {what} -->", done.stdout, update)


def test_the_page_of_python_shows_the_docstrings(update):
    expected = "\n" + reference()
    check_generated("docs/python.md", "<!-- reference -->\n", "<!-- end of reference -->", expected, update)


def test_the_page_of_the_library_shows_its_program(update):
    """The program that tests/library builds and runs."""
    program = (ROOT / "tests/library/run_and_sweep.cpp").read_text()
    program = program[program.index("#include") :]
    check_generated("docs/library.md", "```cpp run_and_sweep.cpp\n", "```", program, update)


@pytest.mark.parametrize(
    ("shown", "printed", "expected"),
    [
        (["cycles 12"], ["cycles 13"], ["cycles 13"]),
        (["a 1", "...", "total 5"], ["a 2", "x", "y", "total 6"], ["a 2", "...", "total 6"]),
        (["...", "row 10 ok", "..."], ["head", "row 11 ok", "tail"], ["...", "row 11 ok", "..."]),
        (["...", "row 10 ok", "..."], ["head", "tail"], None),
        (["one", "..."], [], None),
    ],
)
def test_a_page_is_rewritten_piece_by_piece(shown, printed, expected):
    assert rewritten(shown, printed) == expected
    if expected:
        assert matches(expected, printed)


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


def test_the_timing_diagrams_are_what_the_arrays_write(tmp_path, update):
    drawn = ROOT / "docs/pictures"
    folder = drawn if update else tmp_path
    done = subprocess.run([sys.executable, ROOT / "scripts/timing_diagrams.py", os.environ["POTOMAC_PROGRAM"], folder],
                          capture_output=True, text=True, timeout=300, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in drawn.glob("timing-*.svg"))
    assert names == ["timing-is.svg", "timing-os.svg", "timing-ws.svg"]
    for name in names:
        assert (folder / name).read_text() == (drawn / name).read_text(), name
