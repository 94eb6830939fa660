"""The engines on NumPy arrays: codes, and products of matrices of codes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Optional, Tuple, Union

from . import _native
from ._machine import Accumulator
from ._native import InputError
from ._paths import checked_progress, integer_of, threads_of
from ._workload import Layer, checked_array

if TYPE_CHECKING:
    import numpy

_SCALES = (-2048, 2048)


def quantize_values(
    values: "numpy.ndarray", bits: int = 5, rounding: str = "log2", key: int = 0
) -> Tuple["numpy.ndarray", int]:
    """ALS-PoTQ: float32 values of any shape to codes of `bits` bits, and their scale.

    A code is a byte: a sign bit over an exponent of bits - 1 bits; its value +-2^(e + scale).
    rounding: "log2", "linear", or "stochastic", whose random numbers are those of `key`.
    """
    checked_array(values, "float32", None, "values")
    return _native.quantize(values, bits, rounding, integer_of(key, "key", 0, 2**64 - 1))


def dequantize_codes(codes: "numpy.ndarray", bits: int = 5, scale: int = 0) -> "numpy.ndarray":
    """The float32 values +-2^(e + scale) that codes stand for."""
    checked_array(codes, "uint8", None, "codes")
    return _native.decoded(codes, bits, integer_of(scale, "scale", *_SCALES))


@dataclass(frozen=True)
class GemmResult:
    """A product of matrices, as the machine sums it.

    acc: int64 accumulators [M,N] (or [B,M,N]); a result's value is acc * 2^exponent.
    overflows: additions whose sum left the accumulator's range. dropped: products that lie below
    its lowest bit, and are never added.
    """

    acc: "numpy.ndarray"
    exponent: int
    overflows: int
    dropped: int

    def values(self) -> "numpy.ndarray":
        """float32(acc * 2^exponent), rounded once, to nearest even."""
        return _native.values_of_sums(self.acc, self.exponent)


def gemm(
    a: "numpy.ndarray",
    b: "numpy.ndarray",
    accumulator: Optional[Accumulator] = None,
    *,
    bits: Union[int, Tuple[int, int]] = 5,
    scales: Tuple[int, int] = (0, 0),
    engine: str = "fast",
    threads: int = 0,
    progress: Any = None,
) -> GemmResult:
    """a [M,K] times b [K,N] (or [B,M,K] times [B,K,N]), each sum in the order of K.

    a, b: uint8 arrays of codes; or float32 arrays whose values are +-2^(e + scale) or 0, as
    quantizing yields them. C-contiguous. Neither codes nor sums are copied.
    accumulator: its width, lowest bit and overflow rule. Default: 32 bits, exact, wrap.
    bits, scales: of a and b.
    engine: "fast", or "systemc", which steps through every PE of a 16 x 16 array.
    """
    how = _summing(accumulator, engine, threads)
    widths = _pair((bits, bits) if isinstance(bits, int) else bits, "bits", 0, 64)
    exponents = _pair(scales, "scales", *_SCALES)
    first = _codes(a, widths[0], exponents[0], "a")
    second = _codes(b, widths[1], exponents[1], "b")
    if first.ndim != second.ndim or first.ndim not in (2, 3):
        raise InputError(f"a, b: they have {first.ndim} and {second.ndim} axes; "
                         "give both 2, or both 3")  # fmt: skip
    flat = first.ndim == 2
    if flat:
        first, second = first[None], second[None]
    if first.shape[2] != second.shape[1] or first.shape[0] != second.shape[0]:
        raise InputError(f"a, b: the shapes {list(a.shape)} and {list(b.shape)} do not fit; "
                         "a's last extent must be b's last but one")  # fmt: skip
    if 0 in first.shape or 0 in second.shape:
        raise InputError("a, b: an extent is 0; every one must be at least 1")
    acc, exponent, overflows, dropped = _native.gemm(
        first, second, widths, exponents, how, checked_progress(progress)
    )
    return GemmResult(acc[0] if flat else acc, exponent, overflows, dropped)


def layer_sums(
    layer: Layer,
    pass_name: str = "forward",
    accumulator: Optional[Accumulator] = None,
    *,
    engine: str = "fast",
    threads: int = 0,
    progress: Any = None,
) -> GemmResult:
    """What the machine's accumulators hold at the end of one pass of a layer with codes.

    pass_name: "forward", "backward-data" or "backward-weight". The result is the pass's [M,N]
    (docs/layers.md), with an axis in front for a matmul's batches and a convolution's groups: what
    `potomac run --dump-outputs` writes of it. accumulator, engine: as of `gemm`.
    """
    if not isinstance(layer, Layer):
        raise InputError(f"layer: a {type(layer).__name__} is none; give potomac.Layer")
    acc, exponent, overflows, dropped = _native.pass_sums(
        layer._made(), pass_name, _summing(accumulator, engine, threads),
        checked_progress(progress),
    )  # fmt: skip
    stacked = len(acc) > 1 or layer.kind == "matmul"
    return GemmResult(acc if stacked else acc[0], exponent, overflows, dropped)


def _summing(accumulator: Optional[Accumulator], engine: str, threads: int) -> "_native.Summing":
    accumulator = Accumulator() if accumulator is None else accumulator
    if not isinstance(accumulator, Accumulator):
        raise InputError(f"accumulator: a {type(accumulator).__name__} is none; "
                         "give potomac.Accumulator")  # fmt: skip
    lsb = "exact" if accumulator.lsb is None else accumulator.lsb
    if not isinstance(lsb, str):
        lsb = integer_of(lsb, "accumulator.lsb", -256, 256)
    return _native.Summing(
        integer_of(accumulator.bits, "accumulator.bits", 8, 64), lsb, accumulator.overflow, engine,
        threads_of(threads),
    )  # fmt: skip


def _pair(numbers: Any, what: str, low: int, high: int) -> Tuple[int, int]:
    """Two whole numbers, of a and of b."""
    try:
        first, second = numbers
    except (TypeError, ValueError):
        raise InputError(f"{what}: {numbers!r} is not two numbers; give a's and b's") from None
    return integer_of(first, what, low, high), integer_of(second, what, low, high)


def _codes(array: Any, bits: int, scale: int, name: str) -> "numpy.ndarray":
    if str(getattr(array, "dtype", "")) == "float32":
        checked_array(array, "float32", None, name)
        return _native.encoded(array, bits, scale, name)
    checked_array(array, "uint8", None, name)
    return array
