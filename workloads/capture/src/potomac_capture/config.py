"""What a user chooses about ALS-PoTQ training."""

from dataclasses import dataclass
from typing import Optional

from .quantizer import GRADIENT_ROUNDINGS, ROUNDINGS, max_exponent


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
    gradient_rounding: that of G; "stochastic" too, which is unbiased. None means `rounding`.
    activation_terms: powers of two that an activation is the sum of, 1 or 2. With 2, the products
        with A take twice the additions: Q(A) and Q(A - Q(A)) are multiplied one after the other.
    gamma: PRC's initial clipping ratio, learned from there in every layer.
    gamma_step: by how much gamma moves each time that its layer's weight does; 0: it is left to an
        optimizer of yours, over pc.gammas(model).
    nonfinite_gradients: "refuse", or "pass": a G with an infinity or a NaN gives gradients of NaN, in which
        a GradScaler sees that its scale was too large, and skips the step.
    second_derivatives: gradients of gradients (create_graph=True) are there, straight through the
        quantizer and in FP32; FP32 operands are kept for them.
    """

    bits: int = 5
    last_layer_grad_bits: Optional[int] = None
    last_layer: Optional[str] = None
    wbc: bool = True
    prc: bool = True
    rounding: str = "log2"
    gradient_rounding: Optional[str] = None
    activation_terms: int = 1
    gamma: float = 0.95
    gamma_step: float = 1e-4
    nonfinite_gradients: str = "refuse"
    second_derivatives: bool = False

    def __post_init__(self) -> None:
        max_exponent(self.bits)
        if self.last_layer_grad_bits is not None:
            max_exponent(self.last_layer_grad_bits)
        if self.rounding not in ROUNDINGS:
            raise ValueError(f"rounding is one of {', '.join(ROUNDINGS)}, not {self.rounding!r}")
        if self.gradient_rounding not in (None, *GRADIENT_ROUNDINGS):
            raise ValueError(
                f"gradient_rounding is one of {', '.join(GRADIENT_ROUNDINGS)}, or None, not "
                f"{self.gradient_rounding!r}"
            )
        if self.activation_terms not in (1, 2):
            raise ValueError(f"activation_terms is 1 or 2, not {self.activation_terms!r}")
        if not 0.0 < self.gamma <= 1.0:
            raise ValueError(f"PRC's gamma lies in (0, 1], not at {self.gamma}")
        if self.nonfinite_gradients not in ("refuse", "pass"):
            raise ValueError(
                f"nonfinite_gradients is refuse or pass, not {self.nonfinite_gradients!r}"
            )
        if not 0.0 <= self.gamma_step <= 1.0:
            raise ValueError(f"gamma_step lies in [0, 1], not at {self.gamma_step}")
