"""Builds the package's wheel with nothing but Python: pip needs no network and no other package,
and nothing is left in the source tree.

PEP 517 and 660; the form of a wheel is PEP 427's. setuptools would want `wheel`, and leaves a
build folder beside the sources.
"""

import base64
import hashlib
import io
import os
import re
import tarfile
import zipfile
from pathlib import Path
from typing import Any, Dict, List, Optional

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "src"
PACKAGE = "potomac_capture"
# Potomac's quantizer, which the package compiles where it is installed (native.py): a copy of what
# lies beside this folder; of an unpacked source distribution, in it.
CPP = f"{PACKAGE}/cpp/workloads/quantizer"
QUANTIZER = next(p for p in (HERE.parent / "quantizer", SOURCE / CPP) if p.is_dir())
TAG = "py3-none-any"


def build_wheel(
    wheel_directory: str, config_settings: Any = None, metadata_directory: Optional[str] = None
) -> str:
    return _write_wheel(wheel_directory, {n: p.read_bytes() for n, p in _sources().items()})


def build_editable(
    wheel_directory: str, config_settings: Any = None, metadata_directory: Optional[str] = None
) -> str:
    return _write_wheel(wheel_directory, {f"{PACKAGE}.pth": f"{SOURCE}\n".encode()})


def build_sdist(sdist_directory: str, config_settings: Any = None) -> str:
    base = f"{PACKAGE}-{_project()['version']}"
    name = f"{base}.tar.gz"
    with tarfile.open(os.path.join(sdist_directory, name), "w:gz", format=tarfile.PAX_FORMAT) as tar:
        for file in ("pyproject.toml", "README.md", "build_backend.py"):
            tar.add(HERE / file, f"{base}/{file}")
        for installed, path in _sources().items():
            tar.add(path, f"{base}/src/{installed}")
        content = _metadata()
        info = tarfile.TarInfo(f"{base}/PKG-INFO")
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return name


def _sources() -> Dict[str, Path]:
    """The files that are installed, and where they come from."""
    sources = {str(p.relative_to(SOURCE)): p for p in sorted((SOURCE / PACKAGE).rglob("*.py"))}
    for name in ("rounding.hpp", "values.hpp", "values.cpp"):
        sources[f"{CPP}/{name}"] = QUANTIZER / name
    return sources


def _project() -> Dict[str, Any]:
    """What pyproject.toml says of the project: texts, and lists of texts, on a line each. (Python
    reads TOML itself only from 3.11 on.)"""
    text = (HERE / "pyproject.toml").read_text()
    section = re.search(r"^\[project\]\n(.*?)(?=^\[|\Z)", text, re.M | re.S)
    assert section is not None
    project: Dict[str, Any] = {}
    for key, value in re.findall(r"^([\w-]+) = (.+)$", section.group(1), re.M):
        texts = re.findall(r'"([^"]*)"', value)
        project[key] = texts if value.startswith("[") else texts[0]
    return project


def _metadata() -> bytes:
    project = _project()
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {project['name']}",
        f"Version: {project['version']}",
        f"Summary: {project['description']}",
        f"Requires-Python: {project['requires-python']}",
        *(f"Requires-Dist: {need}" for need in project["dependencies"]),
        "Description-Content-Type: text/markdown",
        "",
        (HERE / project["readme"]).read_text(),
    ]
    return "\n".join(lines).encode()


def _write_wheel(folder: str, files: Dict[str, bytes]) -> str:
    base = f"{PACKAGE}-{_project()['version']}"
    info = f"{base}.dist-info"
    files = {
        **files,
        f"{info}/METADATA": _metadata(),
        f"{info}/WHEEL": (
            f"Wheel-Version: 1.0\nGenerator: {PACKAGE}\nRoot-Is-Purelib: true\nTag: {TAG}\n"
        ).encode(),
    }
    record: List[str] = []
    for path, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record.append(f"{path},sha256={digest},{len(content)}\n")
    record.append(f"{info}/RECORD,,\n")
    files[f"{info}/RECORD"] = "".join(record).encode()
    name = f"{base}-{TAG}.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w", zipfile.ZIP_DEFLATED) as wheel:
        for path, content in files.items():
            # The time of day is left out: the same sources give the same bytes.
            entry = zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            wheel.writestr(entry, content)
    return name
