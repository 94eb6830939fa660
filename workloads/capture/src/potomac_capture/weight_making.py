"""Products that make a weight (parametrizations, spectral_norm) stay exact: it is their result that
is quantized."""

import sys
from typing import Any, Iterator

import torch
from torch import nn
from torch.nn.utils import parametrize

from .scope import NotQuantized, running

# The module of that name is hidden by the function of that name.
SpectralNorm = sys.modules["torch.nn.utils.spectral_norm"].SpectralNorm


class ExactSpectralNorm(SpectralNorm):
    """nn.utils.spectral_norm's hook, which makes the weight before a module runs."""

    def __call__(self, module: nn.Module, inputs: Any) -> None:
        with running(NotQuantized(module)):
            super().__call__(module, inputs)


def makes_weight(name: str, module: nn.Module) -> bool:
    """Whether the module is a parametrization, or one inside of one."""
    return isinstance(module, parametrize.ParametrizationList) or ".parametrizations." in f".{name}"


def weight_hooks(module: nn.Module) -> Iterator[Any]:
    """Hooks of a module that make a weight of it by products."""
    return (h for h in module._forward_pre_hooks.values() if isinstance(h, SpectralNorm))


def stored_weight(module: nn.Module) -> torch.Tensor:
    """A layer's weight, or what it is made of: to make it may change what it is made of."""
    weight = module._parameters.get("weight")
    return next(module.parameters()) if weight is None else weight
