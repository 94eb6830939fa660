"""WBC, weight bias correction: the exact mean that is subtracted from a weight tensor.

WBC quantizes W - mean(W). Its mean is defined so that no order of summation shows: the
exact sum of the float32 elements divided by their number, rounded once, to nearest even,
to binary32 (a result that rounds to zero is +0). The subtraction that follows is one
float32 subtraction per element.
"""

from typing import Tuple

import torch

from .quantizer import MANTISSA_BITS, SMALLEST_NORMAL, magnitudes

_SIGNIFICAND_BITS = 24
_EXPONENTS = 256
_QUANTUM = -149  # every finite float32 is a multiple of 2^_QUANTUM


def exact_mean(x: torch.Tensor, name: str = "tensor") -> torch.Tensor:
    """mean(x) as a 0-dimensional float32 tensor, rounded once.

    Like the quantizer it refuses an empty tensor, a NaN and an infinity by `name`.
    """
    magnitudes(x, name)
    numerator = _sum_in_quanta(x)
    significand, exponent = _divide_to_binary32(abs(numerator), x.numel())
    # A significand of 24 bits at an exponent >= _QUANTUM is a float32: nothing rounds.
    mean = float(significand) * 2.0**exponent
    return torch.tensor(mean if numerator >= 0 else -mean, dtype=torch.float32) + 0.0


def weight_bias_correction(x: torch.Tensor, name: str = "tensor") -> torch.Tensor:
    """x - exact_mean(x), the tensor that is quantized under WBC.

    Refuses by `name` what exact_mean refuses, and a difference that leaves the range of
    float32 (elements near its largest).
    """
    corrected = x - exact_mean(x, name).to(x.device)
    infinite = corrected.detach().isinf()
    if infinite.any():
        index = int(infinite.reshape(-1).nonzero()[0])
        raise ValueError(
            f"{name}: element {index} (flat index): subtracting the tensor's mean "
            "leaves FP32's range"
        )
    return corrected


def _sum_in_quanta(x: torch.Tensor) -> int:
    """The exact sum of x in units of 2^_QUANTUM.

    An int64 sum of mantissas for each of the 512 patterns of sign and exponent is exact
    for up to 2^40 elements; Python's integers then join the patterns.
    """
    bits = x.detach().view(torch.int32).reshape(-1)
    pattern = (bits >> MANTISSA_BITS).bitwise_and_(2 * _EXPONENTS - 1).long()
    mantissa = (bits & (SMALLEST_NORMAL - 1)).long()
    sums = torch.zeros(2 * _EXPONENTS, dtype=torch.int64, device=x.device)
    sums.index_add_(0, pattern, mantissa)
    counts = torch.bincount(pattern, minlength=2 * _EXPONENTS)
    total = 0
    for index, (mantissas, count) in enumerate(zip(sums.tolist(), counts.tolist())):
        negative, field = divmod(index, _EXPONENTS)
        # A normal number has a hidden bit; a subnormal weighs as much as field 1.
        significands = mantissas + (count << MANTISSA_BITS if field else 0)
        weighted = significands << max(field - 1, 0)
        total += -weighted if negative else weighted
    return total


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
