#!/usr/bin/python3
"""Checks the one-way arrows between rooms: who may include, and link, what.

    scripts/check_includes.py [ROOT]        (default: the tree that this script is in)

A zone is a folder with rules of its own; the deepest zone that holds a file is the file's. Faults are
printed one a line, as `file:line: what; what to do`. Exit status: 0 none, 1 some.
"""

import re
import sys
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

# Each zone, and the zones that it stands on directly; what these stand on it may include too. This
# is the picture in docs/architecture.md.
STANDS_ON = {
    "support": (),
    "support/hdf5": ("support",),
    "rtl_models/arithmetic": ("support",),
    "rtl_models/systemc": ("rtl_models/arithmetic",),
    "energy/counts": ("support",),
    "energy/pricing": ("energy/counts",),
    "workloads/layers": ("rtl_models/arithmetic",),
    "workloads/workload": ("workloads/layers",),
    "workloads/quantizer": ("workloads/layers",),
    "workloads/onnx": ("workloads/layers",),
    "workloads/sources": (
        "workloads/workload", "workloads/quantizer", "workloads/onnx", "support/hdf5",
    ),
    "sim/machine": ("workloads/layers",),
    "sim/engines/interface": ("sim/machine", "energy/counts"),
    "sim/engines/count": ("sim/engines/interface",),
    # What values do not decide, `fast` has from the closed forms of `count`.
    "sim/engines/fast": ("sim/engines/count",),
    "sim/engines/stepping": ("sim/engines/interface",),
    "sim/engines/systemc": ("sim/engines/stepping", "rtl_models/systemc"),
    "sim/engines/verilog": ("sim/engines/stepping",),
    "sim/engines": (
        "sim/engines/count", "sim/engines/fast", "sim/engines/systemc", "sim/engines/verilog",
    ),
    "sim/memory": ("sim/engines",),
    "sim/results": ("sim/machine", "energy/pricing", "workloads/workload"),
    "sim/plan": ("sim/memory", "sim/results", "workloads/sources"),
    "sim/studies": ("sim/plan",),
    "sim/reports": ("sim/results",),
    "sim/cli": ("sim/studies", "sim/reports"),
    "sim/python": ("sim/studies", "sim/reports"),
}


def everything_below(zone: str) -> Tuple[str, ...]:
    below = {zone}
    for direct in STANDS_ON[zone]:
        below.update(everything_below(direct))
    return tuple(other for other in STANDS_ON if other in below)


MAY_INCLUDE = {zone: everything_below(zone) for zone in STANDS_ON}
MAY_INCLUDE["tests"] = ("tests", *MAY_INCLUDE)

# Arithmetic is plain C++ that any engine can call; all else knows nothing of SystemC.
MAY_USE_SYSTEMC = ("rtl_models/systemc", "sim/engines/systemc", "sim/memory", "tests")
SYSTEMC_HEADER = re.compile(r"systemc(\.h)?$|sysc/|tlm(_|\.|/|$)")
SYSTEMC_TARGETS = ("potomac_systemc", "PkgConfig::SYSTEMC")

# What takes longer to read than most files that would get it: a header of ours that includes one is
# for its own room.
HEAVY_HEADER = re.compile(r"yaml-cpp/|nlohmann/|CLI/|hdf5|hwy/")

SOURCES = (".cpp", ".hpp", ".cc", ".hh", ".cxx", ".hxx", ".c", ".h", ".ipp", ".inl")
HEADERS = (".hpp", ".hh", ".hxx", ".h", ".ipp", ".inl")
# Folders at the top that hold no C++ of ours.
NOT_OURS = re.compile(r"\.|build|out$")

INCLUDE = re.compile(r'\s*#\s*include\s*(["<])([^">]+)[">]')
CMAKE_COMMAND = re.compile(r"\b(\w+)\s*\(([^()]*)\)")


class Fault(NamedTuple):
    file: str
    line: int
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}; {self.remedy}"


def zone_of(path: str) -> Optional[str]:
    """The deepest zone that holds `path`, which is relative to the root; None outside of all."""
    zones = [zone for zone in MAY_INCLUDE if path.startswith(zone + "/")]
    return max(zones, key=len, default=None)


def allowed_list(zone: str) -> str:
    return ", ".join(f"{allowed}/" for allowed in MAY_INCLUDE[zone])


def may_use_systemc(path: str) -> bool:
    return any(path.startswith(folder + "/") for folder in MAY_USE_SYSTEMC)


def include_fault(
    name: str, zone: str, delimiter: str, included: str
) -> Optional[Tuple[str, str]]:
    """What is wrong with one #include in a file of `zone`, and the remedy; None if nothing is."""
    if ".." in included.split("/"):
        return f'"{included}" climbs out of its folder', "write the path from the project's root"
    if delimiter == "<" and SYSTEMC_HEADER.match(included):
        if may_use_systemc(name):
            return None
        return (
            f"{zone}/ must do without SystemC, but includes <{included}>",
            f"move what needs it to one of {', '.join(z + '/' for z in MAY_USE_SYSTEMC)}",
        )
    target = zone_of(included)
    if target is None:
        if delimiter == '"':
            return (
                f'"{included}" names no room',
                "write the path from the project's root, or <> for what is not ours",
            )
        return None
    if target not in MAY_INCLUDE[zone]:
        return (
            f"{zone}/ must not include {target}/ ({included})",
            f"it may include {allowed_list(zone)}: move the code, or what it needs, down",
        )
    return None


