"""Runs the built `potomac` program as a user would, and looks at what comes out."""

from __future__ import annotations

import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TRACE = ROOT / "workloads/traces/fashion-cnn-b16.h5"
ARCH = ROOT / "sim/architectures/os-16x16.yaml"


class Potomac:
    def __init__(self, program: str, folder: pathlib.Path) -> None:
        self.program = program
        self.folder = folder

    def __call__(
        self, *arguments: object, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.program, *map(str, arguments)],
            cwd=self.folder,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def refuses(self, *arguments: object, status: int = 2) -> str:
        """The one line of a refusal; checks status, streams and that no file was left."""
        before = sorted(self.folder.rglob("*"))
        done = self(*arguments)
        assert done.returncode == status, done.stderr
        assert done.stdout == ""
        assert done.stderr.startswith("potomac: error: ")
        assert done.stderr.count("\n") == 1
        assert sorted(self.folder.rglob("*")) == before
        return done.stderr


@pytest.fixture
def potomac(tmp_path: pathlib.Path) -> Potomac:
    return Potomac(os.environ["POTOMAC_PROGRAM"], tmp_path)


@pytest.fixture
def trace() -> pathlib.Path:
    return TRACE


@pytest.fixture
def arch() -> pathlib.Path:
    return ARCH
