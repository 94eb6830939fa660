"""Linear and convolution layers whose three GEMMs see only ALS-PoTQ values.

With Q for "quantize and dequantize", one step of a layer computes

    forward          y  = op(Q(PRC(A)), Q(WBC(W))) + bias
    backward-data    dA = op^T(Q(G), Q(WBC(W))), straight through Q, zero where PRC clips
    backward-weight  dW = op^T(Q(G), Q(PRC(A))), straight through Q; WBC subtracts a mean,
                     so its gradient does too: dW - mean(dW)

gamma, PRC's clipping ratio, moves every clipped element: its gradient is the sum of
dA * sign(A) * max|A| over them. A layer whose input needs no gradient (a network's first)
has no backward-data pass, and none is run for gamma alone: there gamma keeps its initial
value. The bias stays FP32, and its gradient sums G before quantization: that takes
additions only, so quantizing it would save no multiplication.
"""

from dataclasses import dataclass
from typing import Any, List, Optional, Protocol, Sequence, Tuple

import torch
from torch import nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from .quantizer import quantized_values
from .ratio_clipping import clipped_magnitudes
from .weight_bias import weight_bias_correction

# gamma is kept where PRC always clips at least the largest element: at 1 it clips
# nothing, its gradient is zero, and it could never come back.
GAMMA_RANGE = (2.0**-6, 1.0 - 2.0**-10)


class LayerRecord(Protocol):
    """What watches one layer while a step is captured."""

    def forward(
        self,
        a: torch.Tensor,
        w: torch.Tensor,
        gamma: Optional[float],
        input_gradient: bool,
    ) -> None:
        """Sees the operands before clipping and correction, PRC's gamma, and whether
        the step will have a backward-data pass."""

    def backward(self, g: torch.Tensor) -> None:
        """Sees the gradient of the layer's output."""


@dataclass
class LayerQuantization:
    """How one layer is quantized, and who watches it."""

    name: str
    bits: int
    gradient_bits: int
    rounding: str
    wbc: bool
    record: Optional[LayerRecord] = None

    def tensor_name(self, role: str) -> str:
        """What error messages call this layer's W, A or G."""
        return f"layer {self.name!r}, {role}"


def _forward_operands(
    ctx: Any,
    a: torch.Tensor,
    w: torch.Tensor,
    gamma: Optional[torch.Tensor],
    how: LayerQuantization,
) -> Tuple[torch.Tensor, torch.Tensor]:
    """Q(PRC(A)) and Q(WBC(W)), both saved for the backward passes."""
    ratio = None if gamma is None else float(gamma)
    if how.record is not None:
        how.record.forward(a, w, ratio, ctx.needs_input_grad[0])
    ctx.how = how
    ctx.clip = None
    name = how.tensor_name("A")
    if ratio is None:
        aq = quantized_values(a, how.bits, how.rounding, name)
    else:
        magnitude, limit, largest = clipped_magnitudes(a, ratio, name)
        if limit < largest:
            ctx.clip = _float_of(limit), _float_of(largest)
        aq = quantized_values(a, how.bits, how.rounding, name, magnitude, limit)
    name = how.tensor_name("W")
    corrected = weight_bias_correction(w, name) if how.wbc else w
    wq = quantized_values(corrected, how.bits, how.rounding, name)
    ctx.save_for_backward(a if ctx.clip else None, aq, wq)
    return aq, wq


def _float_of(magnitude: int) -> float:
    return float(torch.tensor(magnitude, dtype=torch.int32).view(torch.float32))


def _quantized_gradient(ctx: Any, g: torch.Tensor) -> torch.Tensor:
    how: LayerQuantization = ctx.how
    if how.record is not None:
        how.record.backward(g)
    return quantized_values(g, how.gradient_bits, how.rounding, how.tensor_name("G"))


def _through_clipping(
    ctx: Any, da: Optional[torch.Tensor]
) -> Tuple[Optional[torch.Tensor], Optional[torch.Tensor]]:
    """The gradients of A and gamma, from that of PRC(A)."""
    if da is None:
        return None, None
    needs_gamma = ctx.needs_input_grad[3]
    if ctx.clip is None:
        return da, da.new_zeros(()) if needs_gamma else None
    a, aq, _ = ctx.saved_tensors
    limit, largest = ctx.clip
    # hardtanh passes a gradient strictly inside its bounds; PRC keeps |x| = t.
    bound = float(torch.nextafter(torch.tensor(limit), torch.tensor(torch.inf)))
    inside = torch.ops.aten.hardtanh_backward(da, a, -bound, bound)
    if not needs_gamma:
        return inside, None
    # Where PRC clips, aq is +-Q(t): dividing a product with it by Q(t) leaves the sign.
    how: LayerQuantization = ctx.how
    top = quantized_values(torch.tensor([limit]), how.bits, how.rounding, "t").item()
    product = torch.dot((da - inside).reshape(-1), aq.reshape(-1))
    return inside, product * (largest / top)


def _weight_gradient(how: LayerQuantization, dw: torch.Tensor) -> torch.Tensor:
    return dw.sub_(dw.mean()) if how.wbc else dw


