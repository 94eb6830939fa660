"""Pages that the built program writes, in Debian's Chromium."""

from __future__ import annotations

import os
import pathlib
import subprocess
from typing import Iterator

import pytest
from browser import Browser

ROOT = pathlib.Path(__file__).resolve().parents[2]
TRACE = ROOT / "workloads/traces/fashion-cnn-b16.h5"


def potomac(*arguments: object, folder: pathlib.Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([os.environ["POTOMAC_PROGRAM"], *map(str, arguments)], cwd=folder,
                          capture_output=True, text=True, timeout=120, check=False)  # fmt: skip


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    browser = Browser()
    yield browser
    browser.quit()


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A folder with the page of the shipped trace with all that a run can have, and its report."""
    folder = tmp_path_factory.mktemp("shipped")
    done = potomac("run", TRACE, "--arch", "os-16x16", "--set", "memory.dram.preset=ddr4-2400",
                   "--energy", "horowitz-45nm", "--accounting", "structural", "--step", "adam",
                   "--toggles", "--pe-map", "001-conv2/backward-data", "--out", "run", "--html", "page.html", folder=folder)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "\npage: page.html\n" in done.stdout
    return folder
