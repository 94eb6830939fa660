"""ALS-PoTQ from values to values, as a training step computes it, with no codes in between.

Each function is there twice: in C++ (native.py), where it is one pass over the tensor, and in
PyTorch, where it is several. Both give the same bits. C++ takes what lies densely in the memory of
the CPU.
"""

from typing import List, NamedTuple, Optional, Tuple

import torch

from . import native
from .quantizer import (
    EXPONENT_MASK,
    INFINITY,
    MAGNITUDE_MASK,
    MANTISSA_BITS,
    SIGN_MASK,
    SMALLEST_NORMAL,
    STOCHASTIC,
    check_finite,
    check_type,
    dequantize,
    largest_carry,
    max_exponent,
    quantize_tensor,
    scale_exponent,
)


class Powers(NamedTuple):
    """A quantized tensor: the values of its codes, their width and their scale exponent."""

    values: torch.Tensor
    bits: int
    beta: int


def quantized_values(
    x: torch.Tensor, bits: int, rounding: str, name: str, key: int = 0
) -> torch.Tensor:
    """dequantize(quantize_tensor(x)); a zero may have either sign."""
    return quantized(x, bits, rounding, name, key).values


def quantized(x: torch.Tensor, bits: int, rounding: str, name: str, key: int = 0) -> Powers:
    """quantized_values(), with what its codes would be read by."""
    done = natively(x, bits, rounding, name, key=key)
    return done.powers if done else brought_to(x, checked_largest(x, name), bits, rounding, name, key=key)


class Natively(NamedTuple):
    """What C++ made of a tensor: its powers, and the bits of the largest magnitude, of that less the
    mean, and of the limit to which larger ones were brought."""

    powers: Powers
    largest: int
    moved: int
    limit: int


def natively(
    x: torch.Tensor, bits: int, rounding: str, name: str, *, key: int = 0, corrected: bool = False,
    gamma: float = 0.0,
) -> Optional[Natively]:  # fmt: skip
    """All of it in one call, if C++ can take x. corrected: WBC. gamma: PRC's, if not 0. Refuses what
    quantize_tensor refuses; where `moved` is not finite, there are no powers."""
    check_type(x, name)
    if rounding == STOCHASTIC:
        x = x.contiguous()  # the random numbers are counted in this order
    library = native.library() if x.device.type == "cpu" else None
    if library is None:
        return None
    if not (x.is_contiguous() or _is_dense(x.stride(), x.shape)):
        x = x.detach().neg().neg_()  # a copy, laid out as elementwise operations do
    values, largest, moved, limit, beta = library.quantized_tensor(
        x, bits, rounding, key, corrected, gamma
    )
    check_finite(x, largest, name)
    return Natively(Powers(values, bits, beta), largest, moved, limit)


def checked_largest(x: torch.Tensor, name: str) -> int:
    """The bits of the largest magnitude. Refuses by `name` what quantize_tensor refuses."""
    check_type(x, name)
    largest = largest_magnitude(x)
    check_finite(x, largest, name)
    return largest


def largest_magnitude(x: torch.Tensor, mean: float = 0.0) -> int:
    """The bits of the largest |x - mean|; those of infinity or more if any is not finite."""
    library = _native_for(x)
    if library is not None:
        return library.largest_magnitude(x, mean)
    moved = x.detach() - mean if mean else x.detach()
    return int((moved.view(torch.int32) & MAGNITUDE_MASK).max())


def brought_to(
    x: torch.Tensor,
    largest: int,
    bits: int,
    rounding: str,
    name: str,
    *,
    mean: float = 0.0,
    key: int = 0,
) -> Powers:
    """In PyTorch: the quantized x - mean, where magnitudes above that of the bits `largest` are brought to it;
    `largest` is the largest magnitude, or less."""
    values = _brought_to(x, largest, bits, rounding, name, mean, key)
    return Powers(values, bits, scale_exponent(largest, bits, rounding))


def _brought_to(
    x: torch.Tensor, largest: int, bits: int, rounding: str, name: str, mean: float, key: int
) -> torch.Tensor:
    if rounding == STOCHASTIC:
        x = x.contiguous()  # the random numbers are counted in this order
    moved = x.detach() - mean if mean else x.detach()
    sign = moved.view(torch.int32) & SIGN_MASK
    magnitude = (moved.view(torch.int32) & MAGNITUDE_MASK).clamp_(max=largest)
    carry = largest_carry(rounding)
    top = (largest + carry) & EXPONENT_MASK
    lowest = top - (2 * max_exponent(bits) << MANTISSA_BITS)
    if rounding == STOCHASTIC or lowest <= SMALLEST_NORMAL or top == INFINITY:
        # What is zero is known by its codes: subnormals may count, the top may saturate, or chance decides.
        signed = magnitude.bitwise_or_(sign).view(torch.float32)
        codes, beta = quantize_tensor(signed, bits, rounding, name, key)
        # The layout in memory shows in the order of later sums.
        return torch.empty_like(moved).copy_(dequantize(codes, bits, beta))
    magnitude.add_(carry).bitwise_and_(EXPONENT_MASK)
    # Everything below the lowest exponent, every subnormal among it, becomes zero.
    torch.nn.functional.threshold_(magnitude, lowest - 1, 0)
    return magnitude.bitwise_or_(sign).view(torch.float32)


def significand_sums(x: torch.Tensor) -> List[int]:
    """The sums of the signed significands of x, for each exponent field from 0 to 255 (subnormals
    are of field 1), exact for up to 2^39 elements: in units of 2^(field - 150)."""
    library = _native_for(x)
    if library is not None:
        return library.significand_sums(x)
    pattern = x.detach().view(torch.int32).reshape(-1)
    field = (pattern & MAGNITUDE_MASK) >> MANTISSA_BITS
    significand = pattern & (SMALLEST_NORMAL - 1) | ((field > 0).int() << MANTISSA_BITS)
    signed = torch.where(pattern < 0, -significand, significand).long()
    sums = torch.zeros(256, dtype=torch.int64, device=x.device)
    return sums.index_add_(0, field.clamp_(min=1).long(), signed).tolist()


def above(x: torch.Tensor, limit: int) -> Tuple[torch.Tensor, torch.Tensor]:
    """The flat indices of the elements whose magnitude is above that of the bits `limit`, and their
    signs, +-1."""
    library = _native_for(x) if x.is_contiguous() else None
    if library is not None:
        return library.above(x, limit)
    flat = x.detach().reshape(-1)
    indices = ((flat.view(torch.int32) & MAGNITUDE_MASK) > limit).nonzero()[:, 0]
    return indices, flat[indices].sign()


def _native_for(x: torch.Tensor) -> Optional["native.Library"]:
    """The C++ form, if there is one and it can take x."""
    if x.device.type != "cpu" or not (x.is_contiguous() or _is_dense(x.stride(), x.shape)):
        return None
    return native.library()


def _is_dense(strides: Tuple[int, ...], shape: Tuple[int, ...]) -> bool:
    """Whether elements fill a piece of memory, each once, in whatever order of the axes."""
    expected = 1
    for stride, extent in sorted(zip(strides, shape)):
        if extent != 1:
            if stride != expected:
                return False
            expected *= extent
    return True
