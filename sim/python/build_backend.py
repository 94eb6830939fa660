"""Builds the wheel of the package `potomac`: PEP 517 and 660, with Python, CMake and nothing else.

The module is built in the tree's own build folder, so that objects which are there already are not
compiled again. The wheel holds the package and potomac_capture, and, where they go in any
installation, the program, its completion and man page, and the files that ship.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any, Dict, Optional

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "sim/python/potomac"
BUILD = ROOT / "build"
# Not of a source distribution.
_LEFT_OUT = {".git", ".cache", ".ccache", "__pycache__", "out"}


def build_wheel(
    wheel_directory: str, config_settings: Any = None, metadata_directory: Optional[str] = None
) -> str:
    return _write_wheel(wheel_directory, editable=False)


def build_editable(
    wheel_directory: str, config_settings: Any = None, metadata_directory: Optional[str] = None
) -> str:
    return _write_wheel(wheel_directory, editable=True)


def build_sdist(sdist_directory: str, config_settings: Any = None) -> str:
    files: Dict[str, Path] = {}
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(f for f in folders if f not in _LEFT_OUT and not f.startswith("build"))
        for name in sorted(names):
            path = Path(folder, name)
            files[str(path.relative_to(ROOT))] = path
    return _capture().write_sdist(sdist_directory, ROOT, files)


def _write_wheel(folder: str, editable: bool) -> str:
    capture = _capture()
    _build()
    base = capture.base_of(ROOT)
    if editable:
        paths = f"{BUILD / 'python'}\n{capture.SOURCE}\n"
        files = {"potomac.pth": paths.encode()}
    else:
        files = {str(p.relative_to(PACKAGE.parent)): p.read_bytes()
                 for p in sorted(PACKAGE.iterdir()) if p.suffix in (".py", ".pyi", ".typed")}  # fmt: skip
        files["potomac/py.typed"] = b""
        (module,) = (BUILD / "python/potomac").glob(f"_native{sysconfig.get_config_var('EXT_SUFFIX')}")
        files[f"potomac/{module.name}"] = module.read_bytes()
        files.update({name: path.read_bytes() for name, path in capture.sources().items()})
    programs = {}
    with tempfile.TemporaryDirectory() as installed:
        _run("cmake", "--install", str(BUILD), "--prefix", installed, "--strip")
        for path in sorted(Path(installed).rglob("*")):
            if path.is_file():
                name = str(path.relative_to(installed))
                if name.startswith("bin/"):
                    programs[f"{base}.data/scripts/{path.name}"] = path.read_bytes()
                else:
                    files[f"{base}.data/data/{name}"] = path.read_bytes()
    python = f"cp{sys.version_info.major}{sys.version_info.minor}"
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    return capture.write_wheel(folder, ROOT, files, f"{python}-{python}-{platform}", programs)


def _build() -> None:
    if shutil.which("cmake") is None:
        raise SystemExit("potomac: there is no cmake; run scripts/setup.sh python first")
    options = ["-DPOTOMAC_PYTHON=ON", f"-DPython_EXECUTABLE={os.path.realpath(sys.executable)}"]
    if not (BUILD / "CMakeCache.txt").exists():
        options += ["-DCMAKE_UNITY_BUILD=ON", "-DPOTOMAC_TESTS=OFF"]
    _run("cmake", "--preset", "release", *options)
    _run("cmake", "--build", str(BUILD), "--target", "potomac", "potomac_python", "potomac_generated")


def _run(*command: str) -> None:
    subprocess.run(command, cwd=ROOT, check=True)


def _capture() -> ModuleType:
    """The capture's backend, whose wheel is written in the same form."""
    path = ROOT / "workloads/capture/build_backend.py"
    spec = importlib.util.spec_from_file_location("capture_build_backend", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
