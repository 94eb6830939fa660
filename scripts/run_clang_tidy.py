#!/usr/bin/python3
"""Runs clang-tidy over every C++ file of ours that a build folder compiles.

    scripts/run_clang_tidy.py [BUILD_FOLDER]        (default: build, built before with Ninja)

Files are checked side by side, one for each core. A file that passed leaves a stamp in
BUILD_FOLDER/lint, named by a hash of all that the verdict depends on: .clang-tidy, clang-tidy itself,
the command, and the text of the file and of everything it includes (as the compiler told Ninja). It
is not checked again until one of them changes.

Exit status: 0 clean, 1 findings, 2 not to be run like this.
"""

import concurrent.futures
import functools
import hashlib
import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, List, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("support", "rtl_models", "energy", "workloads", "sim", "tests")

CLANG_TIDY = "clang-tidy"
EXTRA_ARGUMENTS = (
    # Options that only GCC knows are no fault.
    "--extra-arg=-Wno-unknown-warning-option",
    # SystemC's iterators compare in a way that C++20 frowns on; code that loops over them cannot help it.
    "--extra-arg=-Wno-ambiguous-reversed-operator",
)


class Unit(NamedTuple):
    """One compiled file, and where a pass of it is noted."""

    source: Path
    stamp: Path


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


def stamp_name(command: str, source: Path, files: List[str], build: Path, general: bytes) -> str:
    key = hashlib.sha256(general)
    # Clones of one tree, wherever they lie, have the same names.
    key.update(command.replace(str(ROOT), "").encode())
    for path in sorted({str(source), *((str(build / f)) for f in files)}):
        key.update(path.replace(str(ROOT), "").encode() + digest_of_file(path))
    return key.hexdigest()


def our_units(build: Path) -> List[Unit]:
    version = subprocess.run([CLANG_TIDY, "--version"], check=True, capture_output=True).stdout
    general = version + digest_of_file(str(ROOT / ".clang-tidy")) + digest_of_file(__file__)
    included = included_files(build)
    units = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        source = Path(entry["directory"], entry["file"])
        if build in source.parents or not any(ROOT / room in source.parents for room in ROOMS):
            continue
        words = shlex.split(entry["command"])
        # Ninja knows what an object was made of only once it has made it: build first.
        files = included[words[words.index("-o") + 1]]
        name = stamp_name(entry["command"], source, files, build, general)
        units[source] = Unit(source, build / "lint" / name)
    return list(units.values())


def check(unit: Unit, build: Path) -> Result:
    begin = time.monotonic()
    run = subprocess.run(
        [CLANG_TIDY, "-p", str(build), "--quiet", *EXTRA_ARGUMENTS, str(unit.source)],
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
    build = Path(arguments[0] if arguments else ROOT / "build").resolve()
    if len(arguments) > 1 or not (build / "compile_commands.json").exists():
        print(__doc__, file=sys.stderr)
        return 2
    (build / "lint").mkdir(exist_ok=True)

    try:
        units = our_units(build)
    except KeyError as missing:
        print(f"{missing} is not built: build {build} first, with Ninja", file=sys.stderr)
        return 2
    unchanged = [unit for unit in units if unit.stamp.exists()]
    # The largest first, so that no core is left alone with one at the end.
    to_check = sorted(
        (unit for unit in units if not unit.stamp.exists()),
        key=lambda unit: unit.source.stat().st_size,
        reverse=True,
    )
    failed = 0
    cores = len(os.sched_getaffinity(0))
    with concurrent.futures.ThreadPoolExecutor(cores) as pool:
        runs = [pool.submit(check, unit, build) for unit in to_check]
        for count, run in enumerate(concurrent.futures.as_completed(runs), start=1):
            result = run.result()
            name = result.unit.source.relative_to(ROOT)
            verdict = "" if result.passed else "  FAILED"
            print(f"[{count}/{len(to_check)}] {name}  {result.seconds:.0f} s{verdict}", flush=True)
            if not result.passed:
                failed += 1
                print(result.output, flush=True)
    print(
        f"clang-tidy: {len(to_check)} files checked, {failed} of them with findings; "
        f"{len(unchanged)} unchanged since they passed"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