class LinearFunction(torch.autograd.Function):
    """torch.nn.functional.linear on ALS-PoTQ operands, in both directions."""

    @staticmethod
    def forward(
        ctx: Any,
        a: torch.Tensor,
        w: torch.Tensor,
        bias: Optional[torch.Tensor],
        gamma: Optional[torch.Tensor],
        how: LayerQuantization,
    ) -> torch.Tensor:
        aq, wq = _forward_operands(ctx, a, w, gamma, how)
        return functional.linear(aq, wq, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: torch.Tensor) -> Tuple[Any, ...]:
        gq = _quantized_gradient(ctx, g)
        _, aq, wq = ctx.saved_tensors
        needs_a, needs_w, needs_bias = ctx.needs_input_grad[:3]
        rows = gq.reshape(-1, gq.shape[-1])
        da = gq.matmul(wq) if needs_a else None
        dw = None
        if needs_w:
            dw = rows.t().matmul(aq.reshape(-1, aq.shape[-1]))
            dw = _weight_gradient(ctx.how, dw)
        db = g.reshape(rows.shape).sum(0) if needs_bias else None
        da, dgamma = _through_clipping(ctx, da)
        return da, dw, db, dgamma, None


class Conv2dFunction(torch.autograd.Function):
    """torch.nn.functional.conv2d on ALS-PoTQ operands, in both directions."""

    @staticmethod
    def forward(
        ctx: Any,
        a: torch.Tensor,
        w: torch.Tensor,
        bias: Optional[torch.Tensor],
        gamma: Optional[torch.Tensor],
        how: LayerQuantization,
        stride: Sequence[int],
        padding: Sequence[int],
        dilation: Sequence[int],
        groups: int,
    ) -> torch.Tensor:
        ctx.geometry = list(stride), list(padding), list(dilation), groups
        aq, wq = _forward_operands(ctx, a, w, gamma, how)
        return functional.conv2d(aq, wq, bias, stride, padding, dilation, groups)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: torch.Tensor) -> Tuple[Any, ...]:
        gq = _quantized_gradient(ctx, g)
        _, aq, wq = ctx.saved_tensors
        needs_a, needs_w, needs_bias = ctx.needs_input_grad[:3]
        stride, padding, dilation, groups = ctx.geometry
        da, dw, _ = torch.ops.aten.convolution_backward(
            gq,
            aq,
            wq,
            None,
            stride,
            padding,
            dilation,
            False,
            [0, 0],
            groups,
            [needs_a, needs_w, False],
        )
        if needs_w:
            dw = _weight_gradient(ctx.how, dw)
        db = g.sum((0, 2, 3)) if needs_bias else None
        da, dgamma = _through_clipping(ctx, da)
        return (da, dw, db, dgamma) + (None,) * 5


class QuantizedLayer(nn.Module):
    """What QuantizedLinear and QuantizedConv2d share: how to quantize, and gamma."""

    how: LayerQuantization
    gamma: Optional[nn.Parameter]

    def project_gamma(self) -> Optional[torch.Tensor]:
        """gamma, put back into GAMMA_RANGE should the optimizer have left it."""
        if self.gamma is not None:
            with torch.no_grad():
                self.gamma.clamp_(*GAMMA_RANGE)
        return self.gamma

    def extra_repr(self) -> str:
        how = self.how
        parts: List[str] = [super().extra_repr(), f"bits={how.bits}"]
        if how.gradient_bits != how.bits:
            parts.append(f"gradient_bits={how.gradient_bits}")
        parts += [f"rounding={how.rounding}", f"wbc={how.wbc}"]
        return ", ".join(parts + [f"prc={self.gamma is not None}"])


class QuantizedLinear(QuantizedLayer, nn.Linear):
    """nn.Linear under ALS-PoTQ; made by `potomac_capture.quantize`."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return LinearFunction.apply(
            input, self.weight, self.bias, self.project_gamma(), self.how
        )


class QuantizedConv2d(QuantizedLayer, nn.Conv2d):
    """nn.Conv2d under ALS-PoTQ; made by `potomac_capture.quantize`."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        batched = input if input.dim() == 4 else input.unsqueeze(0)
        output = Conv2dFunction.apply(
            batched,
            self.weight,
            self.bias,
            self.project_gamma(),
            self.how,
            self.stride,
            symmetric_padding(self),
            self.dilation,
            self.groups,
        )
        return output if input.dim() == 4 else output.squeeze(0)


def symmetric_padding(conv: nn.Conv2d) -> Tuple[int, ...]:
    """The padding of a convolution in numbers, the same on opposite sides.

    'same' with an odd total pads one side more: ValueError, as a trace cannot say that.
    """
    if conv.padding == "valid":
        return 0, 0
    if conv.padding != "same":
        return tuple(conv.padding)
    totals = [d * (k - 1) for d, k in zip(conv.dilation, conv.kernel_size)]
    if any(total % 2 for total in totals):
        raise ValueError(
            f"padding='same' with kernel_size={conv.kernel_size} and "
            f"dilation={conv.dilation} pads unevenly; use an odd kernel, or nn.ZeroPad2d "
            "before a convolution with padding=0"
        )
    return tuple(total // 2 for total in totals)
