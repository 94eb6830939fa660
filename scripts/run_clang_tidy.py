#!/usr/bin/python3
"""Runs clang-tidy over every C++ file of ours that a build folder compiles.

    scripts/run_clang_tidy.py [BUILD_FOLDER]    (default: build-sanitize, built before with Ninja)

Nearly all of clang-tidy's time goes into headers. A unity build compiles a room's sources as one
unit and reads them once: checking its units takes a fifth of the time of checking each file, and
finds the same, but for the three checks that look only at the main file of a unit. Those are made
here, on the text of each source.

Units are checked side by side, one for each core. One that passed leaves a stamp in
BUILD_FOLDER/lint, named by a hash of all that the verdict depends on: .clang-tidy, clang-tidy itself,
the command, and the text of the unit and of everything it includes (as the compiler told Ninja). It
is not checked again until one of them changes.

Exit status: 0 clean, 1 findings, 2 not to be run like this.
"""

import concurrent.futures
import functools
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, Iterable, List, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("support", "rtl_models", "energy", "workloads", "sim", "tests")

CLANG_TIDY = "clang-tidy"
EXTRA_ARGUMENTS = (
    # Options that only GCC knows are no fault.
    "--extra-arg=-Wno-unknown-warning-option",
    # SystemC's iterators compare in a way that C++20 frowns on; code that loops over them cannot help it.
    "--extra-arg=-Wno-ambiguous-reversed-operator",
    # What a unity build is made of; findings_in_text() looks at the sources themselves.
    "--checks=-bugprone-suspicious-include",
)


class Unit(NamedTuple):
    """What is compiled at once: one of our files, or several by a unity build's file."""

    file: Path
    sources: List[Path]
    stamp: Path

    def name(self) -> str:
        if len(self.sources) == 1:
            return str(self.sources[0].relative_to(ROOT))
        folder = os.path.commonpath([source.parent for source in self.sources])
        return f"{Path(folder).relative_to(ROOT)}, {len(self.sources)} files"


class Result(NamedTuple):
    unit: Unit
    passed: bool
    output: str
    seconds: float


@functools.lru_cache(maxsize=None)
def digest_of_file(path: str) -> bytes:
    try:
        return hashlib.sha256(Path(path).read_bytes()).digest()
    except OSError:
        return b"unreadable"


def included_files(build: Path) -> Dict[str, List[str]]:
    """Each object's sources and headers, as the compiler listed them for Ninja."""
    listing = subprocess.run(
        ["ninja", "-C", str(build), "-t", "deps"], check=True, capture_output=True, text=True
    ).stdout
    files: Dict[str, List[str]] = {}
    target = ""
    for line in listing.splitlines():
        if line.startswith("    "):
            files[target].append(line.strip())
        elif line:
            target = line.split(":", 1)[0]
            files[target] = []
    return files


def stamp_name(command: str, files: Iterable[str], general: bytes) -> str:
    key = hashlib.sha256(general)
    # Clones of one tree, wherever they lie, have the same names.
    key.update(command.replace(str(ROOT), "").encode())
    for path in sorted(files):
        key.update(path.replace(str(ROOT), "").encode() + digest_of_file(path))
    return key.hexdigest()


def our_units(build: Path) -> List[Unit]:
    version = subprocess.run([CLANG_TIDY, "--version"], check=True, capture_output=True).stdout
    general = version + digest_of_file(str(ROOT / ".clang-tidy")) + digest_of_file(__file__)
    included = included_files(build)
    units = []
    for entry in json.loads((build / "compile_commands.json").read_text()):
        file = Path(entry["directory"], entry["file"])
        words = shlex.split(entry["command"])
        # Ninja knows what an object was made of only once it has made it: build first.
        listed = included[words[words.index("-o") + 1]]
        # A compiler cache may have made them relative to the build folder.
        files = {os.path.normpath(build / name) for name in [file, *listed]}
        sources = [path for path in map(Path, sorted(files)) if path.suffix == ".cpp" and is_ours(path)]
        if not sources:
            raise LookupError(f"{file} is made of no source of ours")
        name = stamp_name(entry["command"], files, general)
        units.append(Unit(file, sources, build / "lint" / name))
    return units


def is_ours(path: Path) -> bool:
    return any(ROOT / room in path.parents for room in ROOMS)


def findings_in_text(source: Path) -> List[str]:
    """What the checks of main files find: names brought in and not used, sources included."""
    findings = []
    text = re.sub(r"//[^\n]*", "", source.read_text())
    code = re.sub(r"#include [^\n]*", "", text)
    for declared in re.finditer(r"^ *(?:using (?:\w+::)+(\w+);|namespace (\w+) =)", text, re.MULTILINE):
        name = declared[1] or declared[2]
        if len(re.findall(rf"\b{name}\b", code)) == 1:
            findings.append((declared.start(), f"'{name}' is brought in and not used"))
    for included in re.finditer(r'^ *#include "[^"]*\.cpp"', text, re.MULTILINE):
        findings.append((included.start(), "a source file is included"))
    name = source.relative_to(ROOT)
    return [f"{name}:{text.count(chr(10), 0, at) + 1}: {what}" for at, what in sorted(findings)]


def check(unit: Unit, build: Path) -> Result:
    begin = time.monotonic()
    run = subprocess.run(
        [CLANG_TIDY, "-p", str(build), "--quiet", *EXTRA_ARGUMENTS, str(unit.file)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
    )
    output = run.stdout
    if run.returncode < 0:
        output += f"clang-tidy was ended by signal {-run.returncode}\n"
    if run.returncode != 0 and not output:
        output = run.stderr
    if run.returncode == 0:
        unit.stamp.touch()
    return Result(unit, run.returncode == 0, output, time.monotonic() - begin)


def main(arguments: List[str]) -> int:
    build = Path(arguments[0] if arguments else ROOT / "build-sanitize").resolve()
    if len(arguments) > 1 or not (build / "compile_commands.json").exists():
        print(__doc__, file=sys.stderr)
        return 2
    (build / "lint").mkdir(exist_ok=True)

    try:
        units = our_units(build)
    except KeyError as missing:
        print(f"{missing} is not built: build {build} first, with Ninja", file=sys.stderr)
        return 2
    except LookupError as fault:
        print(fault, file=sys.stderr)
        return 2
    unchanged = [unit for unit in units if unit.stamp.exists()]
    # The largest first, so that no core is left alone with one at the end.
    to_check = sorted(
        (unit for unit in units if not unit.stamp.exists()),
        key=lambda unit: sum(source.stat().st_size for source in unit.sources),
        reverse=True,
    )
    failed = 0
    cores = len(os.sched_getaffinity(0))
    with concurrent.futures.ThreadPoolExecutor(cores) as pool:
        runs = [pool.submit(check, unit, build) for unit in to_check]
        for count, run in enumerate(concurrent.futures.as_completed(runs), start=1):
            result = run.result()
            verdict = "" if result.passed else "  FAILED"
            name = result.unit.name()
            print(f"[{count}/{len(to_check)}] {name}  {result.seconds:.0f} s{verdict}", flush=True)
            if not result.passed:
                failed += 1
                print(result.output, flush=True)
    sources = {source for unit in units for source in unit.sources}
    in_text = [finding for source in sorted(sources) for finding in findings_in_text(source)]
    print(*in_text, sep="\n", end="\n" if in_text else "")
    print(
        f"clang-tidy: {len(to_check)} units checked, {failed} of them with findings; "
        f"{len(unchanged)} unchanged since they passed"
    )
    return 1 if failed or in_text else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
