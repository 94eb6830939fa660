"""`unquantize`: a model as PyTorch's own again, for export."""

from typing import Any, Dict, List, Optional, Tuple

import torch
from torch import nn

from .audit import forget_audit
from .dry_run import Inputs, run
from .interception import add_watcher, is_weight, remove_watcher
from .products import Product, Quantization
from .ratio_learning import remove_gamma
from .scope import ScopedModule, original_class
from .values import quantized
from .weight_bias import quantized_corrected
from .weight_making import SpectralNorm, weight_hooks


def unquantize(model: nn.Module, inputs: Optional[Inputs] = None) -> nn.Module:
    """Takes back what quantize did: classes, gammas and hooks. The model computes in FP32 then, and
    ONNX and TorchScript take it.

    inputs: for one forward (a tensor, a sequence of arguments, or a mapping of named ones), which
    tells which parameters are multiplied and how; these then hold the values that products had in
    their place, rounded to powers of two. Without, weights are what was trained. Activations are
    no longer quantized either way. A weight that is made of others (a parametrization's) is not
    one; torch.nn.utils.parametrize.remove_parametrizations() makes it one before.

    ValueError if the model is not quantized, or if parameters overlap that are rounded apart.
    """
    if not any(isinstance(module, ScopedModule) for module in model.modules()):
        raise ValueError("the model is not quantized")
    rounded = [] if inputs is None else _rounded_weights(model, inputs)
    for module in model.modules():
        if isinstance(module, ScopedModule):
            module.__class__ = original_class(type(module))
            del module.how
            remove_gamma(module)
            forget_audit(module)
            for hook in weight_hooks(module):
                hook.__class__ = SpectralNorm
    with torch.no_grad():
        for weight, values in rounded:
            weight.copy_(values)
    return model


def _rounded_weights(model: nn.Module, inputs: Inputs) -> List[Tuple[torch.Tensor, torch.Tensor]]:
    """Parameters, or parts of them, and the values that products have in their place."""
    found: Dict[Any, Tuple[torch.Tensor, torch.Tensor]] = {}

    def seen(
        modules: Any, product: Product, how: Quantization, a: torch.Tensor, w: torch.Tensor, *_: Any
    ) -> None:
        if is_weight(w):
            quantize = quantized_corrected if how.wbc else quantized
            key = w.data_ptr(), tuple(sorted(zip(w.shape, w.stride())))
            found[key] = w, quantize(w, how.bits, how.rounding, how.tensor_name("W")).values

    training = [module for module in model.modules() if module.training]
    model.eval()
    add_watcher(seen)
    try:
        with torch.no_grad():
            run(model, inputs)
    finally:
        remove_watcher(seen)
        for module in training:
            module.training = True
    if not found:
        raise ValueError("no binary32 parameter was multiplied; call model.float() first, or leave out "
                         "inputs")  # fmt: skip
    places = [range(w.data_ptr(), w.data_ptr() + w.numel() * w.element_size()) for w, _ in found.values()]
    places.sort(key=lambda place: place.start)
    if any(one.stop > other.start for one, other in zip(places, places[1:])):
        raise ValueError("parts of one parameter are rounded in more ways than one; leave out inputs")
    return list(found.values())
