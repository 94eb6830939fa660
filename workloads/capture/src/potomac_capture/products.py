"""Products of tensors whose three GEMMs see only ALS-PoTQ values.

With Q for "quantize and dequantize", one step of a product computes

    forward          y  = op(Q(PRC(A)), Q(WBC(W))) + bias
    backward-data    dA = op^T(Q(G), Q(WBC(W))), straight through Q, zero where PRC clips
    backward-weight  dW = op^T(Q(G), Q(PRC(A))), straight through Q; WBC subtracts a mean,
                     so its gradient does too: dW - mean(dW)

gamma, PRC's clipping ratio, moves every clipped element: its gradient is the sum of
dA * sign(A) * max|A| over them, and comes with that of the weight (ratio_learning.py). Where the
input needs no gradient (a network's first layer) there is no backward-data pass, and none is run for
gamma alone: there gamma keeps its initial value. The bias stays FP32, and its gradient sums G before quantization: that takes
additions only, so quantizing it would save no multiplication. WBC is for weights; where
both operands are computed (attention), W is the second of them, and neither is clipped or
corrected.
"""

import math
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Callable, Dict, Iterator, List, Optional, Protocol, Sequence, Tuple

import torch
from torch.nn import functional

from .quantizer import STOCHASTIC
from .ratio_clipping import Clipped, prc_clip, quantized_clipped
from .ratio_learning import add_gradient
from .values import Powers, quantized
from .weight_bias import quantized_corrected

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
        return replace(self, tensors=())

    def with_tensors(self, tensors: Sequence[torch.Tensor]) -> "Operands":
        return replace(self, tensors=tuple(tensors))


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


@contextmanager
def inside() -> Iterator[None]:
    """What runs here is a product's own computation, and is not intercepted."""
    _state.inside += 1
    try:
        with ExitStack() as stack:
            # Autocast would round the operands, which are exact, and the sums.
            if torch.is_autocast_cpu_enabled():
                stack.enter_context(torch.autocast("cpu", enabled=False))
            if torch.is_autocast_enabled():
                stack.enter_context(torch.autocast("cuda", enabled=False))
            yield
    finally:
        _state.inside -= 1


def inside_product() -> bool:
    """True while a product computes: its operations are quantized already."""
    return _state.inside > 0


class _NoSecondDerivative(torch.autograd.Function):
    """Its gradients may be used, and not differentiated."""

    @staticmethod
    def forward(
        ctx: Any, name: str, anchor: torch.Tensor, *gradients: Optional[torch.Tensor]
    ) -> Tuple[Optional[torch.Tensor], ...]:
        ctx.name = name
        return gradients

    @staticmethod
    def backward(ctx: Any, *_: Any) -> None:
        raise ValueError(
            f"layer {ctx.name!r}: a gradient of its gradient is asked for (create_graph=True), which "
            "quantized products do not have; keep its module in FP32: quantize(model, exclude=[...])"
        )


def _once_differentiable(function: Any) -> Any:
    """PyTorch's own lets second derivatives through, as zero, where no gradient came in that needs
    one."""

    def backward(ctx: Any, g: torch.Tensor) -> Tuple[Any, ...]:
        with torch.no_grad():
            gradients = function(ctx, g)
        if not torch.is_grad_enabled():
            return gradients
        anchor = torch.zeros((), requires_grad=True)
        return _NoSecondDerivative.apply(ctx.how.name, anchor, *gradients)

    return backward


def quantized_product(
    a: torch.Tensor, w: torch.Tensor, bias: Optional[torch.Tensor], gamma: Optional[torch.Tensor],
    product: Product, how: Quantization, use: Optional[Use],
) -> torch.Tensor:  # fmt: skip
    """A product on ALS-PoTQ operands, in both directions."""
    gradient = None
    if torch.is_grad_enabled() and w.requires_grad:
        gradient = _WeightGradient()
        w = _Weight.apply(w, how, gradient)
    return _QuantizedProduct.apply(a, w, bias, gamma, product, how, use, gradient)


class _WeightGradient:
    """How W's gradient is computed, once a backward has come by."""

    compute: Optional[Callable[[], torch.Tensor]] = None


class _Weight(torch.autograd.Function):
    """W on its way into a product. PyTorch runs a backward where its result is asked for, and tells
    Python's functions nothing finer than that: of autograd.grad(y, x) only those from y to x. So the
    backward-weight pass is here, and the product's own backward hands it what it takes."""

    @staticmethod
    def forward(
        ctx: Any, w: torch.Tensor, how: Quantization, gradient: _WeightGradient
    ) -> torch.Tensor:
        ctx.how, ctx.gradient = how, gradient
        return w.detach()

    @staticmethod
    @_once_differentiable
    def backward(ctx: Any, _: torch.Tensor) -> Tuple[Any, ...]:
        compute, ctx.gradient.compute = ctx.gradient.compute, None
        return compute(), None, None


