"""The package as it is installed, and the program that was installed with it."""

import os
import pathlib
import subprocess
import sys

import pytest

import potomac

ROOT = pathlib.Path(__file__).resolve().parents[3]
CNN = ROOT / "workloads/traces/fashion-cnn-b16.h5"
WITH_ORIGINALS = ROOT / "workloads/traces/fashion-batchnorm-b4.h5"
TRACES = [CNN, *sorted(p for p in CNN.parent.glob("*.h5") if p != CNN)]

assert pathlib.Path(potomac.__file__).is_relative_to(sys.prefix), potomac.__file__


class Program:
    def __init__(self, folder):
        self.folder = folder

    def __call__(self, *arguments, status=0):
        done = subprocess.run(
            [os.path.join(sys.prefix, "bin/potomac"), *map(str, arguments)], cwd=self.folder,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == status, done.stderr
        return done.stdout if status == 0 else done.stderr


@pytest.fixture
def program(tmp_path):
    return Program(tmp_path)
