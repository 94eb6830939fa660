"""WBC, weight bias correction: the exact mean that is subtracted from a weight tensor.

WBC quantizes W - mean(W). Its mean is defined so that no order of summation shows: the
exact sum of the float32 elements divided by their number, rounded once, to nearest even,
to binary32 (a result that rounds to zero is +0). The subtraction that follows is one
float32 subtraction per element.
"""

from itertools import compress
from typing import Tuple

import torch

from .quantizer import INFINITY
from .values import Powers, brought_to, checked_largest, largest_magnitude, natively, significand_sums

_SIGNIFICAND_BITS = 24
_QUANTUM = -149  # every finite float32 is a multiple of 2^_QUANTUM


def exact_mean(x: torch.Tensor, name: str = "tensor") -> torch.Tensor:
    """mean(x) as a 0-dimensional float32 tensor, rounded once.

    Like the quantizer it refuses an empty tensor, a NaN and an infinity by `name`.
    """
    return torch.tensor(_exact_mean(x, name), dtype=torch.float32)


def weight_bias_correction(x: torch.Tensor, name: str = "tensor") -> torch.Tensor:
    """x - exact_mean(x), the tensor that is quantized under WBC.

    Refuses by `name` what exact_mean refuses, and a difference that leaves the range of
    float32 (elements near its largest).
    """
    mean = _exact_mean(x, name)
    _check_difference(x, mean, largest_magnitude(x, mean), name)
    return x - mean


def quantized_corrected(x: torch.Tensor, bits: int, rounding: str, name: str) -> Powers:
    """Q(WBC(x)); refuses what weight_bias_correction refuses."""
    done = natively(x, bits, rounding, name, corrected=True)
    if done is not None and done.moved < INFINITY:
        return done.powers
    mean = _exact_mean(x, name)
    largest = largest_magnitude(x, mean)
    _check_difference(x, mean, largest, name)
    return brought_to(x, largest, bits, rounding, name, mean=mean)


def _check_difference(x: torch.Tensor, mean: float, largest: int, name: str) -> None:
    if largest >= INFINITY:
        index = int((x - mean).detach().isinf().reshape(-1).nonzero()[0])
        raise ValueError(
            f"{name}: element {index} (flat index): subtracting the tensor's mean "
            "leaves FP32's range"
        )


def _exact_mean(x: torch.Tensor, name: str) -> float:
    checked_largest(x, name)
    sums = significand_sums(x)
    numerator = sum(total << (field - 1) for field, total in compress(enumerate(sums), sums))
    significand, exponent = _divide_to_binary32(abs(numerator), x.numel())
    # A significand of 24 bits at an exponent >= _QUANTUM is a float32: nothing rounds.
    mean = float(significand) * 2.0**exponent
    return (mean if numerator >= 0 else -mean) + 0.0


def _divide_to_binary32(numerator: int, denominator: int) -> Tuple[int, int]:
    """numerator / denominator quanta as (significand, exponent), to nearest even."""
    shift = max(0, numerator.bit_length() - denominator.bit_length())
    shift = max(0, shift - _SIGNIFICAND_BITS)
    # The quotient has one bit more or less than the difference of lengths says.
    while numerator // (denominator << shift) >= 1 << _SIGNIFICAND_BITS:
        shift += 1
    divisor = denominator << shift
    quotient, remainder = divmod(numerator, divisor)
    if 2 * remainder > divisor or (2 * remainder == divisor and quotient % 2):
        quotient += 1
    return quotient, shift + _QUANTUM
