"""Gradients of a quantized product's gradients.

Both backward passes are products of G with another operand. Their derivatives go straight through
the quantizer, as they do themselves, and are products of the quantized operands in FP32: they are in
none of the passes that are quantized.
"""

from typing import Any, Optional, Tuple

import torch

from .products import Operands, Product, Quantization


class GradientGraph:
    """Ties the results of one product's backward passes to what they were made of."""

    def __init__(
        self, product: Product, how: Quantization, g: Operands, operands: Operands,
        clipped: Optional[torch.Tensor],
    ) -> None:  # fmt: skip
        """clipped: the flat indices of what PRC has clipped in A."""
        self.product, self.how, self.g, self.operands = product, how, g, operands
        self.clipped = clipped

    def of_data(self, da: torch.Tensor, *, g: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """other: W."""
        return _Gradient.apply(da, g, other, self, (True, False))

    def of_weight(self, dw: torch.Tensor, *, g: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """other: A."""
        return _Gradient.apply(dw, g, other, self, (False, True))

    def derivatives(
        self, upstream: torch.Tensor, needs: Tuple[bool, bool]
    ) -> Tuple[torch.Tensor, torch.Tensor]:
        """Of the result for A (or W), times `upstream`: with respect to G, and to W (or A)."""
        upstream = self._through_clipping(upstream) if needs[0] else self._through_correction(upstream)
        a, w = (values.requires_grad_() for values in self.operands.values())
        (g,) = (values.requires_grad_() for values in self.g.values())
        with torch.enable_grad():
            result = self.product.backward(g, a, w, needs)[0 if needs[0] else 1]
        other = w if needs[0] else a
        of_g, of_other = torch.autograd.grad(result, (g, other), upstream)
        return of_g, self._through_correction(of_other) if needs[0] else self._through_clipping(of_other)

    def _through_correction(self, gradient: torch.Tensor) -> torch.Tensor:
        return gradient - gradient.mean() if self.how.wbc else gradient

    def _through_clipping(self, gradient: torch.Tensor) -> torch.Tensor:
        if self.clipped is None:
            return gradient
        return gradient.reshape(-1).index_fill(0, self.clipped, 0.0).view(gradient.shape)


class _Gradient(torch.autograd.Function):
    """The result of a backward pass, as it is, and its derivatives."""

    @staticmethod
    def forward(
        ctx: Any, result: torch.Tensor, g: torch.Tensor, other: torch.Tensor, graph: GradientGraph,
        needs: Tuple[bool, bool],
    ) -> torch.Tensor:  # fmt: skip
        ctx.graph, ctx.needs = graph, needs
        return result.detach()

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> Tuple[Any, ...]:
        with torch.no_grad():
            of_g, of_other = ctx.graph.derivatives(upstream.detach(), ctx.needs)
        if torch.is_grad_enabled():
            of_g, of_other = only_once(ctx.graph.how, of_g, of_other)
        return None, of_g, of_other, None, None


def only_once(
    how: Quantization, *gradients: Optional[torch.Tensor]
) -> Tuple[Optional[torch.Tensor], ...]:
    """Gradients that may be used, and not differentiated. (PyTorch's own once_differentiable lets
    second derivatives through, as zero, where no gradient came in that needs one.)"""
    return _NotDifferentiable.apply(how, torch.zeros((), requires_grad=True), *gradients)


class _NotDifferentiable(torch.autograd.Function):

    @staticmethod
    def forward(
        ctx: Any, how: Quantization, anchor: torch.Tensor, *gradients: Optional[torch.Tensor]
    ) -> Tuple[Optional[torch.Tensor], ...]:
        ctx.how = how
        return gradients

    @staticmethod
    def backward(ctx: Any, *_: Any) -> None:
        if ctx.how.second_derivatives:
            raise ValueError(f"layer {ctx.how.name!r}: its third derivatives are asked for; keep its "
                             "module in FP32: quantize(model, exclude=[...])")  # fmt: skip
        raise ValueError(
            f"layer {ctx.how.name!r}: a gradient of its gradient is asked for (create_graph=True); give "
            "quantize() second_derivatives=True, or keep its module in FP32: exclude=[...]"
        )
