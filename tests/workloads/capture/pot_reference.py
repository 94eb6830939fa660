"""ALS-PoTQ and WBC written a second time: slow, in rational numbers, from the words of
the definition. The tests compare the package with it."""

import struct
from fractions import Fraction
from typing import List, Optional, Tuple


def float_of_bits(bits: int) -> float:
    return struct.unpack("<f", struct.pack("<I", bits))[0]


def bits_of_float(value: float) -> int:
    return struct.unpack("<I", struct.pack("<f", value))[0]


def floor_log2(value: Fraction) -> int:
    n = value.numerator.bit_length() - value.denominator.bit_length()
    return n if Fraction(2) ** n <= value else n - 1


def rounded_log2(value: Fraction, rounding: str) -> int:
    n = floor_log2(value)
    significand = value / Fraction(2) ** n
    if rounding == "log2":  # above sqrt(2), which no rational equals
        return n + (significand * significand > 2)
    return n + (significand >= Fraction(3, 2))


def quantize(
    values: List[float], bits: int, rounding: str
) -> Tuple[List[int], int, List[Optional[Fraction]]]:
    """Codes, beta, and the exact dequantized values."""
    e_max = 2 ** (bits - 2) - 1
    exact = [Fraction(v) for v in values]
    largest = max(abs(v) for v in exact)
    beta = rounded_log2(largest, rounding) - e_max if largest else 0
    codes, dequantized = [], []
    for v in exact:
        e = rounded_log2(abs(v), rounding) - beta if v else -e_max - 1
        if e < -e_max:
            codes.append(2 ** (bits - 2))
            dequantized.append(Fraction(0))
            continue
        codes.append((2 ** (bits - 1) if v < 0 else 0) + e % 2 ** (bits - 1))
        dequantized.append((-1 if v < 0 else 1) * Fraction(2) ** (e + beta))
    return codes, beta, dequantized


def to_binary32(value: Fraction) -> float:
    """The nearest binary32, ties to even: the neighbours of a quantum are compared."""
    if value == 0:
        return 0.0
    quantum = Fraction(2) ** max(floor_log2(abs(value)) - 23, -149)
    low = value // quantum
    rest = value / quantum - low
    up = rest > Fraction(1, 2) or (rest == Fraction(1, 2) and low % 2 == 1)
    return float((low + up) * quantum)


def mean(values: List[float]) -> float:
    return to_binary32(sum(map(Fraction, values), Fraction(0)) / len(values))
