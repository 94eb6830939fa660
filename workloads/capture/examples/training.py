"""What the examples share: the modes that they compare, and training on a terminal."""

import argparse
import ctypes
import sys
import time
from contextlib import suppress
from typing import Dict, TextIO, Tuple

from torch import nn

import potomac_capture as pc

# WBC and PRC of each ALS-PoTQ mode.
POTQ_MODES: Dict[str, Tuple[bool, bool]] = {
    "potq": (False, False),
    "wbc": (True, False),
    "prc": (False, True),
    "wbc+prc": (True, True),
}
MODES = ("fp32", *POTQ_MODES)


def quantize(model: nn.Module, mode: str, options: argparse.Namespace) -> None:
    """Makes the model one of the mode: nothing in fp32."""
    if mode in POTQ_MODES:
        wbc, prc = POTQ_MODES[mode]
        pc.quantize(
            model,
            bits=options.bits,
            last_layer_grad_bits=options.last_layer_grad_bits,
            wbc=wbc,
            prc=prc,
            rounding=options.rounding,
            gamma=options.gamma,
        )


def keep_freed_memory() -> None:
    """Stops glibc from handing every freed tensor back to the system.

    A step frees and allocates the same large tensors again; without this, page faults
    take up to half of its time.
    """
    m_trim_threshold, m_mmap_threshold, largest = -1, -3, 2**31 - 1
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(m_mmap_threshold, largest)
        mallopt(m_trim_threshold, largest)


class Progress:
    """A bar that is redrawn on a terminal, and nothing elsewhere."""

    def __init__(self, steps: int, stream: TextIO = sys.stderr) -> None:
        self._steps = steps
        self._stream = stream
        self._started = time.monotonic()

    def show(self, step: int, label: str) -> None:
        if not self._stream.isatty():
            return
        filled = 30 * step // self._steps
        left = (time.monotonic() - self._started) / step * (self._steps - step)
        bar = "#" * filled + "." * (30 - filled)
        self._stream.write(
            f"\r{label} [{bar}] {step}/{self._steps} {left:4.0f} s left "
        )
        self._stream.flush()

    def clear(self) -> None:
        if self._stream.isatty():
            self._stream.write("\r\x1b[K")
