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
    gradient = ticket = None
    if torch.is_grad_enabled() and w.requires_grad:
        gradient = _WeightGradient()
        w, ticket = _Weight.apply(w, how, gradient)
    return _QuantizedProduct.apply(a, w, bias, ticket, gamma, product, how, use, gradient)


class _WeightGradient:
    """How W's gradient is computed, once a backward has come by; and its graph, for derivatives of it."""

    compute: Optional[Callable[[], torch.Tensor]] = None
    graph: Optional[Callable[[torch.Tensor], torch.Tensor]] = None


class _Weight(torch.autograd.Function):
    """W on its way into a product. PyTorch runs a backward where its result is asked for, and tells
    Python's functions nothing finer than that: of autograd.grad(y, x) only those from y to x. So the
    backward-weight pass is here, and the product's own backward hands it what it takes."""

    @staticmethod
    def forward(
        ctx: Any, w: torch.Tensor, how: Quantization, gradient: _WeightGradient
    ) -> Tuple[torch.Tensor, torch.Tensor]:
        ctx.how, ctx.gradient, ctx.shape = how, gradient, w.shape
        ctx.set_materialize_grads(False)
        return w.detach(), w.new_empty(())

    @staticmethod
    def backward(
        ctx: Any, of_second: Optional[torch.Tensor], ticket: Optional[torch.Tensor]
    ) -> Tuple[Any, ...]:
        """of_second: what comes of derivatives of other gradients, if any. ticket: comes from the
        product's backward, and not where another one has been by."""
        how, gradient = ctx.how, ctx.gradient
        compute, graph, gradient.compute, gradient.graph = gradient.compute, gradient.graph, None, None
        dw = None
        with torch.no_grad():
            if ticket is not None:
                try:
                    dw = compute()
                except NotFinite as error:
                    _refuse_unless_passed(how, error)
                    dw = ticket.new_full(ctx.shape, math.nan)
            if of_second is not None:
                of_second = of_second - of_second.mean() if how.wbc else of_second
                dw = of_second if dw is None else dw.add_(of_second)
        if torch.is_grad_enabled():
            with_graph = graph is not None and of_second is None
            dw = graph(dw) if with_graph else only_once(how, dw)[0]
        return dw, None, None


class _QuantizedProduct(torch.autograd.Function):

    @staticmethod
    def forward(
        ctx: Any,
        a: torch.Tensor,
        w: torch.Tensor,
        bias: Optional[torch.Tensor],
        ticket: Optional[torch.Tensor],
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
            ctx.shapes, ctx.device = (a.shape, w.shape), w.device
            ctx.bias_shape = bias.shape if bias is not None else ()
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
        try:
            with torch.no_grad():
                gq, da, db = _backward(ctx, g, operands, clipped)
        except NotFinite as error:
            _refuse_unless_passed(how, error)
            return _not_a_number(ctx, g)
        if torch.is_grad_enabled():
            if how.second_derivatives:
                graph = GradientGraph(ctx.product, how, gq, operands, indices)
                da = None if da is None else graph.of_data(da, g, w)
                ctx.weight_gradient.graph = partial(graph.of_weight, g=g, a=a)
                db = None if db is None else ctx.product.bias_gradient(g)
            else:
                da, db = only_once(how, da, db)
        return _gradients(ctx, da, db)


def _gradients(
    ctx: Any, da: Optional[torch.Tensor], db: Optional[torch.Tensor]
) -> Tuple[Optional[torch.Tensor], ...]:
    """As _QuantizedProduct's arguments are; to W goes the ticket."""
    ticket = torch.zeros((), device=ctx.device) if ctx.needs_input_grad[1] else None
    return da, None, db, ticket, None, None, None, None, None


def _backward(
    ctx: Any, g: torch.Tensor, operands: Operands, clipped: Optional[Clipped]
) -> Tuple[Operands, Optional[torch.Tensor], Optional[torch.Tensor]]:
    """The quantized G, and the gradients of A and the bias; that of W is left to _Weight."""
    how: Quantization = ctx.how
    # Drawn from PyTorch's generator, as dropout draws: manual_seed makes a run reproducible.
    key = int(torch.empty((), dtype=torch.int64).random_()) if how.draws() else 0
    if ctx.use is not None:
        ctx.use.gradient(g, key)
    with inside():
        name = how.tensor_name("G")
        gq = how.sums.gradient(
            ctx.product, quantized(g, how.gradient_bits, how.gradient_rounding, name, key)
        )
        needs_a, needs_w, needs_bias = ctx.needs_input_grad[:3]
        da = None
        if needs_a:
            da, _ = how.sums.backward(ctx.product, how, gq, operands, (True, False), *ctx.shapes)
            if ctx.use is not None:
                ctx.use.ran("backward-data")
        da, dgamma = _through_clipping(da, clipped)
        if needs_w:
            ctx.weight_gradient.compute = partial(
                _gradient_of_weight, ctx.product, how, gq, operands, ctx.shapes, ctx.use, ctx.gamma,
                dgamma,
            )  # fmt: skip
        db = ctx.product.bias_gradient(g) if needs_bias else None
        return gq, da, db


def _refuse_unless_passed(how: Quantization, error: NotFinite) -> None:
    if not how.passes_nonfinite:
        raise ValueError(
            f"{error}; where a GradScaler seeks its scale: quantize(model, nonfinite_gradients='pass')"
        ) from None


def _not_a_number(ctx: Any, g: torch.Tensor) -> Tuple[Any, ...]:
    """What gradients are of a G that is not finite: FP32's would be, in some elements at least."""
    da, dw, db = (
        g.new_full(shape, math.nan) if needed else None
        for shape, needed in zip((*ctx.shapes, ctx.bias_shape), ctx.needs_input_grad)
    )
    if dw is not None:
        ctx.weight_gradient.compute = dw.clone
    return _gradients(ctx, da, db)


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
