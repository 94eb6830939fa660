"""ALS-PoTQ: float32 tensors to power-of-two codes and back, exactly.

The C++ quantizer of Potomac gives the same bits. What both agree on:

* **Code of b bits** (3 <= b <= 8), one per uint8. Bit b-1 is the sign; below it lies
  the exponent e as a (b-1)-bit two's complement number in -e_max..e_max, where
  e_max = 2^(b-2) - 1. The one exponent pattern left over, 1 << (b-2), is zero, and its
  sign bit is 0: there is one zero.
* **Rounded logarithm.** x = +-(1 + m / 2^23) * 2^n, subnormals normalised to that form.
  rlog2(x) = n + (m >= T), T = 0x3504F4 for "log2" (the first mantissa above sqrt(2))
  and T = 0x400000 for "linear" (1.5 itself rounds up).
* **Scale.** beta = rlog2(max|x|) - e_max and e = rlog2(x) - beta, so that the largest
  element always has e = e_max. e < -e_max becomes zero. A tensor of zeros has zero codes
  and beta = 0.
* **Value** = +-2^(e + beta). Where that is 2^128 (it happens when the largest element
  rounds up past the float32 range) codes and beta stay exact, and dequantization gives
  the largest finite float32 of that sign.

All of it is integer arithmetic on the bit pattern: in hardware, one comparison of the
mantissa with a constant and one subtraction of exponents. The sum
`magnitude + (2^23 - T)` is that comparison, for its carry into the exponent field is
(m >= T); the exponent field of the sum is the rounded, biased logarithm.
"""

from typing import Optional, Tuple

import torch

MANTISSA_BITS = 23
EXPONENT_BIAS = 127
SIGN_MASK = -(1 << 31)
MAGNITUDE_MASK = (1 << 31) - 1
EXPONENT_MASK = 0xFF << MANTISSA_BITS
SMALLEST_NORMAL = 1 << MANTISSA_BITS
INFINITY = 0x7F800000
LARGEST_FINITE = INFINITY - 1

# Added to a magnitude, these carry into the exponent exactly when m >= T.
_CARRY = {"log2": (1 << 23) - 0x3504F4, "linear": (1 << 23) - 0x400000}
ROUNDINGS = tuple(_CARRY)

# A subnormal is its magnitude bits times 2^-149.
_SUBNORMAL_SCALE = -149


def max_exponent(bits: int) -> int:
    """e_max of a b-bit code; refuses a width that no code has."""
    if not 3 <= bits <= 8:
        raise ValueError(f"a PoT code has 3 to 8 bits, not {bits}")
    return (1 << (bits - 2)) - 1


def zero_code(bits: int) -> int:
    """The only code of the value zero."""
    return max_exponent(bits) + 1


def carry_of(rounding: str) -> int:
    """The addend that turns a magnitude's exponent field into its rounded log2."""
    try:
        return _CARRY[rounding]
    except KeyError:
        raise ValueError(
            f"rounding is one of {', '.join(ROUNDINGS)}, not {rounding!r}"
        ) from None


def magnitudes(x: torch.Tensor, name: str) -> Tuple[torch.Tensor, int]:
    """The bit patterns of |x| in a new int32 tensor, and the largest of them.

    Ordering bit patterns of non-negative floats as integers orders the floats, and puts
    infinity and NaN above all: one maximum both scales the tensor and checks it.
    """
    if x.dtype != torch.float32:
        raise TypeError(f"{name}: ALS-PoTQ takes float32, not {x.dtype}")
    if x.numel() == 0:
        raise ValueError(f"{name}: an empty tensor cannot be quantized")
    magnitude = x.detach().view(torch.int32) & MAGNITUDE_MASK
    largest = int(magnitude.max())
    if largest >= INFINITY:
        index = int((magnitude.reshape(-1) >= INFINITY).nonzero()[0])
        value = x.detach().reshape(-1)[index].item()
        raise ValueError(f"{name}: element {index} (flat index) is {value}")
    return magnitude, largest


