"""Builds the package's wheel with nothing but Python: pip needs no network and no other package,
and nothing is left in the source tree.

PEP 517 and 660; the form of a wheel is PEP 427's. setuptools would want `wheel`, and leaves a
build folder beside the sources. Potomac's own backend (sim/python/build_backend.py) writes its
wheel with these functions too.
"""

import base64
import hashlib
import io
import os
import re
import tarfile
import zipfile
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "src"
PACKAGE = "potomac_capture"


def build_wheel(
    wheel_directory: str, config_settings: Any = None, metadata_directory: Optional[str] = None
) -> str:
    return write_wheel(wheel_directory, HERE, {n: p.read_bytes() for n, p in sources().items()})


def build_editable(
    wheel_directory: str, config_settings: Any = None, metadata_directory: Optional[str] = None
) -> str:
    return write_wheel(wheel_directory, HERE, {f"{PACKAGE}.pth": f"{SOURCE}\n".encode()})


def build_sdist(sdist_directory: str, config_settings: Any = None) -> str:
    files = {name: HERE / name for name in ("pyproject.toml", "README.md", "build_backend.py")}
    files.update({f"src/{name}": path for name, path in sources().items()})
    return write_sdist(sdist_directory, HERE, files)


def sources() -> Dict[str, Path]:
    """The files that are installed, and where they come from."""
    return {str(p.relative_to(SOURCE)): p for p in sorted((SOURCE / PACKAGE).rglob("*.py"))}


def project_of(root: Path) -> Dict[str, Any]:
    """What pyproject.toml says of the project: texts, and lists of texts, on a line each. (Python
    reads TOML itself only from 3.11 on.)"""
    text = (root / "pyproject.toml").read_text()
    section = re.search(r"^\[project\]\n(.*?)(?=^\[|\Z)", text, re.M | re.S)
    assert section is not None
    project: Dict[str, Any] = {}
    for key, value in re.findall(r"^([\w-]+) = (.+)$", section.group(1), re.M):
        texts = re.findall(r'"([^"]*)"', value)
        project[key] = texts if value.startswith("[") else texts[0]
    return project


def base_of(root: Path) -> str:
    """The distribution's name and version, as files are named after them."""
    project = project_of(root)
    return f"{project['name'].replace('-', '_')}-{project['version']}"


def write_wheel(
    folder: str,
    root: Path,
    files: Mapping[str, bytes],
    tag: str = "py3-none-any",
    programs: Mapping[str, bytes] = {},
) -> str:
    """A wheel of these files, and of programs, which may be run."""
    base = base_of(root)
    info = f"{base}.dist-info"
    pure = "true" if tag.endswith("-none-any") else "false"
    content = {
        **files,
        **programs,
        f"{info}/METADATA": _metadata(root),
        f"{info}/WHEEL": (
            f"Wheel-Version: 1.0\nGenerator: potomac\nRoot-Is-Purelib: {pure}\nTag: {tag}\n"
        ).encode(),
    }
    record: List[str] = []
    for path, data in content.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record.append(f"{path},sha256={digest},{len(data)}\n")
    record.append(f"{info}/RECORD,,\n")
    content[f"{info}/RECORD"] = "".join(record).encode()
    name = f"{base}-{tag}.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w", zipfile.ZIP_DEFLATED) as wheel:
        for path, data in content.items():
            # The time of day is left out: the same sources give the same bytes.
            entry = zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = (0o100755 if path in programs else 0o100644) << 16
            wheel.writestr(entry, data, zipfile.ZIP_DEFLATED, 1)
    return name


def write_sdist(folder: str, root: Path, files: Mapping[str, Path]) -> str:
    base = base_of(root)
    name = f"{base}.tar.gz"
    with tarfile.open(os.path.join(folder, name), "w:gz", format=tarfile.PAX_FORMAT) as tar:
        for inside, path in files.items():
            tar.add(path, f"{base}/{inside}", recursive=False)
        content = _metadata(root)
        info = tarfile.TarInfo(f"{base}/PKG-INFO")
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return name


def _metadata(root: Path) -> bytes:
    project = project_of(root)
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {project['name']}",
        f"Version: {project['version']}",
        f"Summary: {project['description']}",
        f"Requires-Python: {project['requires-python']}",
        *(f"Requires-Dist: {need}" for need in project["dependencies"]),
        "Description-Content-Type: text/markdown",
        "",
        (root / project["readme"]).read_text(),
    ]
    return "\n".join(lines).encode()
