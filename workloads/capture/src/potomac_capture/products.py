"""The kinds of product, and what sums them.

Products of tensors come in three kinds (linear, matmul, convolution), each with its two backward
passes. `Sums` computes them, in FP32 or as a machine does.
"""

import math
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Protocol, Sequence, Tuple

import torch
from torch.nn import functional

from .quantizer import STOCHASTIC, dequantize
from .values import Powers

PASSES = ("forward", "backward-data", "backward-weight")

Gradients = Tuple[Optional[torch.Tensor], Optional[torch.Tensor]]
TraceAttributes = Dict[str, Any]


@dataclass(frozen=True)
class Quantization:
    """How one product is quantized, and what messages and traces call it."""

    name: str
    bits: int
    gradient_bits: int
    rounding: str
    gradient_rounding: str
    activation_terms: int
    wbc: bool
    gamma_step: float
    second_derivatives: bool
    passes_nonfinite: bool  # gradients that are not finite
    sums: "Sums"

    def draws(self) -> bool:
        return self.gradient_rounding == STOCHASTIC

    def tensor_name(self, role: str) -> str:
        """What error messages call this product's W, A or G."""
        return f"layer {self.name!r}, {role}"


class Use(Protocol):
    """What watches one product while a step is captured."""

    def result(self, y: torch.Tensor) -> None:
        """Sees the product's output, once it is there."""

    def gradient(self, g: torch.Tensor, key: int) -> None:
        """Sees the gradient of the product's output, and the key of its rounding."""

    def ran(self, which: str) -> None:
        """Called behind each backward pass that ran."""


class Product(Protocol):
    """One of the three kinds: what it computes of operands, whatever their values."""

    kind: str  # as in a trace

    def forward(self, a: torch.Tensor, w: torch.Tensor, bias: Any) -> torch.Tensor: ...

    def output_shape(self, a: torch.Size, w: torch.Size) -> Tuple[int, ...]: ...

    def macs(self, a: torch.Size, w: torch.Size) -> int:
        """Of the forward; a convolution's with those of its padding."""

    def add_bias(self, y: torch.Tensor, bias: torch.Tensor) -> torch.Tensor: ...

    def backward(
        self, g: torch.Tensor, a: torch.Tensor, w: torch.Tensor, needs: Tuple[bool, bool]
    ) -> Gradients:
        """dA and dW, as far as they are needed."""

    def bias_gradient(self, g: torch.Tensor) -> torch.Tensor: ...

    def attributes(self) -> TraceAttributes:
        """The kind's own attributes in a trace."""

    def traced(self, tensor: torch.Tensor) -> torch.Tensor:
        """W, A or G in the shape that a trace holds it in."""


@dataclass(frozen=True)
class Operands:
    """The quantized operands of one product, as its sums take them: A's terms, then W. `scales`:
    bits and beta of each, where the tensors are codes."""

    tensors: Tuple[torch.Tensor, ...]
    scales: Tuple[Tuple[int, int], ...] = ()

    def without_tensors(self) -> "Operands":
        """What autograd does not keep."""
        return Operands((), self.scales)

    def with_tensors(self, tensors: Sequence[torch.Tensor]) -> "Operands":
        return Operands(tuple(tensors), self.scales)

    def values(self) -> Tuple[torch.Tensor, ...]:
        """What they stand for: A, the sum of its terms, and W; or G alone. New tensors."""
        values = [tensor.detach() for tensor in self.tensors]
        if self.scales:
            values = [dequantize(codes, *scale) for codes, scale in zip(values, self.scales)]
        return (values[0],) if len(values) == 1 else (sum(values[1:-1], values[0]), values[-1])


# An accumulator as traces have it: bits (0: sums of binary32), lsb, whether it saturates.
Accumulator = Tuple[int, int, bool]
FP32_SUMS: Accumulator = (0, 0, False)


