"""Products of tensors whose three GEMMs see only ALS-PoTQ values.

With Q for "quantize and dequantize", one step of a product computes

    forward          y  = op(Q(PRC(A)), Q(WBC(W))) + bias
    backward-data    dA = op^T(Q(G), Q(WBC(W))), straight through Q, zero where PRC clips
    backward-weight  dW = op^T(Q(G), Q(PRC(A))), straight through Q; WBC subtracts a mean,
                     so its gradient does too: dW - mean(dW)

gamma, PRC's clipping ratio, moves every clipped element: its gradient is the sum of
dA * sign(A) * max|A| over them, and comes with that of the weight (ratio_learning.py). Where the
input needs no gradient (a network's first layer) there is no backward-data pass, and none is run for
gamma alone: there gamma keeps its initial value. The bias stays FP32, and its gradient sums G before
quantization: that takes additions only, so quantizing it would save no multiplication. WBC is for
weights; where both operands are computed (attention), W is the second of them, and neither is clipped
or corrected.
"""

import math
from functools import partial
from typing import Any, Callable, List, Optional, Tuple

import torch

from .products import Gradients, Operands, Product, Quantization, Use, inside
from .quantizer import NotFinite
from .ratio_clipping import Clipped, prc_clip, quantized_clipped
from .ratio_learning import add_gradient
from .second_derivative import GradientGraph, only_once
from .values import Powers, quantized
from .weight_bias import quantized_corrected


def quantized_product(
    a: torch.Tensor, w: torch.Tensor, bias: Optional[torch.Tensor], gamma: Optional[torch.Tensor],
    product: Product, how: Quantization, use: Optional[Use],
) -> torch.Tensor:  # fmt: skip
    """A product on ALS-PoTQ operands, in both directions."""
    exact = use is not None or how.second_derivatives
    a, of_a = _on_its_way(a, how) if exact else (a, None)
    w, of_w = _on_its_way(w, how) if exact or gamma is not None else (w, None)
    tickets = of_a and of_a.ticket, of_w and of_w.ticket
    return _QuantizedProduct.apply(a, w, bias, *tickets, gamma, product, how, use, of_a, of_w)


class _Gradient:
    """How an operand's gradient is computed, once a backward has come by; and its graph, for
    derivatives of it."""

    compute: Callable[[], torch.Tensor]
    graph: Optional[Callable[[torch.Tensor], torch.Tensor]] = None
    ticket: torch.Tensor


def _on_its_way(x: torch.Tensor, how: Quantization) -> Tuple[torch.Tensor, Optional[_Gradient]]:
    if not (torch.is_grad_enabled() and x.requires_grad):
        return x, None
    gradient = _Gradient()
    x, gradient.ticket = _Operand.apply(x, how, gradient)
    return x, gradient


