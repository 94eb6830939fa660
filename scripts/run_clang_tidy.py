#!/usr/bin/python3
"""Runs clang-tidy over every C++ file of ours that a build folder compiles.

    scripts/run_clang_tidy.py [BUILD_FOLDER]    (default: build, built before with Ninja)

Nearly all of clang-tidy's time goes into what sources include. So it is shown a few large units, each
made of all sources below some rooms: this takes a tenth of the time of checking each file, and finds
the same, but for the three checks that look only at the main file of a unit. Those are made here, on
the text of each source. Names of one source must then not be another one's: the compiler says which.

Units are checked side by side, one for each core. One that passed leaves a stamp in
BUILD_FOLDER/lint, named by a hash of all that the verdict depends on: .clang-tidy, clang-tidy itself,
the command, and the text of its sources and of everything they include (as the compiler told Ninja).
It is not checked again until one of them changes.

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
# The rooms whose sources are one unit: about as much to read in each.
UNITS = (("support", "rtl_models", "energy", "workloads"), ("sim",), ("tests",))
# A file that Highway includes once for each instruction set is a unit by itself.
ALONE = re.compile(r"foreach_target\.h|verilated\.h")

CLANG_TIDY = "clang-tidy"
EXTRA_ARGUMENTS = (
    # Options that only GCC knows are no fault.
    "--extra-arg=-Wno-unknown-warning-option",
    # SystemC's iterators compare in a way that C++20 frowns on; code that loops over them cannot help it.
    "--extra-arg=-Wno-ambiguous-reversed-operator",
    # What a unit is made of; findings_in_text() looks at the sources themselves.
    "--checks=-bugprone-suspicious-include",
)


class Compiled(NamedTuple):
    """An entry of the compilation database."""

    sources: List[Path]  # of ours, that it compiles: several in a unity build
    files: List[str]  # these and all that they include
    flags: List[str]


class Unit(NamedTuple):
    """What clang-tidy is shown at once."""

    name: str
    text: str  # what includes its sources
    flags: List[str]
    size: int  # bytes of its sources
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


def compiled_by(build: Path) -> List[Compiled]:
    included = included_files(build)
    entries = []
    for entry in json.loads((build / "compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        # Ninja knows what an object was made of only once it has made it: build first.
        listed = included[words[words.index("-o") + 1]]
        # A compiler cache may have made them relative to the build folder.
        names = [os.path.join(entry["directory"], entry["file"]), *listed]
        files = sorted({os.path.normpath(build / name) for name in names})
        sources = [path for path in map(Path, files) if path.suffix == ".cpp" and is_ours(path)]
        if sources:
            entries.append(Compiled(sources, files, flags_of(words)))
        elif build not in Path(names[0]).parents and not is_installed(names[0]):
            raise LookupError(f"{names[0]} is made of no source of ours")
    return entries


def flags_of(words: List[str]) -> List[str]:
    """What of a command matters to who reads the sources."""
    flags = []
    for word, following in zip(words, words[1:]):
        if word in ("-isystem", "-include"):
            flags.append(f"{word}={following}" if word == "-include" else f"-isystem{following}")
        elif re.match(r"-([DIWf]|std=)", word) and not word.startswith("-fsanitize"):
            flags.append(word)
    return flags


def unit_of(name: str, parts: List[Compiled], sources: List[Path], build: Path, general: bytes) -> Unit:
    flags = list(dict.fromkeys(flag for part in parts for flag in part.flags))
    lines = []
    for number, source in enumerate(sources):
        # More than one of them may be a program.
        lines += [f"#define main main_{number}  // NOLINT", f'#include "{source}"', "#undef main"]
    key = hashlib.sha256(general)
    # Clones of one tree, wherever they lie, have the same names.
    key.update(" ".join([name, *flags]).replace(str(ROOT), "").encode())
    for path in sorted({file for part in parts for file in part.files}):
        # What CMake makes of several sources is none of ours.
        if build not in Path(path).parents:
            key.update(path.replace(str(ROOT), "").encode() + digest_of_file(path))
    size = sum(source.stat().st_size for source in sources)
    return Unit(name, "\n".join(lines) + "\n", flags, size, build / "lint" / key.hexdigest())


def our_units(build: Path) -> List[Unit]:
    version = subprocess.run([CLANG_TIDY, "--version"], check=True, capture_output=True).stdout
    general = version + digest_of_file(str(ROOT / ".clang-tidy")) + digest_of_file(__file__)
    entries = compiled_by(build)
    units = []
    for rooms in UNITS:
        parts, sources = [], []
        for entry in entries:
            for source in entry.sources:
                if source.relative_to(ROOT).parts[0] not in rooms or source in sources:
                    continue
                if ALONE.search(source.read_text()):
                    units.append(unit_of(str(source.relative_to(ROOT)), [entry], [source], build, general))
                else:
                    sources.append(source)
                    if entry not in parts:
                        parts.append(entry)
        if sources:
            name = f"{', '.join(rooms)}: {len(sources)} files"
            units.append(unit_of(name, parts, sources, build, general))
    return units


def is_installed(name: str) -> bool:
    """Whether it is a source of a library of the system that is compiled here, as Verilator's is."""
    return Path(name).is_absolute() and ROOT not in Path(name).parents


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


def check(unit: Unit) -> Result:
    begin = time.monotonic()
    file = unit.stamp.with_suffix(".cpp")
    file.write_text(unit.text)
    run = subprocess.run(
        [CLANG_TIDY, "--quiet", *EXTRA_ARGUMENTS, str(file), "--", *unit.flags],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
    )
    file.unlink()
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
    except LookupError as fault:
        print(fault, file=sys.stderr)
        return 2
    unchanged = [unit for unit in units if unit.stamp.exists()]
    # The largest first, so that no core is left alone with one at the end.
    to_check = sorted(
        (unit for unit in units if not unit.stamp.exists()),
        key=lambda unit: unit.size,
        reverse=True,
    )
    failed = 0
    cores = len(os.sched_getaffinity(0))
    with concurrent.futures.ThreadPoolExecutor(cores) as pool:
        runs = [pool.submit(check, unit) for unit in to_check]
        for count, run in enumerate(concurrent.futures.as_completed(runs), start=1):
            result = run.result()
            verdict = "" if result.passed else "  FAILED"
            print(f"[{count}/{len(to_check)}] {result.unit.name}  {result.seconds:.0f} s{verdict}", flush=True)
            if not result.passed:
                failed += 1
                print(result.output, flush=True)
    sources = {source for entry in compiled_by(build) for source in entry.sources}
    in_text = [finding for source in sorted(sources) for finding in findings_in_text(source)]
    print(*in_text, sep="\n", end="\n" if in_text else "")
    print(
        f"clang-tidy: {len(to_check)} units checked, {failed} of them with findings; "
        f"{len(unchanged)} unchanged since they passed"
    )
    return 1 if failed or in_text else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
