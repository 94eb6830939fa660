"""The check of includes finds what it is there to find, and nothing in the tree as it is."""

from __future__ import annotations

import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import check_includes  # noqa: E402


def test_the_tree_is_clean():
    assert check_includes.check(ROOT) == []


@pytest.mark.parametrize(
    ("path", "include", "fault"),
    [
        ("energy/a.hpp", '"sim/run.hpp"', "energy/ may not include sim/run.hpp"),
        ("rtl_models/a.hpp", '"workloads/layer.hpp"', "rtl_models/ may not include"),
        ("rtl_models/arithmetic/a.hpp", '"rtl_models/systemc/slots.hpp"', "may not include"),
        ("rtl_models/arithmetic/a.hpp", "<systemc>", "SystemC outside"),
        ("workloads/a.hpp", '"rtl_models/systemc/slots.hpp"', "workloads/ may not include"),
        ("workloads/a.hpp", '"energy/actions.hpp"', "workloads/ may not include"),
        ("support/a.hpp", '"energy/actions.hpp"', "support/ may not include"),
        ("sim/a.hpp", '"tests/sim/random_gemms.hpp"', "sim/ may not include"),
        ("sim/a.hpp", '"../energy/actions.hpp"', "sim/ may not include"),
        ("sim/a.hpp", "<energy/actions.hpp>", "angle brackets"),
    ],
)
def test_a_forbidden_include_is_named_with_its_line(tmp_path, path, include, fault):
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    file.write_text(f"// A file.\n#pragma once\n#include {include}\n")
    (line,) = check_includes.check(tmp_path)
    assert line.startswith(f"{path}:3: ")
    assert fault in line


def test_a_header_needs_a_first_comment_and_a_guard(tmp_path):
    file = tmp_path / "sim" / "bare.hpp"
    file.parent.mkdir()
    file.write_text("int x;\n")
    assert len(check_includes.check(tmp_path)) == 2