def rounded_log2(magnitude: torch.Tensor, rounding: str) -> torch.Tensor:
    """rlog2 of every non-zero magnitude, as int32 (meaningless where it is zero)."""
    carry = carry_of(rounding)
    # Converting a subnormal's bits to float is exact (below 2^24) and normalises them.
    normalised = magnitude.to(torch.float32).view(torch.int32)
    of_normals = ((magnitude + carry) >> MANTISSA_BITS) - EXPONENT_BIAS
    of_subnormals = ((normalised + carry) >> MANTISSA_BITS) - EXPONENT_BIAS
    return torch.where(
        magnitude >= SMALLEST_NORMAL, of_normals, of_subnormals + _SUBNORMAL_SCALE
    )


def scale_exponent(largest: int, bits: int, rounding: str) -> int:
    """beta of a tensor whose largest magnitude has these bits."""
    e_max = max_exponent(bits)
    if largest == 0:
        return 0
    return int(rounded_log2(torch.tensor(largest, dtype=torch.int32), rounding)) - e_max


def quantize_tensor(
    x: torch.Tensor, bits: int = 5, rounding: str = "log2", name: str = "tensor"
) -> Tuple[torch.Tensor, int]:
    """The codes of x (uint8, of its shape) and beta.

    `name` is what errors call the tensor: an empty one, or one that holds a NaN or an
    infinity, is a ValueError.
    """
    e_max = max_exponent(bits)
    magnitude, largest = magnitudes(x, name)
    beta = scale_exponent(largest, bits, rounding)
    exponent = rounded_log2(magnitude, rounding) - beta
    is_zero = (exponent < -e_max) | (magnitude == 0)
    negative = x.detach().view(torch.int32) < 0
    codes = (exponent & ((1 << (bits - 1)) - 1)) | (negative.int() << (bits - 1))
    return codes.masked_fill(is_zero, zero_code(bits)).to(torch.uint8), beta


def dequantize(codes: torch.Tensor, bits: int, beta: int) -> torch.Tensor:
    """The float32 values of canonical codes: +-2^(e + beta), exact, or saturated.

    Every finite float32 power of two comes out exact, subnormal ones too. 2^128 and
    above becomes the largest finite float32; below 2^-149, where no quantized float32
    lies, the magnitude is 2^-149: only the zero code is zero.
    """
    zero = zero_code(bits)
    code = codes.to(torch.int32)
    sign = (code >> (bits - 1)) & 1
    pattern = code & ((1 << (bits - 1)) - 1)
    # XOR and subtraction of the top bit extend a two's complement sign.
    exponent = (pattern ^ zero) - zero + beta
    normal = (exponent + EXPONENT_BIAS).clamp(1, 255) << MANTISSA_BITS
    subnormal = torch.ones_like(code) << (exponent - _SUBNORMAL_SCALE).clamp(0, 22)
    magnitude = torch.where(exponent > -EXPONENT_BIAS, normal, subnormal)
    magnitude.clamp_(max=LARGEST_FINITE)
    magnitude.masked_fill_(pattern == zero, 0)
    return (magnitude | sign * SIGN_MASK).view(torch.float32)


def quantized_values(
    x: torch.Tensor,
    bits: int,
    rounding: str,
    name: str,
    magnitude: Optional[torch.Tensor] = None,
    largest: Optional[int] = None,
) -> torch.Tensor:
    """dequantize(quantize_tensor(x)) in a few in-place passes, for the training loop.

    The values are the same; a zero may keep its element's sign.
    A caller that has changed the magnitudes of x (PRC clips them) passes its own, which
    are overwritten, together with their largest; the signs are those of x.
    """
    if magnitude is None or largest is None:
        magnitude, largest = magnitudes(x, name)
    carry = carry_of(rounding)
    top = (largest + carry) & EXPONENT_MASK
    lowest = top - (2 * max_exponent(bits) << MANTISSA_BITS)
    sign = x.detach().view(torch.int32) & SIGN_MASK
    if lowest <= SMALLEST_NORMAL or top == INFINITY:
        # Subnormals may count, or the top may saturate: the general path handles both.
        signed = magnitude.bitwise_or_(sign).view(torch.float32)
        codes, beta = quantize_tensor(signed, bits, rounding, name)
        return dequantize(codes, bits, beta)
    magnitude.add_(carry).bitwise_and_(EXPONENT_MASK)
    # Everything below the lowest exponent, every subnormal among it, becomes zero.
    torch.nn.functional.threshold_(magnitude, lowest - 1, 0)
    return magnitude.bitwise_or_(sign).view(torch.float32)
