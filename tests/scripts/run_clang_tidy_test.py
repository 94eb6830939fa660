"""clang-tidy's runner finds a fault, and looks again at a file only when it has reason to."""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

HEADER = "// Doubles.\n#pragma once\ninline int twice(int value) { return value + value; }\n"
FAULTY_HEADER = HEADER.replace("twice", "TWICE")


@pytest.fixture(name="tree")
def small_tree(tmp_path) -> pathlib.Path:
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "run_clang_tidy.py", tmp_path / "scripts")
    shutil.copy(ROOT / ".clang-tidy", tmp_path)
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\nproject(small LANGUAGES CXX)\n"
        "set(CMAKE_EXPORT_COMPILE_COMMANDS ON)\n"
        "add_library(small STATIC support/twice.cpp sim/apart.cpp sim/program.cpp)\n"
        "target_include_directories(small PRIVATE ${PROJECT_SOURCE_DIR})\n"
    )
    (tmp_path / "support").mkdir()
    (tmp_path / "sim").mkdir()
    (tmp_path / "support" / "twice.hpp").write_text(HEADER)
    (tmp_path / "support" / "twice.cpp").write_text('#include "support/twice.hpp"\n')
    (tmp_path / "sim" / "apart.cpp").write_text("int apart() { return 1; }\n")
    (tmp_path / "sim" / "program.cpp").write_text("int main() { return 0; }\n")
    configure = ["cmake", "-S", tmp_path, "-B", tmp_path / "build", "-G", "Ninja"]
    subprocess.run(configure, check=True, capture_output=True)
    return tmp_path


def lint(tree: pathlib.Path, build: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, tree / "scripts" / "run_clang_tidy.py", tree / build]
    return subprocess.run(command, capture_output=True, text=True)


def build_and_lint(tree: pathlib.Path) -> subprocess.CompletedProcess[str]:
    subprocess.run(["cmake", "--build", tree / "build"], check=True, capture_output=True)
    return lint(tree, "build")


def test_only_what_changed_is_checked_again_and_a_fault_stays_one(tree):
    first = build_and_lint(tree)
    assert first.returncode == 0, first.stdout
    assert "2 units checked, 0 of them with findings; 0 unchanged" in first.stdout
    assert "0 units checked, 0 of them with findings; 2 unchanged" in build_and_lint(tree).stdout

    (tree / "support" / "twice.hpp").write_text(FAULTY_HEADER)
    for _ in range(2):
        faulty = build_and_lint(tree)
        assert faulty.returncode == 1
        assert "1 units checked, 1 of them with findings; 1 unchanged" in faulty.stdout
        assert "support/twice.hpp:3" in faulty.stdout
        assert "readability-identifier-naming" in faulty.stdout

    (tree / "support" / "twice.hpp").write_text(HEADER)
    assert build_and_lint(tree).returncode == 0

    with (tree / ".clang-tidy").open("a") as rules:
        rules.write("# New rules.\n")
    assert "2 units checked" in build_and_lint(tree).stdout


@pytest.mark.parametrize("unity", ["OFF", "ON"])
def test_a_unit_of_many_sources_hides_nothing(tree, unity):
    configure = ["cmake", "-D", f"CMAKE_UNITY_BUILD={unity}", tree / "build"]
    subprocess.run(configure, check=True, capture_output=True)
    clean = build_and_lint(tree)
    assert clean.returncode == 0, clean.stdout
    assert "sim: 2 files" in clean.stdout
    assert "2 units checked, 0 of them with findings" in clean.stdout

    for text, finding in [
        ("int Apart() { return 1; }", "readability-identifier-naming"),
        ("#include <vector>\nusing std::vector;  // vector", "apart.cpp:2: 'vector' is brought in and not used"),
        ("#include <vector>\nnamespace standard = std;", "apart.cpp:2: 'standard' is brought in"),
        ('#ifdef NEVER\n#include "support/twice.cpp"\n#endif', "apart.cpp:2: a source file is included"),
    ]:
        (tree / "sim" / "apart.cpp").write_text(text + "\n")
        faulty = build_and_lint(tree)
        assert faulty.returncode == 1, text
        assert finding in faulty.stdout


def test_a_source_that_highway_includes_again_and_again_is_a_unit_by_itself(tree):
    (tree / "sim" / "apart.cpp").write_text("// #include <hwy/foreach_target.h>\nint apart() { return 1; }\n")
    alone = build_and_lint(tree)
    assert alone.returncode == 0, alone.stdout
    assert "sim/apart.cpp" in alone.stdout
    assert "sim: 1 files" in alone.stdout


def test_two_programs_are_no_clash_and_two_names_are(tree):
    (tree / "sim" / "apart.cpp").write_text("int main() { return 1; }\n")
    listing = tree / "CMakeLists.txt"
    listing.write_text(listing.read_text().replace("sim/apart.cpp sim/program.cpp", "sim/program.cpp")
                       + "add_library(other STATIC sim/apart.cpp)\n")  # fmt: skip
    assert build_and_lint(tree).returncode == 0
    for name in ("apart", "program"):
        (tree / "sim" / f"{name}.cpp").write_text("namespace {\nint same() { return 1; }\n}  // namespace\n")
    clash = build_and_lint(tree)
    assert clash.returncode == 1
    assert "redefinition of 'same'" in clash.stdout


def test_relative_names_in_the_compilers_list_hide_nothing(tree, monkeypatch):
    monkeypatch.setenv("CCACHE_BASEDIR", str(tree))
    monkeypatch.setenv("CCACHE_DIR", str(tree / "cache"))
    monkeypatch.delenv("CCACHE_DISABLE", raising=False)
    configure = ["cmake", "-D", "CMAKE_UNITY_BUILD=ON", "-D", "CMAKE_CXX_COMPILER_LAUNCHER=ccache"]
    subprocess.run([*configure, tree / "build"], check=True, capture_output=True)
    assert "2 units checked, 0 of them with findings" in build_and_lint(tree).stdout
    dependencies = ["ninja", "-C", tree / "build", "-t", "deps"]
    listed = subprocess.run(dependencies, check=True, capture_output=True, text=True).stdout
    assert " ../sim/apart.cpp" in listed
    (tree / "sim" / "apart.cpp").write_text("int Apart() { return 1; }\n")
    assert "apart.cpp:1" in build_and_lint(tree).stdout


def test_without_a_build_it_says_what_to_do(tree):
    assert lint(tree, "nowhere").returncode == 2
    configured_only = lint(tree, "build")
    assert configured_only.returncode == 2
    assert "is not built" in configured_only.stderr