class Sums(Protocol):
    """How products are summed: in FP32, or as a machine does (accumulators.py)."""

    def accumulator(self, name: str, which: str) -> Accumulator:
        """That with which a pass of this layer was last summed."""

    def check_operand(self, how: Quantization, tensor: torch.Tensor) -> None:
        """Refuses what it cannot sum."""

    def operands(self, product: Product, terms: List[Powers], w: Powers) -> Operands: ...

    def gradient(self, product: Product, g: Powers) -> Operands:
        """G as both of its passes take it."""

    def forward(
        self, product: Product, how: Quantization, operands: Operands, bias: Any,
        a_shape: torch.Size, w_shape: torch.Size,
    ) -> torch.Tensor: ...  # fmt: skip

    def backward(
        self, product: Product, how: Quantization, g: Operands, operands: Operands,
        needs: Tuple[bool, bool], a_shape: torch.Size, w_shape: torch.Size,
    ) -> Gradients: ...  # fmt: skip


class Fp32Sums:
    """PyTorch's own."""

    def accumulator(self, name: str, which: str) -> Accumulator:
        return FP32_SUMS

    def check_operand(self, how: Quantization, tensor: torch.Tensor) -> None:
        pass

    def operands(self, product: Product, terms: List[Powers], w: Powers) -> Operands:
        aq = terms[0].values
        for term in terms[1:]:
            aq += term.values
        return Operands((aq, w.values))

    def gradient(self, product: Product, g: Powers) -> Operands:
        return Operands((g.values,))

    def forward(
        self, product: Product, how: Quantization, operands: Operands, bias: Any,
        a_shape: torch.Size, w_shape: torch.Size,
    ) -> torch.Tensor:  # fmt: skip
        return product.forward(*operands.tensors, bias)

    def backward(
        self, product: Product, how: Quantization, g: Operands, operands: Operands,
        needs: Tuple[bool, bool], a_shape: torch.Size, w_shape: torch.Size,
    ) -> Gradients:  # fmt: skip
        return product.backward(*g.tensors, *operands.tensors, needs)