class _QuantizedProduct(torch.autograd.Function):

    @staticmethod
    def forward(
        ctx: Any,
        a: torch.Tensor,
        w: torch.Tensor,
        bias: Optional[torch.Tensor],
        gamma: Optional[torch.Tensor],
        product: Product,
        how: Quantization,
        use: Optional[Use],
        weight_gradient: Optional[_WeightGradient],
    ) -> torch.Tensor:
        ctx.product, ctx.how, ctx.use, ctx.weight_gradient = product, how, use, weight_gradient
        ctx.gamma = gamma
        how.sums.check_operand(how, a)
        with inside():
            terms, clipped = _quantized_activations(a, gamma, how)
            quantize = quantized_corrected if how.wbc else quantized
            wq = quantize(w, how.bits, how.rounding, how.tensor_name("W"))
            operands = how.sums.operands(product, terms, wq)
            ctx.shapes = a.shape, w.shape
            ctx.operands = operands.without_tensors()
            ctx.largest = clipped and clipped.largest
            saved = (clipped.indices, clipped.signs) if clipped else (None, None)
            ctx.save_for_backward(*saved, *operands.tensors)
            return how.sums.forward(product, how, operands, bias, *ctx.shapes)

    @staticmethod
    @_once_differentiable
    def backward(ctx: Any, g: torch.Tensor) -> Tuple[Any, ...]:
        how: Quantization = ctx.how
        # Drawn from PyTorch's generator, as dropout draws: manual_seed makes a run reproducible.
        key = int(torch.empty((), dtype=torch.int64).random_()) if how.draws() else 0
        if ctx.use is not None:
            ctx.use.gradient(g, key)
        # Once, and first: a checkpoint runs the forward again for them.
        indices, signs, *tensors = ctx.saved_tensors
        clipped = indices is not None and Clipped(indices, signs, ctx.largest)
        with inside():
            name = how.tensor_name("G")
            gq = how.sums.gradient(
                ctx.product, quantized(g, how.gradient_bits, how.gradient_rounding, name, key)
            )
            needs_a, needs_w, needs_bias = ctx.needs_input_grad[:3]
            operands = ctx.operands.with_tensors(tensors)
            da = dw = None
            if needs_a:
                da, _ = how.sums.backward(
                    ctx.product, how, gq, operands, (True, False), *ctx.shapes
                )
                if ctx.use is not None:
                    ctx.use.ran("backward-data")
            da, dgamma = _through_clipping(da, clipped or None)
            if needs_w:
                ctx.weight_gradient.compute = partial(
                    _gradient_of_weight, ctx.product, how, gq, operands, ctx.shapes, ctx.use,
                    ctx.gamma, dgamma,
                )  # fmt: skip
                dw = g.new_zeros(()).expand(ctx.shapes[1])  # in its place: see _Weight
            db = ctx.product.bias_gradient(g) if needs_bias else None
        return da, dw, db, None, None, None, None, None


def _gradient_of_weight(
    product: Product, how: Quantization, gq: Operands, operands: Operands,
    shapes: Tuple[torch.Size, torch.Size], use: Optional[Use],
    gamma: Optional[torch.Tensor], dgamma: Optional[torch.Tensor],
) -> torch.Tensor:  # fmt: skip
    with inside():
        if gamma is not None and dgamma is not None:
            add_gradient(gamma, dgamma)
        _, dw = how.sums.backward(product, how, gq, operands, (False, True), *shapes)
        assert dw is not None
        if use is not None:
            use.ran("backward-weight")
        return dw.sub_(dw.mean()) if how.wbc else dw


def _quantized_activations(
    a: torch.Tensor, gamma: Optional[torch.Tensor], how: Quantization
) -> Tuple[List[Powers], Optional[Clipped]]:
    """The terms of Q(PRC(A)), and what PRC has clipped. Of two terms they are Q(x) and
    Q(x - Q(x))."""
    name = how.tensor_name("A")
    clipped = None
    if gamma is None:
        aq = quantized(a, how.bits, how.rounding, name)
    else:
        aq, clipped = quantized_clipped(a, float(gamma), how.bits, how.rounding, name)
    terms = [aq]
    if how.activation_terms == 2:
        rest = (a if gamma is None else prc_clip(a, gamma, name)) - aq.values
        terms.append(quantized(rest, how.bits, how.rounding, name))
    return terms, clipped


def _through_clipping(
    da: Optional[torch.Tensor], clipped: Optional[Clipped]
) -> Gradients:
    """The gradients of A and gamma, from that of PRC(A)."""
    if da is None or clipped is None:
        return da, None
    flat = da.reshape(-1)
    dgamma = torch.dot(flat[clipped.indices], clipped.signs) * clipped.largest
    return flat.index_fill_(0, clipped.indices, 0.0).view(da.shape), dgamma
