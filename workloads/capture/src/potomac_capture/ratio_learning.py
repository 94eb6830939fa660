"""How gamma, PRC's ratio, is learned: by steps of its own, taken where its layer's weight is.

gamma is no parameter, which the user's loops, weight decays, checks and optimizers would meet, but
a buffer of its layer; its gradient gathers in gamma.grad. Nobody tells a layer that an optimizer has
stepped. So a forward looks whether its weight is another than in the forward before: then gamma
has moved by gamma_step against the sign of its gradient, which holds for any scale of the loss.
A gradient that the user has dropped of the weight (zero_grad) is dropped of gamma too.
"""

import math
from typing import Optional

import torch
from torch import nn

# gamma is kept where PRC always clips at least the largest element: at 1 it clips
# nothing, its gradient is zero, and it could never come back.
GAMMA_RANGE = (2.0**-6, 1.0 - 2.0**-10)

_WORDS = {2: torch.int16, 4: torch.int32, 8: torch.int64}
_SEEN = "_weight_seen"  # in a layer's __dict__: _mark of its weight at the last forward


def add_gamma(layer: nn.Module, weight: torch.Tensor, start: Optional[float]) -> None:
    """Gives the layer its gamma; None: it has no PRC."""
    gamma = None if start is None else weight.detach().new_tensor(start, dtype=torch.float32)
    layer.register_buffer("gamma", gamma)


def remove_gamma(layer: nn.Module) -> None:
    layer._buffers.pop("gamma", None)
    layer.__dict__.pop(_SEEN, None)


def gamma_of(layer: nn.Module) -> Optional[torch.Tensor]:
    return layer._buffers.get("gamma")


def stepped_gamma(layer: nn.Module, weight: torch.Tensor, step: float) -> Optional[torch.Tensor]:
    """gamma for a forward with `weight`, after the step that is due."""
    gamma = gamma_of(layer)
    if gamma is None:
        return None
    learns = torch.is_grad_enabled() and weight.requires_grad
    if gamma.grad is not None or learns:
        mark = _mark(weight)
        if gamma.grad is not None:
            if mark != layer.__dict__.get(_SEEN, mark):
                _step(gamma, step)
            elif weight.is_leaf and (weight.grad is None or not weight.grad.any()):
                gamma.grad = None
        layer.__dict__[_SEEN] = mark
    if not GAMMA_RANGE[0] <= float(gamma) <= GAMMA_RANGE[1]:
        with torch.no_grad():
            gamma.clamp_(*GAMMA_RANGE)
    return gamma


def _mark(weight: torch.Tensor) -> int:
    """A number that another weight hardly has: the sum of its words. (Tensor._version does not tell
    what was written through Tensor.data.)"""
    words = weight.detach().view(_WORDS[weight.element_size()])
    return int(words.sum(dtype=torch.int64 if words.dtype == torch.int64 else torch.int32))


def _step(gamma: torch.Tensor, step: float) -> None:
    gradient = float(gamma.grad)
    if step and gradient and math.isfinite(gradient):  # GradScaler tries scales that overflow
        with torch.no_grad():
            gamma.sub_(math.copysign(step, gradient))
    if step:
        gamma.grad = None


def add_gradient(gamma: torch.Tensor, gradient: torch.Tensor) -> None:
    gamma.grad = gradient if gamma.grad is None else gamma.grad + gradient
