"""The quantizer's C++ (Potomac's workloads/quantizer/values.cpp), of the package `potomac`.

Where that is not installed the package computes the same in PyTorch, slower, and says so once.

Environment: POTOMAC_CAPTURE_NATIVE=0 asks for PyTorch.
"""

import functools
import os
import warnings
from types import ModuleType
from typing import Any, List, Mapping, Optional, Sequence, Tuple

import torch

from .quantizer import GRADIENT_ROUNDINGS

_KEY_MASK = (1 << 64) - 1


class Library:
    """The C++ functions on dense float32 tensors of the CPU."""

    def __init__(self, native: ModuleType) -> None:
        self._native = native

    def largest_magnitude(self, x: torch.Tensor, mean: float) -> int:
        return self._native.largest_magnitude(
            x.data_ptr(), x.numel(), mean, torch.get_num_threads()
        )

    def significand_sums(self, x: torch.Tensor) -> List[int]:
        sums = torch.empty(256, dtype=torch.int64)
        self._native.significand_sums(x.data_ptr(), x.numel(), sums.data_ptr())
        return sums.tolist()

    def above(self, x: torch.Tensor, limit: int) -> Tuple[torch.Tensor, torch.Tensor]:
        """The indices, in the order of memory, of the elements above the limit, and their signs, +-1."""
        indices, signs = self._native.above(x.data_ptr(), x.numel(), limit)
        return torch.from_numpy(indices), torch.from_numpy(signs)

    def quantized_tensor(
        self, x: torch.Tensor, bits: int, rounding: str, key: int, corrected: bool, gamma: float
    ) -> Tuple[torch.Tensor, int, int, int, int]:
        """The values, and the bits of the largest magnitude, of that of x - mean where `corrected`, and
        of the limit, and beta. Where one of the first two is not finite, the rest is not there."""
        values = torch.empty_like(x, requires_grad=False)  # of the same strides
        seen = self._native.quantized_tensor(
            x.data_ptr(), values.data_ptr(), x.numel(), corrected, gamma, bits,
            GRADIENT_ROUNDINGS.index(rounding), key & _KEY_MASK, torch.get_num_threads(),
        )  # fmt: skip
        return (values, *seen)

    def codes_of_values(self, values: torch.Tensor, bits: int, beta: int) -> torch.Tensor:
        """uint8, in the order of the shape; `values` may lie in any."""
        values = values.contiguous()
        codes = torch.empty(values.shape, dtype=torch.uint8)
        self._native.codes_of_values(
            values.data_ptr(), codes.data_ptr(), values.numel(), bits, beta, torch.get_num_threads()
        )
        return codes

    def training_sums(self, machine: str) -> Any:
        """_native.TrainingSums of the accumulators in an architecture file's text."""
        return self._native.TrainingSums(machine)

    def layer_shape(
        self, name: str, kind: str, extents: Sequence[Sequence[int]], geometry: Mapping[str, Any]
    ) -> Any:
        """A _native.Layer without values; extents of W, A and G. Refuses what is no layer."""
        axes = {name: list(geometry.get(name, ())) for name in ("stride", "padding", "dilation")}
        layer = self._native.Layer(
            name, kind, *map(list, extents), [None, None, None], [5, 5, 5], [0, 0, 0],
            axes["stride"], axes["padding"], axes["dilation"], geometry.get("groups", 1), True, True,
        )  # fmt: skip
        self._native.check_layer(layer)
        return layer


@functools.lru_cache(maxsize=None)
def library() -> Optional[Library]:
    """The compiled functions, or None where there are none."""
    if os.environ.get("POTOMAC_CAPTURE_NATIVE") == "0":
        return None
    try:
        from potomac import _native
    except ImportError as error:
        warnings.warn(
            "potomac_capture: the quantizer runs in PyTorch, slower, with the same results, as the "
            f"package potomac is not installed ({error}); install it, or set "
            "POTOMAC_CAPTURE_NATIVE=0 to go without",
            stacklevel=2,
        )
        return None
    return Library(_native)
