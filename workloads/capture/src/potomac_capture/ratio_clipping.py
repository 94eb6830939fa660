"""PRC, parameterized ratio clipping: activations clipped at gamma * max|A|.

The limit is t = gamma * max|A|, one binary32 multiplication per tensor, gamma a float32
in (0, 1]. Elements with |x| > t become t with their own sign. A t that underflows to
zero clips nothing.
"""

import ctypes
import struct
from dataclasses import dataclass
from typing import Optional, Tuple, Union

import torch

from .quantizer import SIGN_MASK, checked_magnitudes
from .values import Powers, above, brought_to, checked_largest, natively


def check_gamma(gamma: float) -> None:
    if not 0.0 < gamma <= 1.0:
        raise ValueError(f"PRC's gamma lies in (0, 1], not at {gamma}")


def clip_limit(largest: int, gamma: float) -> int:
    """The bit pattern of t for a tensor whose largest magnitude is `largest`."""
    check_gamma(gamma)
    # A double holds the product of two float32 exactly: packing it rounds once, as float32 would.
    gamma32 = ctypes.c_float(gamma).value
    return struct.unpack("<i", struct.pack("<f", gamma32 * _float_of(largest)))[0]


def _float_of(magnitude: int) -> float:
    return struct.unpack("<f", struct.pack("<i", magnitude))[0]


@dataclass(frozen=True)
class Clipped:
    """Which elements PRC has clipped: their flat indices and their signs, +-1; and max|A|."""

    indices: torch.Tensor
    signs: torch.Tensor
    largest: float


def quantized_clipped(
    x: torch.Tensor, gamma: float, bits: int, rounding: str, name: str
) -> Tuple[Powers, Optional[Clipped]]:
    """Q(PRC(x)), and what was clipped, if anything.

    Where PRC applies, the largest magnitude after clipping is the limit itself, since the largest
    element of x is never below it.
    """
    check_gamma(gamma)
    done = natively(x, bits, rounding, name, gamma=gamma)
    if done is not None:
        powers, largest, limit = done.powers, done.largest, done.limit
    else:
        largest = checked_largest(x, name)
        limit = clip_limit(largest, gamma) or largest
        powers = brought_to(x, limit, bits, rounding, name)
    if limit == largest:
        return powers, None
    return powers, Clipped(*above(x, limit), _float_of(largest))


def prc_clip(
    x: torch.Tensor, gamma: Union[float, torch.Tensor], name: str = "tensor"
) -> torch.Tensor:
    """PRC(x). Refuses what the quantizer refuses, and a gamma outside (0, 1]."""
    magnitude, largest = checked_magnitudes(x, name)
    magnitude.clamp_(max=clip_limit(largest, float(gamma)) or largest)
    sign = x.detach().view(torch.int32) & SIGN_MASK
    return magnitude.bitwise_or_(sign).view(torch.float32)