class _Operand(torch.autograd.Function):
    """A or W on its way into a product. PyTorch runs a backward where its result is asked for, and
    tells Python's functions nothing finer than that: of autograd.grad(y, x) only those from y to x.
    So each of a product's backward passes is here, and the product's own backward hands it what it
    takes, and a ticket. Where it shows: in captures, in second derivatives, and of W in what gamma
    learns. Else the product's own backward runs both, if one of them in vain."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, how: Quantization, gradient: _Gradient
    ) -> Tuple[torch.Tensor, torch.Tensor]:
        ctx.how, ctx.gradient = how, gradient
        ctx.set_materialize_grads(False)
        return x.detach(), x.new_empty(())

    @staticmethod
    def backward(
        ctx: Any, of_second: Optional[torch.Tensor], ticket: Optional[torch.Tensor]
    ) -> Tuple[Any, ...]:
        """of_second: what comes of derivatives of other gradients, if any."""
        gradient = of_second
        if ticket is not None:
            with torch.no_grad():
                gradient = ctx.gradient.compute()
                if of_second is not None:
                    gradient.add_(of_second)
            del ctx.gradient.compute  # and what it holds
        if torch.is_grad_enabled():
            graph = ctx.gradient.graph if of_second is None else None
            gradient = only_once(ctx.how, gradient)[0] if graph is None else graph(gradient)
        ctx.gradient.graph = None
        return gradient, None, None


class _QuantizedProduct(torch.autograd.Function):

    @staticmethod
    def forward(
        ctx: Any,
        a: torch.Tensor,
        w: torch.Tensor,
        bias: Optional[torch.Tensor],
        a_ticket: Optional[torch.Tensor],
        w_ticket: Optional[torch.Tensor],
        gamma: Optional[torch.Tensor],
        product: Product,
        how: Quantization,
        use: Optional[Use],
        of_a: Optional[_Gradient],
        of_w: Optional[_Gradient],
    ) -> torch.Tensor:
        ctx.product, ctx.how, ctx.use, ctx.gamma = product, how, use, gamma
        ctx.of_a, ctx.of_w = of_a, of_w
        how.sums.check_operand(how, a)
        with inside():
            terms, clipped = _quantized_activations(a, gamma, how)
            quantize = quantized_corrected if how.wbc else quantized
            wq = quantize(w, how.bits, how.rounding, how.tensor_name("W"))
            operands = how.sums.operands(product, terms, wq)
            ctx.shapes = a.shape, w.shape
            ctx.operands = operands.without_tensors()
            ctx.largest = clipped and clipped.largest
            inputs = (a, w) if how.second_derivatives else (None, None)
            saved = (clipped.indices, clipped.signs) if clipped else (None, None)
            ctx.save_for_backward(*inputs, *saved, *operands.tensors)
            return how.sums.forward(product, how, operands, bias, *ctx.shapes)

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> Tuple[Any, ...]:
        how: Quantization = ctx.how
        # Once, and first: a checkpoint runs the forward again for them.
        a, w, indices, signs, *tensors = ctx.saved_tensors
        operands = ctx.operands.with_tensors(tensors)
        clipped = Clipped(indices, signs, ctx.largest) if indices is not None else None
        with torch.no_grad():
            passes = _Passes(ctx, g, operands, clipped)
            of_bias = ctx.product.bias_gradient(g) if ctx.needs_input_grad[2] else None
            of_a = _now_or_later(ctx.needs_input_grad[0], ctx.of_a, passes.backward_data)
            of_w = _now_or_later(ctx.needs_input_grad[1], ctx.of_w, passes.backward_weight)
        if torch.is_grad_enabled():
            if how.second_derivatives and passes.g is not None:
                graph = GradientGraph(ctx.product, how, passes.g, operands, indices)
                if ctx.of_a is not None:
                    ctx.of_a.graph = partial(graph.of_data, g=g, other=w)
                if ctx.of_w is not None:
                    ctx.of_w.graph = partial(graph.of_weight, g=g, other=a)
                of_bias = None if of_bias is None else ctx.product.bias_gradient(g)
            else:
                of_a, of_w, of_bias = only_once(how, of_a, of_w, of_bias)
        tickets = (None if x is None else x.ticket.new_zeros(()) for x in (ctx.of_a, ctx.of_w))
        return (of_a, of_w, of_bias, *tickets, *(None for _ in range(6)))


def _now_or_later(
    needed: bool, gradient: Optional[_Gradient], compute: Callable[[], torch.Tensor]
) -> Optional[torch.Tensor]:
    """The gradient, or None where an _Operand will compute it."""
    if gradient is None:
        return compute() if needed else None
    gradient.compute = compute
    return None


class _Passes:
    """The two passes of one backward. G is quantized once, for both."""

    def __init__(
        self, ctx: Any, g: torch.Tensor, operands: Operands, clipped: Optional[Clipped]
    ) -> None:
        how: Quantization = ctx.how
        self._product, self._how, self._use, self._shapes = ctx.product, how, ctx.use, ctx.shapes
        self._operands, self._clipped, self._gamma = operands, clipped, ctx.gamma
        self._device = g.device
        self._of_gamma: Optional[torch.Tensor] = None
        self._weight_ran = False
        # Drawn from PyTorch's generator, as dropout draws: manual_seed makes a run reproducible.
        key = int(torch.empty((), dtype=torch.int64).random_()) if how.draws() else 0
        if ctx.use is not None:
            ctx.use.gradient(g, key)
        self.g: Optional[Operands] = None  # where it is not finite
        self._not_finite = NotFinite()
        with inside():
            try:
                name = how.tensor_name("G")
                powers = quantized(g, how.gradient_bits, how.gradient_rounding, name, key)
            except NotFinite as error:
                _refuse_unless_passed(how, error)
                self._not_finite = error
            else:
                self.g = how.sums.gradient(ctx.product, powers)

    def backward_data(self) -> torch.Tensor:
        da, _ = self._run((True, False), "backward-data")
        assert da is not None
        if self._clipped is not None:
            with inside():
                da, self._of_gamma = _through_clipping(da, self._clipped)
            self._learn()
        return da

    def backward_weight(self) -> torch.Tensor:
        _, dw = self._run((False, True), "backward-weight")
        assert dw is not None
        self._weight_ran = True
        self._learn()
        return dw.sub_(dw.mean()) if self._how.wbc else dw

    def _run(self, needs: Tuple[bool, bool], which: str) -> Gradients:
        try:
            if self.g is None:
                raise self._not_finite
            with inside():
                gradients = self._how.sums.backward(
                    self._product, self._how, self.g, self._operands, needs, *self._shapes
                )
        except NotFinite as error:
            _refuse_unless_passed(self._how, error)
            a, w = (torch.full(shape, math.nan, device=self._device) for shape in self._shapes)
            gradients = a, w
        if self._use is not None:
            self._use.ran(which)
        return gradients

    def _learn(self) -> None:
        """gamma's gradient comes with that of the weight."""
        if self._gamma is not None and self._of_gamma is not None and self._weight_ran:
            add_gradient(self._gamma, self._of_gamma)


def _refuse_unless_passed(how: Quantization, error: NotFinite) -> None:
    if not how.passes_nonfinite:
        raise ValueError(
            f"{error}; where a GradScaler seeks its scale: quantize(model, nonfinite_gradients='pass')"
        ) from None


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


def _through_clipping(da: torch.Tensor, clipped: Clipped) -> Tuple[torch.Tensor, torch.Tensor]:
    """The gradients of A and gamma, from that of PRC(A)."""
    flat = da.reshape(-1)
    of_gamma = torch.dot(flat[clipped.indices], clipped.signs) * clipped.largest
    return flat.index_fill_(0, clipped.indices, 0.0).view(da.shape), of_gamma
