"""The check of includes finds what it is there to find, and nothing in the tree as it is."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "check_includes.py"
sys.path.insert(0, str(SCRIPT.parent))

import check_includes  # noqa: E402


def plant(root: pathlib.Path, name: str, text: str) -> None:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def faults(root: pathlib.Path) -> list[str]:
    return [str(fault) for fault in check_includes.find_faults(root)[1]]


def test_the_tree_is_clean():
    assert faults(ROOT) == []


@pytest.mark.parametrize(
    ("path", "include", "what"),
    [
        ("energy/pricing/a.hpp", '"sim/studies/run.hpp"', "energy/pricing/ must not include sim/"),
        ("energy/counts/a.cpp", '"workloads/layers/layer.hpp"', "energy/counts/ must not include workloads/"),
        ("energy/counts/a.cpp", '"energy/pricing/accounting.hpp"', "energy/counts/ must not include energy/pricing/"),
        ("energy/pricing/a.cpp", "<systemc>", "energy/pricing/ must do without SystemC"),
        ("rtl_models/systemc/a.hpp", '"workloads/layers/layer.hpp"', "rtl_models/systemc/ must not include workloads/"),
        ("rtl_models/systemc/a.hpp", '"sim/machine/cycles.hpp"', "rtl_models/systemc/ must not include sim/"),
        (
            "rtl_models/arithmetic/a.hpp",
            '"rtl_models/systemc/slots.hpp"',
            "rtl_models/arithmetic/ must not include rtl_models/systemc/",
        ),
        (
            "rtl_models/arithmetic/a.hpp",
            "<systemc>",
            "rtl_models/arithmetic/ must do without SystemC",
        ),
        (
            "rtl_models/arithmetic/a.hpp",
            "<systemc.h>",
            "rtl_models/arithmetic/ must do without SystemC",
        ),
        (
            "workloads/layers/a.hpp",
            '"rtl_models/systemc/slots.hpp"',
            "workloads/layers/ must not include rtl_models/systemc/",
        ),
        ("workloads/layers/a.hpp", '"energy/counts/actions.hpp"', "workloads/layers/ must not include energy/"),
        ("support/a.hpp", '"energy/counts/actions.hpp"', "support/ must not include energy/"),
        ("sim/studies/a.hpp", '"tests/sim/engines/random_passes.hpp"', "sim/studies/ must not include tests/"),
        ("sim/studies/a.hpp", "<tests/sim/engines/random_passes.hpp>", "sim/studies/ must not include tests/"),
        ("sim/studies/a.hpp", '"../energy/counts/actions.hpp"', "climbs out of its folder"),
        ("sim/studies/a.hpp", '"timing.hpp"', "names no room"),
        ("sim/studies/a.hpp", '"sim/reports/run_table.hpp"', "must not include sim/reports/"),
        ("sim/results/a.hpp", '"sim/studies/run.hpp"', "must not include sim/studies/"),
        ("sim/results/a.cpp", '"support/hdf5/hdf5_file.hpp"', "must not include support/hdf5/"),
        ("sim/results/a.cpp", '"workloads/sources/open_workload.hpp"', "must not include"),
        ("sim/engines/count/a.cpp", '"sim/engines/fast/fast_facts.hpp"', "must not include sim/engines/fast/"),
        ("sim/engines/stepping/a.cpp", '"sim/engines/fast/fast_facts.hpp"', "must not include"),
        ("sim/engines/verilog/a.cpp", '"rtl_models/systemc/slots.hpp"', "must not include rtl_models/systemc/"),
        ("sim/engines/systemc/a.cpp", '"sim/engines/engines.hpp"', "must not include sim/engines/"),
        ("sim/machine/a.hpp", '"sim/engines/interface/engine.hpp"', "must not include sim/engines/"),
        ("sim/engines/a.hpp", "<systemc>", "sim/engines/ must do without SystemC"),
        ("workloads/layers/a.hpp", '"workloads/workload/workload.hpp"', "must not include"),
    ],
)
def test_a_forbidden_include_is_named_with_its_line_and_a_remedy(tmp_path, path, include, what):
    plant(tmp_path, path, f"// A file.\n#pragma once\n#  include {include}\n")
    (line,) = faults(tmp_path)
    assert line.startswith(f"{path}:3: ")
    assert what in line
    assert "; " in line


@pytest.mark.parametrize(
    ("path", "include"),
    [
        ("support/a.hpp", '"support/error.hpp"'),
        ("rtl_models/arithmetic/a.hpp", '"support/error.hpp"'),
        ("rtl_models/systemc/a.hpp", '"rtl_models/arithmetic/accumulator.hpp"'),
        ("rtl_models/systemc/a.hpp", "<systemc>"),
        ("energy/counts/a.hpp", '"support/error.hpp"'),
        ("workloads/layers/a.hpp", '"rtl_models/arithmetic/pot_code.hpp"'),
        ("sim/studies/a.hpp", '"energy/counts/actions.hpp"'),
        ("sim/studies/a.hpp", '"workloads/layers/layer.hpp"'),
        ("tests/sim/a.hpp", '"tests/sim/engines/random_passes.hpp"'),
        ("tests/sim/a.hpp", '"sim/studies/run.hpp"'),
        ("energy/pricing/a.hpp", "<yaml-cpp/yaml.h>"),
        ("sim/engines/systemc/a.hpp", '"sim/engines/stepping/fold_sequencer.hpp"'),
        ("sim/plan/a.hpp", '"sim/results/selection.hpp"'),
    ],
)
def test_an_include_along_the_arrows_is_no_fault(tmp_path, path, include):
    plant(tmp_path, path, f"// A file.\n#pragma once\n#include {include}\n")
    assert faults(tmp_path) == []


def test_a_header_needs_a_first_comment_and_a_guard(tmp_path):
    plant(tmp_path, "sim/machine/bare.hpp", "int x;\n")
    comment, guard = faults(tmp_path)
    assert "no comment on the first line" in comment
    assert "no #pragma once" in guard


def test_an_include_in_a_comment_is_no_include(tmp_path):
    plant(tmp_path, "energy/counts/a.cpp", '// #include "sim/studies/run.hpp"\n')
    assert faults(tmp_path) == []


HEAVY = "// A file.\n#pragma once\n#include <yaml-cpp/yaml.h>\n"
LIGHT = '// A file.\n#pragma once\n#include "support/heavy.hpp"\n'


def test_a_heavy_header_stays_in_its_room_whatever_brings_it(tmp_path):
    plant(tmp_path, "support/heavy.hpp", HEAVY)
    plant(tmp_path, "support/light.hpp", LIGHT)
    plant(tmp_path, "support/light.cpp", '#include "support/light.hpp"\n')
    plant(tmp_path, "tests/support/a.cpp", '#include "support/light.hpp"\n')
    assert faults(tmp_path) == []
    plant(tmp_path, "energy/counts/a.cpp", '\n#include "support/light.hpp"\n')
    (line,) = faults(tmp_path)
    assert line.startswith('energy/counts/a.cpp:2: "support/light.hpp" brings <yaml-cpp/yaml.h> out of support/')


def test_headers_that_include_each_other_are_no_endless_work(tmp_path):
    plant(tmp_path, "support/a.hpp", '// A file.\n#pragma once\n#include "support/b.hpp"\n')
    plant(tmp_path, "support/b.hpp", '// A file.\n#pragma once\n#include "support/a.hpp"\n')
    plant(tmp_path, "energy/counts/a.cpp", '#include "support/a.hpp"\n')
    assert faults(tmp_path) == []


def test_cpp_outside_the_rooms_cannot_hide(tmp_path):
    for name in ("extras/a.cpp", "sim/a.cpp"):
        plant(tmp_path, name, '#include "sim/studies/run.hpp"\n')
    lines = faults(tmp_path)
    assert len(lines) == 2
    assert all("outside the rooms" in line for line in lines)


def test_build_folders_are_not_read(tmp_path):
    plant(tmp_path, "support/a.cpp", "// A file.\n")
    plant(tmp_path, "build-sanitize/generated.cpp", '#include "generated.hpp"\n')
    assert faults(tmp_path) == []


CMAKE = {
    "rtl_models": """
