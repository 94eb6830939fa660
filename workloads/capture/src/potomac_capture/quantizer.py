"""ALS-PoTQ: float32 tensors to power-of-two codes and back, exactly.

The C++ quantizer of Potomac gives the same bits. What both agree on:

* **Code of b bits** (3 <= b <= 8), one per uint8. Bit b-1 is the sign; below it lies
  the exponent e as a (b-1)-bit two's complement number in -e_max..e_max, where
  e_max = 2^(b-2) - 1. The one exponent pattern left over, 1 << (b-2), is zero, and its
  sign bit is 0: there is one zero.
* **Rounded logarithm.** x = +-(1 + m / 2^23) * 2^n, subnormals normalised to that form.
  rlog2(x) = n + (m >= T), T = 0x3504F4 for "log2" (the first mantissa above sqrt(2))
  and T = 0x400000 for "linear" (1.5 itself rounds up).
* **"stochastic"** rounds up with probability m / 2^23, so that the expectation of the value is
  x. Below the lowest power L of the tensor's scale, x becomes L with probability |x| / L, else
  zero. The scale is that of the power at or above the largest element, which may round up. The
  random numbers are counted, not drawn: number i of SplitMix64's stream `key` is the element's
  of flat index i.
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

from typing import Optional, Tuple, Union

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
ROUNDINGS = tuple(_CARRY)  # of W and A
STOCHASTIC = "stochastic"
GRADIENT_ROUNDINGS = (*ROUNDINGS, STOCHASTIC)

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


def largest_carry(rounding: str) -> int:
    """The addend that turns the largest magnitude's exponent field into the scale's log2."""
    if rounding == STOCHASTIC:
        return SMALLEST_NORMAL - 1
    try:
        return _CARRY[rounding]
    except KeyError:
        raise ValueError(
            f"rounding is one of {', '.join(GRADIENT_ROUNDINGS)}, not {rounding!r}"
        ) from None


def checked_magnitudes(x: torch.Tensor, name: str) -> Tuple[torch.Tensor, int]:
    """The bit patterns of |x| in a new int32 tensor, and the largest of them.

    Ordering bit patterns of non-negative floats as integers orders the floats, and puts
    infinity and NaN above all: one maximum both scales the tensor and checks it.
    """
    check_type(x, name)
    magnitude = x.detach().view(torch.int32) & MAGNITUDE_MASK
    largest = int(magnitude.max())
    check_finite(x, largest, name)
    return magnitude, largest


def check_type(x: torch.Tensor, name: str) -> None:
    if x.dtype != torch.float32:
        raise TypeError(f"{name}: ALS-PoTQ takes float32, not {x.dtype}")
    if x.numel() == 0:
        raise ValueError(f"{name}: an empty tensor cannot be quantized")


class NotFinite(ValueError):
    """A tensor has an infinity or a NaN."""


def check_finite(x: torch.Tensor, largest: int, name: str) -> None:
    """Refuses a tensor whose largest magnitude has the bits of an infinity or a NaN."""
    if largest >= INFINITY:
        flat = x.detach().reshape(-1)
        index = int((~flat.isfinite()).nonzero()[0])
        raise NotFinite(f"{name}: element {index} (flat index) is {flat[index].item()}")


def rounded_log2(magnitude: torch.Tensor, carry: Union[int, torch.Tensor]) -> torch.Tensor:
    """rlog2 of every non-zero magnitude, as int32 (meaningless where it is zero)."""
    pattern, bias = _normalised(magnitude)
    return ((pattern + carry) >> MANTISSA_BITS) - bias


def scale_exponent(largest: int, bits: int, rounding: str) -> int:
    """beta of a tensor whose largest magnitude has these bits."""
    e_max = max_exponent(bits)
    if largest == 0:
        return 0
    bias = EXPONENT_BIAS
    if largest < SMALLEST_NORMAL:  # as a normal number, like _normalised()
        exponent = largest.bit_length() - 1
        fraction = (largest << (MANTISSA_BITS - exponent)) & (SMALLEST_NORMAL - 1)
        largest = (exponent + EXPONENT_BIAS) << MANTISSA_BITS | fraction
        bias -= _SUBNORMAL_SCALE
    return ((largest + largest_carry(rounding)) >> MANTISSA_BITS) - bias - e_max


def quantize_tensor(
    x: torch.Tensor, bits: int = 5, rounding: str = "log2", name: str = "tensor", key: int = 0
) -> Tuple[torch.Tensor, int]:
    """The codes of x (uint8, of its shape) and beta.

    `name` is what errors call the tensor: an empty one, or one that holds a NaN or an
    infinity, is a ValueError. `key` (64 bits) is the stream of "stochastic" rounding.
    """
    e_max = max_exponent(bits)
    magnitude, largest = checked_magnitudes(x, name)
    beta = scale_exponent(largest, bits, rounding)
    if rounding == STOCHASTIC:
        exponent = _stochastic_log2(magnitude, beta - e_max, key) - beta
    else:
        exponent = rounded_log2(magnitude, largest_carry(rounding)) - beta
    is_zero = (exponent < -e_max) | (magnitude == 0)
    negative = x.detach().view(torch.int32) < 0
    codes = (exponent & ((1 << (bits - 1)) - 1)) | (negative.int() << (bits - 1))
    return codes.masked_fill(is_zero, zero_code(bits)).to(torch.uint8), beta


def _normalised(magnitude: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
    """Magnitudes as patterns of normal numbers, and what is subtracted from their exponent
    field to give log2. (Converting a subnormal's bits to float is exact, and normalises them.)"""
    is_normal = magnitude >= SMALLEST_NORMAL
    pattern = torch.where(is_normal, magnitude, magnitude.to(torch.float32).view(torch.int32))
    of_subnormals = EXPONENT_BIAS - _SUBNORMAL_SCALE
    return pattern, torch.where(is_normal, EXPONENT_BIAS, of_subnormals).int()


def _stochastic_log2(magnitude: torch.Tensor, lowest: int, key: int) -> torch.Tensor:
    """What a magnitude's element becomes by chance; lowest - 1 where that is zero."""
    random = random_bits(key, magnitude.numel(), magnitude.device).reshape(magnitude.shape)
    carry = _shifted_right(random, 64 - MANTISSA_BITS).int()
    pattern, bias = _normalised(magnitude)
    floor = (pattern >> MANTISSA_BITS) - bias
    # A significand over 2^(23 + below) is the probability to become the lowest power.
    below = (lowest - floor).long()
    significand = (pattern & (SMALLEST_NORMAL - 1) | SMALLEST_NORMAL).long()
    at_once = 64 - MANTISSA_BITS
    threshold = torch.where(
        below <= at_once,
        significand << (at_once - below).clamp(0, at_once),
        significand >> (below - at_once).clamp(0, 63),
    )
    # Flipping the top bits compares as if unsigned.
    top = -(1 << 63)
    survives = (random ^ top) < (threshold ^ top)
    return torch.where(
        floor >= lowest, rounded_log2(magnitude, carry), torch.where(survives, lowest, lowest - 1)
    )


def random_bits(key: int, count: int, device: Optional[torch.device] = None) -> torch.Tensor:
    """Numbers 0..count-1 of the stream `key`, as int64: SplitMix64, whose state after i steps is
    key + i * 0x9E37...: multiplication of int64 tensors wraps, as it must."""
    z = torch.arange(1, count + 1, dtype=torch.int64, device=device)
    z.mul_(_signed(0x9E3779B97F4A7C15)).add_(_signed(key))
    z = (z ^ _shifted_right(z, 30)).mul_(_signed(0xBF58476D1CE4E5B9))
    z = (z ^ _shifted_right(z, 27)).mul_(_signed(0x94D049BB133111EB))
    return z ^ _shifted_right(z, 31)


def _shifted_right(z: torch.Tensor, by: int) -> torch.Tensor:
    """The bits as unsigned numbers: zeros come in."""
    return (z >> by) & ((1 << (64 - by)) - 1)


def _signed(pattern: int) -> int:
    pattern &= (1 << 64) - 1
    return pattern - (1 << 64) if pattern >> 63 else pattern


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
