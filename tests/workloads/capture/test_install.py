"""pip installs the package into a fresh virtual environment, without a network and without
leaving anything in the source tree."""

import os
import shutil
import subprocess
import sys

import pytest
from conftest import CAPTURE


def files():
    return sorted(p for p in CAPTURE.rglob("*") if "__pycache__" not in p.parts)


@pytest.mark.parametrize("options", [[], ["--editable"]], ids=["copied", "editable"])
def test_pip_installs_it(tmp_path, options):
    before = files()
    python = tmp_path / "env/bin/python"
    offline = {**os.environ, "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    offline.pop("PYTHONPATH", None)

    def run(*command):
        done = subprocess.run(
            command, env=offline, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run(sys.executable, "-m", "venv", "--system-site-packages", "env")
    # Debian's PyTorch does not tell pip that it is there.
    run(str(python), "-m", "pip", "install", "--no-deps", *options, str(CAPTURE))
    where = run(str(python), "-c", "import potomac_capture as pc; print(pc.__file__, pc.quantize)")
    assert str(CAPTURE if options else tmp_path / "env") in where
    # Alone, without the package potomac, it quantizes in PyTorch, and says so.
    alone = "import warnings; warnings.simplefilter('error'); import potomac_capture.native as n; n.library()"
    said = subprocess.run(
        [str(python), "-c", alone], env=offline, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "the quantizer runs in PyTorch, slower" in said.stderr
    shown = run(str(python), "-m", "pip", "show", "--files", "potomac-capture")
    assert "Version: 0.1.0" in shown and "Requires: h5py, numpy, torch" in shown
    run(str(python), "-m", "pip", "uninstall", "--yes", "potomac-capture")
    assert files() == before


def test_a_source_distribution_builds_the_same_wheel(tmp_path):
    build = "import build_backend as b, sys; print(b.{}(sys.argv[1]))"

    def built(what, folder, backend):
        folder.mkdir()
        done = subprocess.run(
            [sys.executable, "-c", build.format(what), str(folder)], check=True, text=True,
            cwd=backend, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}, capture_output=True,
        )  # fmt: skip
        return folder / done.stdout.strip()

    wheel = built("build_wheel", tmp_path / "direct", CAPTURE)
    sources = built("build_sdist", tmp_path / "sdist", CAPTURE)
    shutil.unpack_archive(sources, tmp_path / "unpacked")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    assert built("build_wheel", tmp_path / "again", unpacked).read_bytes() == wheel.read_bytes()