add_library(potomac_arithmetic STATIC arithmetic/accumulator.cpp)
add_library(potomac_rtl_systemc STATIC systemc/context.cpp)  # its modules
target_link_libraries(potomac_rtl_systemc PUBLIC potomac_arithmetic potomac_systemc)
""",
    "energy": "add_library(potomac_pricing STATIC pricing/accounting.cpp)\n",
    "workloads": "add_library(potomac_layers STATIC layers/layer.cpp)\n",
    "sim": """add_library(potomac_studies STATIC studies/run.cpp)
target_link_libraries(potomac_studies
  PUBLIC potomac_layers potomac_pricing
  PRIVATE potomac_rtl_systemc)
""",
}


@pytest.mark.parametrize(
    ("room", "link", "what"),
    [
        ("workloads", "potomac_layers PUBLIC potomac_rtl_systemc", "must not link"),
        ("energy", "potomac_pricing PRIVATE fmt::fmt\n  potomac_studies", "must not link"),
        ("rtl_models", "potomac_arithmetic PUBLIC potomac_rtl_systemc", "must not link"),
        ("rtl_models", "potomac_arithmetic PUBLIC potomac_systemc", "must not link SystemC"),
        ("workloads", "potomac_layers PUBLIC potomac_arithmetic", None),
        ("workloads", "potomac_layers PUBLIC zlib # potomac_studies", None),
    ],
)
def test_a_link_against_the_arrows_is_named(tmp_path, room, link, what):
    for name, text in CMAKE.items():
        plant(tmp_path, f"{name}/CMakeLists.txt", text)
    plant(tmp_path, f"{room}/CMakeLists.txt", f"{CMAKE[room]}target_link_libraries({link}\n)\n")
    found = faults(tmp_path)
    assert len(found) == (1 if what else 0)
    if what:
        line = CMAKE[room].count("\n") + 1
        assert found[0].startswith(f"{room}/CMakeLists.txt:{line}: ")
        assert what in found[0]


def test_as_a_program_it_fails_on_a_fault_and_on_an_empty_tree(tmp_path):
    def status() -> int:
        return subprocess.run([sys.executable, SCRIPT, tmp_path], capture_output=True).returncode

    assert status() == 1
    plant(tmp_path, "support/a.cpp", "// A file.\n")
    assert status() == 0
    plant(tmp_path, "support/b.cpp", '#include "sim/studies/run.hpp"\n')
    assert status() == 1