def faults_of_source(name: str, text: str, zone: str) -> Iterator[Fault]:
    lines = text.splitlines()
    for number, line in enumerate(lines, start=1):
        match = INCLUDE.match(line)
        fault = include_fault(name, zone, match[1], match[2]) if match else None
        if fault:
            yield Fault(name, number, *fault)
    if name.endswith(HEADERS):
        if not lines or not re.match(r"//\s*\S", lines[0]):
            yield Fault(name, 1, "no comment on the first line", "say what the header is for")
        # A header of SIMD kernels is compiled once for each instruction set.
        if not any(line.strip() == "#pragma once" or "HWY_TARGET_TOGGLE" in line for line in lines):
            yield Fault(name, 1, "no #pragma once", "add it below the first comment")


def includes_of(text: str) -> List[Tuple[int, str]]:
    """Line and name of each #include."""
    matches = ((number, INCLUDE.match(line)) for number, line in enumerate(text.splitlines(), 1))
    return [(number, match[2]) for number, match in matches if match]


def faults_of_heavy_headers(files: Dict[str, str]) -> Iterator[Fault]:
    """Heavy headers that one of ours carries into another room. `files`: text by relative name."""
    carried: Dict[str, str] = {}  # by each header of ours that brings one along

    def heavy_of(name: str, above: Tuple[str, ...] = ()) -> str:
        if name not in carried and name in files and name not in above:
            found = ""
            for _, included in includes_of(files[name]):
                heavy = included if HEAVY_HEADER.match(included) else heavy_of(included, (*above, name))
                found = found or heavy
            carried[name] = found
        return carried.get(name, "")

    for name, text in sorted(files.items()):
        zone = zone_of(name)
        if zone == "tests":
            continue
        for number, included in includes_of(text):
            if zone_of(included) != zone and heavy_of(included):
                what = f'"{included}" brings <{heavy_of(included)}> out of {zone_of(included)}/'
                yield Fault(name, number, what, "keep it behind a pointer or a function there")


def cmake_commands(text: str) -> Iterator[Tuple[int, str, List[str]]]:
    """Line, name and arguments of each command, as far as they matter here."""
    text = re.sub(r"#[^\n]*", "", text)
    for match in CMAKE_COMMAND.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match[1].lower(), match[2].split()


def target_zone(folder: str, arguments: List[str]) -> Optional[str]:
    """The zone that all sources of add_library or add_executable share."""
    sources = [a for a in arguments[1:] if a.endswith(SOURCES) and "$" not in a]
    zones = {zone_of(f"{folder}/{source}") for source in sources}
    return zones.pop() if len(zones) == 1 else zone_of(f"{folder}/")


def faults_of_cmake(files: Dict[str, str]) -> Iterator[Fault]:
    """Links between our targets that go against the arrows. `files`: text by relative name."""
    commands = [
        (name, *command) for name, text in sorted(files.items()) for command in cmake_commands(text)
    ]
    zones = {}  # of each library and program
    for name, _, command, arguments in commands:
        if command in ("add_library", "add_executable") and arguments:
            zone = target_zone(str(Path(name).parent), arguments)
            if zone:
                zones[arguments[0]] = zone
    for name, line, command, arguments in commands:
        if command != "target_link_libraries" or not arguments or arguments[0] not in zones:
            continue
        zone = zones[arguments[0]]
        for linked in arguments[1:]:
            if linked in SYSTEMC_TARGETS and not may_use_systemc(zone + "/"):
                yield Fault(name, line, f"{zone}/ must not link SystemC", "drop the link")
            elif linked in zones and zones[linked] not in MAY_INCLUDE[zone]:
                what = f"{arguments[0]} ({zone}/) must not link {linked} ({zones[linked]}/)"
                yield Fault(name, line, what, f"it may link targets of {allowed_list(zone)}")


def find_faults(root: Path) -> Tuple[int, List[Fault]]:
    """The number of files read, and what is wrong in them."""
    faults: List[Fault] = []
    cmake_files = {}
    sources = {}
    count = 0
    folders = [p for p in root.iterdir() if p.is_dir() and not NOT_OURS.match(p.name)]
    for path in sorted(file for folder in folders for file in folder.rglob("*")):
        name = str(path.relative_to(root))
        if path.name == "CMakeLists.txt":
            cmake_files[name] = path.read_text(errors="replace")
        elif path.suffix in SOURCES:
            zone = zone_of(name)
            sources[name] = path.read_text(errors="replace")
            if zone:
                faults += faults_of_source(name, sources[name], zone)
            else:
                rooms = ", ".join(sorted({z.split("/")[0] + "/" for z in MAY_INCLUDE}))
                faults.append(Fault(name, 1, "C++ outside the rooms", f"move it to one of {rooms}"))
        else:
            continue
        count += 1
    faults += faults_of_heavy_headers(sources)
    faults += faults_of_cmake(cmake_files)
    return count, faults


def main(arguments: List[str]) -> int:
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parent.parent
    count, faults = find_faults(root)
    for fault in faults:
        print(fault)
    # A check that read nothing has checked nothing.
    if count == 0:
        print(f"{root}: no C++ found there", file=sys.stderr)
        return 1
    print(f"includes: {count} files checked, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
