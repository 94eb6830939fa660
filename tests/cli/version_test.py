"""`potomac --version` and reports name the release and the sources that the program was built from."""

from __future__ import annotations

import hashlib
import json
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "sim/results/write_version.cmake"
ROOMS = ("support", "rtl_models", "energy", "workloads", "sim")


def sources() -> list[str]:
    paths = [path for room in ROOMS for path in (ROOT / room).rglob("*")]
    names = [
        str(path.relative_to(ROOT))
        for path in paths
        if path.suffix in (".cpp", ".hpp", ".sv", ".svh") or path.name == "CMakeLists.txt"
    ]
    return sorted([*names, "CMakeLists.txt"])


def digest_of(root: pathlib.Path, names: list[str]) -> str:
    lines = [f"{name} {hashlib.sha256((root / name).read_bytes()).hexdigest()}\n" for name in names]
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]


def build_of(text: str) -> str:
    return re.fullmatch(r"potomac \d+\.\d+\.\d+ \(build ([0-9a-f]{16})\)\n", text)[1]


def test_the_version_is_a_digest_of_the_sources(potomac):
    assert build_of(potomac("--version").stdout) == digest_of(ROOT, sources())


def test_a_report_names_the_program_that_computed_it(potomac, trace, arch):
    potomac("run", trace, "--arch", arch, "--layers", "*fc2*", "--out", "out")
    report = json.loads((potomac.folder / "out/report.json").read_text())
    release = re.search(r"VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text().split("project(")[1])[1]
    assert report["potomac"] == {"version": release, "build": build_of(potomac("--version").stdout)}


def test_runs_of_different_builds_are_told_apart(potomac, trace, arch):
    for name in ("a", "b"):
        potomac("run", trace, "--arch", arch, "--layers", "*fc2*", "--out", name)
    assert "computed by" not in potomac("report", "a", "b").stdout
    path = potomac.folder / "a/report.json"
    report = json.loads(path.read_text())
    report["potomac"] = {"version": "0.0.9", "build": "0123456789abcdef"}
    path.write_text(json.dumps(report))
    words = " ".join(potomac("report", "a", "b").stdout.split())
    assert "a: computed by potomac 0.0.9 (build 0123456789abcdef)." in words
    assert f"b: computed by {potomac('--version').stdout.strip()}." in words


@pytest.fixture
def tree(tmp_path: pathlib.Path) -> pathlib.Path:
    for name, text in {"sim/a.cpp": "int a;\n", "sim/b.hpp": "int b;\n"}.items():
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_text(text)
    return tmp_path / "tree"


def written(root: pathlib.Path, names: list[str]) -> str:
    listing, output = root.parent / "sources.txt", root.parent / "version.cpp"
    listing.write_text("\n".join(names) + "\n")
    subprocess.run(
        ["cmake", "-D", f"ROOT={root}", "-D", f"SOURCES={listing}", "-D", "VERSION=1.2.3",
         "-D", f"OUTPUT={output}", "-P", SCRIPT], check=True,
    )  # fmt: skip
    return re.search(r'"([0-9a-f]{16})"', output.read_text())[1]


def test_any_change_of_a_source_is_another_build(tree):
    first = written(tree, ["sim/b.hpp", "sim/a.cpp"])
    assert first == digest_of(tree, ["sim/a.cpp", "sim/b.hpp"])
    assert first == written(tree, ["sim/a.cpp", "sim/b.hpp"])
    (tree / "sim/a.cpp").write_text("int  a;\n")
    changed = written(tree, ["sim/a.cpp", "sim/b.hpp"])
    (tree / "sim/a.cpp").rename(tree / "sim/c.cpp")
    renamed = written(tree, ["sim/c.cpp", "sim/b.hpp"])
    assert len({first, changed, renamed}) == 3
