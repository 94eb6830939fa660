"""What a user chooses about ALS-PoTQ training."""

from dataclasses import dataclass
from typing import Optional

from .quantizer import carry_of, max_exponent


@dataclass(frozen=True)
class Config:
    """Options of `quantize`; the defaults are the configuration of the source paper,
    except that it gives the last layer's G one bit more.

    bits: width of the codes of W, A and G.
    last_layer_grad_bits: width of G in the last layer; None means `bits`.
    last_layer: name of that layer; None means the last quantized one in the order in
        which the model registers its modules.
    wbc, prc: weight bias correction and parameterized ratio clipping, on or off.
    rounding: "log2" (switches at sqrt(2) * 2^n) or "linear" (at 1.5 * 2^n).
    gamma: PRC's initial clipping ratio, learned from there in every layer.
    """

    bits: int = 5
    last_layer_grad_bits: Optional[int] = None
    last_layer: Optional[str] = None
    wbc: bool = True
    prc: bool = True
    rounding: str = "log2"
    gamma: float = 0.95

    def __post_init__(self) -> None:
        max_exponent(self.bits)
        if self.last_layer_grad_bits is not None:
            max_exponent(self.last_layer_grad_bits)
        carry_of(self.rounding)
        if not 0.0 < self.gamma <= 1.0:
            raise ValueError(f"PRC's gamma lies in (0, 1], not at {self.gamma}")
