"""The quantizer's C++ (Potomac's workloads/quantizer/values.cpp), compiled when it is first needed.

Once for a machine: the library is kept in the user's cache folder. Where there is no C++ compiler
the package computes the same in PyTorch, a little slower, and says so once.

Environment: CXX is the compiler (c++ unless set); POTOMAC_CAPTURE_NATIVE=0 asks for PyTorch.
"""

import ctypes
import functools
import hashlib
import os
import shlex
import subprocess
import tempfile
import warnings
from contextlib import suppress
from pathlib import Path
from typing import List, Optional

import torch

from .quantizer import GRADIENT_ROUNDINGS

SOURCES = ("workloads/quantizer/values.cpp", "workloads/quantizer/values.hpp",
           "workloads/quantizer/rounding.hpp")  # fmt: skip
_FLAGS = ("-std=c++20", "-O3", "-fPIC", "-shared")
_KEY_MASK = (1 << 64) - 1
_run = functools.partial(subprocess.run, check=True, capture_output=True, text=True)


class Library:
    """The C++ functions on dense float32 tensors of the CPU."""

    def __init__(self, path: Path) -> None:
        library = ctypes.CDLL(str(path))
        pointer, size, number = ctypes.c_void_p, ctypes.c_int64, ctypes.c_int32
        self._largest = library.potomac_largest_magnitude
        self._largest.argtypes = (pointer, size, ctypes.c_float, number)
        self._largest.restype = ctypes.c_uint32
        self._sums = library.potomac_significand_sums
        self._sums.argtypes = (pointer, size, pointer)
        self._sums.restype = None
        self._values = library.potomac_quantized_values
        self._values.argtypes = (pointer, pointer, size, ctypes.c_float, ctypes.c_uint32, number,
                                 number, ctypes.c_uint64, number)  # fmt: skip
        self._values.restype = None
        self._above = library.potomac_indices_above
        self._above.argtypes = (pointer, size, ctypes.c_uint32, pointer, size)
        self._above.restype = size

    def largest_magnitude(self, x: torch.Tensor, mean: float) -> int:
        return self._largest(x.data_ptr(), x.numel(), mean, torch.get_num_threads())

    def significand_sums(self, x: torch.Tensor) -> List[int]:
        sums = torch.empty(256, dtype=torch.int64)
        self._sums(x.data_ptr(), x.numel(), sums.data_ptr())
        return sums.tolist()

    def indices_above(self, x: torch.Tensor, limit: int) -> torch.Tensor:
        """The values in the order of memory."""
        indices = torch.empty(1024, dtype=torch.int64)
        while True:
            room = indices.numel()
            found = self._above(x.data_ptr(), x.numel(), limit, indices.data_ptr(), room)
            if found <= room:
                return indices[:found].clone()
            indices = indices.new_empty(found)

    def quantized_values(
        self, x: torch.Tensor, mean: float, largest: int, bits: int, rounding: str, key: int
    ) -> torch.Tensor:
        values = torch.empty_like(x, requires_grad=False)  # of the same strides
        self._values(
            x.data_ptr(), values.data_ptr(), x.numel(), mean, largest, bits,
            GRADIENT_ROUNDINGS.index(rounding), key & _KEY_MASK, torch.get_num_threads(),
        )  # fmt: skip
        return values


@functools.lru_cache(maxsize=None)
def library() -> Optional[Library]:
    """The compiled functions, or None where there are none."""
    if os.environ.get("POTOMAC_CAPTURE_NATIVE") == "0":
        return None
    try:
        return Library(_compiled())
    except (OSError, RuntimeError, subprocess.CalledProcessError, AttributeError) as error:
        said = (getattr(error, "stderr", None) or "").strip() or str(error)
        warnings.warn(
            "potomac_capture: the quantizer runs in PyTorch, slower, with the same results, as its "
            f"C++ could not be compiled ({said.splitlines()[0]}); install a C++20 "
            "compiler, or set CXX, or POTOMAC_CAPTURE_NATIVE=0 to go without",
            stacklevel=2,
        )
        return None


def _compiled() -> Path:
    root = _source_root()
    compiler = shlex.split(os.environ.get("CXX") or "c++")
    version = _run([*compiler, "--version"]).stdout
    content = [version, *_FLAGS, *((root / source).read_text() for source in SOURCES)]
    digest = hashlib.sha256("\0".join(content).encode()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "potomac-capture"
    path = cache / f"quantizer-{digest}.so"
    if not path.exists():
        _compile([*compiler, *_FLAGS, f"-I{root}", str(root / SOURCES[0])], path)
    return path


def _source_root() -> Path:
    """The folder that the sources' paths begin in: the package's own, or Potomac's."""
    here = Path(__file__).resolve()
    for root in (here.parent / "cpp", *here.parents[4:5]):
        if all((root / source).is_file() for source in SOURCES):
            return root
    raise FileNotFoundError(f"{SOURCES[0]} is not beside the package")


def _compile(command: List[str], path: Path) -> None:
    """Compiles to `path`, whole or not at all; with OpenMP where the compiler has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(suffix=".so", dir=path.parent)
    os.close(handle)
    try:
        try:
            _run([*command, "-fopenmp", "-o", temporary])
        except subprocess.CalledProcessError:
            _run([*command, "-o", temporary])
        os.replace(temporary, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