class LinearProduct:
    """a [..., I] times w [O, I]."""

    kind = "linear"

    def forward(self, a: torch.Tensor, w: torch.Tensor, bias: Any) -> torch.Tensor:
        return functional.linear(a, w, bias)

    def output_shape(self, a: torch.Size, w: torch.Size) -> Tuple[int, ...]:
        return (*a[:-1], w[0])

    def macs(self, a: torch.Size, w: torch.Size) -> int:
        return a.numel() * w[0]

    def add_bias(self, y: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        return y + bias

    def backward(
        self, g: torch.Tensor, a: torch.Tensor, w: torch.Tensor, needs: Tuple[bool, bool]
    ) -> Gradients:
        da = g.matmul(w) if needs[0] else None
        dw = self.traced(g).t().matmul(self.traced(a)) if needs[1] else None
        return da, dw

    def bias_gradient(self, g: torch.Tensor) -> torch.Tensor:
        return self.traced(g).sum(0)

    def attributes(self) -> TraceAttributes:
        return {}

    def traced(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.reshape(-1, tensor.shape[-1])


class MatmulProduct:
    """a [B, M, K] times w [B, K, N]."""

    kind = "matmul"

    def forward(self, a: torch.Tensor, w: torch.Tensor, bias: Any) -> torch.Tensor:
        return torch.bmm(a, w)

    def output_shape(self, a: torch.Size, w: torch.Size) -> Tuple[int, ...]:
        return (*a[:-1], w[-1])

    def macs(self, a: torch.Size, w: torch.Size) -> int:
        return a.numel() * w[-1]

    def add_bias(self, y: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        raise AssertionError("a matmul has no bias")

    def backward(
        self, g: torch.Tensor, a: torch.Tensor, w: torch.Tensor, needs: Tuple[bool, bool]
    ) -> Gradients:
        da = torch.bmm(g, w.transpose(1, 2)) if needs[0] else None
        dw = torch.bmm(a.transpose(1, 2), g) if needs[1] else None
        return da, dw

    def bias_gradient(self, g: torch.Tensor) -> torch.Tensor:
        raise AssertionError("a matmul has no bias")

    def attributes(self) -> TraceAttributes:
        return {}

    def traced(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor


@dataclass(frozen=True)
class ConvolutionProduct:
    """a [B, C, H, W] with w [O, C/groups, kh, kw], or transposed, [C, O/groups, kh, kw]; with a
    third spatial axis before the two in conv3d.

    `behind`: rows, columns and planes of zeros at the end of the input, beyond `padding` on
    all sides: an uneven padding='same' has some.
    """

    stride: Tuple[int, ...]
    padding: Tuple[int, ...]
    dilation: Tuple[int, ...]
    groups: int
    transposed: bool
    output_padding: Tuple[int, ...]
    behind: Tuple[int, ...]

    @property
    def kind(self) -> str:
        return f"conv{'_transpose' if self.transposed else ''}{len(self.stride)}d"

    def forward(self, a: torch.Tensor, w: torch.Tensor, bias: Any) -> torch.Tensor:
        return torch.ops.aten.convolution(self._padded(a), w, bias, *self._geometry())

    def output_shape(self, a: torch.Size, w: torch.Size) -> Tuple[int, ...]:
        sides = zip(
            a[2:], w[2:], self.stride, self.padding, self.dilation, self.output_padding, self.behind
        )
        if self.transposed:
            return (
                a[0],
                w[1] * self.groups,
                *((n - 1) * s - 2 * p + d * (k - 1) + o + 1 for n, k, s, p, d, o, _ in sides),
            )
        return (
            a[0], w[0], *((n + 2 * p + b - d * (k - 1) - 1) // s + 1 for n, k, s, p, d, _, b in sides)
        )  # fmt: skip

    def macs(self, a: torch.Size, w: torch.Size) -> int:
        rows = a if self.transposed else self.output_shape(a, w)
        return math.prod(rows) // rows[1] * w.numel()

    def add_bias(self, y: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        return y + bias.reshape(-1, *(1 for _ in self.stride))

    def backward(
        self, g: torch.Tensor, a: torch.Tensor, w: torch.Tensor, needs: Tuple[bool, bool]
    ) -> Gradients:
        da, dw, _ = torch.ops.aten.convolution_backward(
            g, self._padded(a), w, None, *self._geometry(), [*needs, False]
        )
        if needs[0] and any(self.behind):
            for axis, extent in enumerate(a.shape[2:], 2):
                da = da.narrow(axis, 0, extent)
        return (da if needs[0] else None), dw

    def bias_gradient(self, g: torch.Tensor) -> torch.Tensor:
        return g.sum((0, *range(2, g.dim())))

    def attributes(self) -> TraceAttributes:
        padding = self.padding
        if any(self.behind):
            padding = (*padding, *(p + b for p, b in zip(padding, self.behind)))
        return {
            "stride": self.stride,
            "padding": padding,
            "dilation": self.dilation,
            "groups": self.groups,
        }

    def traced(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor

    def _padded(self, a: torch.Tensor) -> torch.Tensor:
        if not any(self.behind):
            return a
        return functional.pad(a, [side for rest in reversed(self.behind) for side in (0, rest)])

    def _geometry(self) -> Tuple[Any, ...]:
        return (
            self.stride,
            self.padding,
            self.dilation,
            self.transposed,
            self.output_padding,
            self.groups,
        )


class _State(threading.local):
    """Of a thread: whether the operations that run are a product's own, on quantized values."""

    inside = 0


_state = _State()


class inside:  # noqa: N801  (a context; of a class, as it is entered several times a product)
    """What runs here is a product's own computation, and is not intercepted."""

    _without_autocast: Optional[ExitStack] = None

    def __enter__(self) -> None:
        _state.inside += 1
        # Autocast would round the operands, which are exact, and the sums.
        for device, is_on in (
            ("cpu", torch.is_autocast_cpu_enabled()), ("cuda", torch.is_autocast_enabled())
        ):  # fmt: skip
            if is_on:
                self._without_autocast = self._without_autocast or ExitStack()
                self._without_autocast.enter_context(torch.autocast(device, enabled=False))

    def __exit__(self, *_: Any) -> None:
        _state.inside -= 1
        if self._without_autocast is not None:
            self._without_autocast.close()


def inside_product() -> bool:
    """True while a product computes: its operations are quantized already."""
    return _state.inside > 0
