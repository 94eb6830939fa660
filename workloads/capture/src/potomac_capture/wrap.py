"""`quantize`: turns the linear and convolution layers of a model into ALS-PoTQ ones.

A layer keeps its identity: the module object, its parameters, its hooks and its place in
the model stay, and only its class changes. An optimizer made before still holds its
weights (but not the new gammas: make it after).
"""

import warnings
from typing import List, Optional, Tuple

import torch
from torch import nn

from .config import Config
from .layers import (
    LayerQuantization,
    QuantizedConv2d,
    QuantizedLayer,
    QuantizedLinear,
    symmetric_padding,
)

_CLASSES = {nn.Linear: QuantizedLinear, nn.Conv2d: QuantizedConv2d}

# Layers that multiply too, but stay FP32.
_OTHER_MULTIPLYING = (
    nn.Linear,
    nn.Bilinear,
    nn.modules.conv._ConvNd,
    nn.MultiheadAttention,
    nn.RNNBase,
    nn.RNNCellBase,
)


def quantize(model: nn.Module, config: Optional[Config] = None) -> nn.Module:
    """Makes every nn.Linear and nn.Conv2d of `model` train with ALS-PoTQ, in place.

    Returns the model. ValueError, before anything has changed, for a convolution that a
    trace cannot describe (padding_mode other than 'zeros', uneven 'same' padding), for
    a `last_layer` that the model does not have, and for a model with nothing to
    quantize. Warns of layers that stay FP32: other kinds, and subclasses, whose own
    forward it must not replace.
    """
    config = config or Config()
    layers = [(n, m) for n, m in model.named_modules() if type(m) in _CLASSES]
    _check(layers, model, config)
    last = config.last_layer if config.last_layer is not None else layers[-1][0]
    for name, module in layers:
        bits = config.bits
        if name == last and config.last_layer_grad_bits is not None:
            bits = config.last_layer_grad_bits
        module.how = LayerQuantization(
            name=name or type(module).__name__.lower(),
            bits=config.bits,
            gradient_bits=bits,
            rounding=config.rounding,
            wbc=config.wbc,
        )
        module.__class__ = _CLASSES[type(module)]
        gamma = None
        if config.prc:
            gamma = nn.Parameter(module.weight.new_tensor(config.gamma))
        module.register_parameter("gamma", gamma)
    return model


def quantized_layers(model: nn.Module) -> List[QuantizedLayer]:
    """The ALS-PoTQ layers of a model, in the order of registration."""
    return [m for m in model.modules() if isinstance(m, QuantizedLayer)]


def gammas(model: nn.Module) -> List[nn.Parameter]:
    """PRC's clipping ratios, for a parameter group of their own in the optimizer."""
    return [m.gamma for m in quantized_layers(model) if m.gamma is not None]


def _check(
    layers: List[Tuple[str, nn.Module]], model: nn.Module, config: Config
) -> None:
    if not layers:
        raise ValueError("the model has no nn.Linear and no nn.Conv2d left to quantize")
    names = [name for name, _ in layers]
    if config.last_layer is not None and config.last_layer not in names:
        raise ValueError(
            f"last_layer {config.last_layer!r} is none of the model's quantized layers: "
            + ", ".join(names)
        )
    for name, module in layers:
        if module.weight.dtype != torch.float32:
            raise ValueError(
                f"layer {name!r}: weights are {module.weight.dtype}; ALS-PoTQ takes "
                "float32 (call model.float() first)"
            )
        if isinstance(module, nn.Conv2d):
            if module.padding_mode != "zeros":
                raise ValueError(
                    f"layer {name!r}: padding_mode={module.padding_mode!r} is not "
                    "supported; pad before the layer, and give it padding=0"
                )
            try:
                symmetric_padding(module)
            except ValueError as error:
                raise ValueError(f"layer {name!r}: {error}") from None
    others = [
        f"{name} ({type(module).__name__})"
        for name, module in model.named_modules()
        if isinstance(module, _OTHER_MULTIPLYING)
        and type(module) not in _CLASSES
        and not isinstance(module, QuantizedLayer)
    ]
    if others:
        warnings.warn("these layers stay FP32: " + ", ".join(others), stacklevel=3)
