"""`quantize`: from then on, a model computes its products of tensors on ALS-PoTQ values.

A module keeps its identity: the object, its parameters, its hooks and its place in the
model stay, and its class becomes one that derives from it (scope.py). An optimizer made
before or after knows the same parameters: PRC's gammas are buffers (ratio_learning.py).
"""

from fnmatch import fnmatchcase
from typing import Any, List, Optional, Sequence, Set, Tuple, Type, Union

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from . import audit  # noqa: F401  (what runs while a module does)
from .accumulators import MachineSums, Override
from .config import Config
from .products import Fp32Sums, Quantization, Sums
from .ratio_learning import add_gamma, gamma_of
from .scope import ScopedModule, scoped_class
from .weight_making import ExactSpectralNorm, makes_weight, stored_weight, weight_hooks

# Modules with one weight: PRC's gamma is theirs.
_WITH_GAMMA = (
    nn.Linear,
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
)

Exclude = Sequence[Union[str, Type[nn.Module]]]


def quantize(
    model: nn.Module,
    config: Optional[Config] = None,
    *,
    exclude: Exclude = (),
    accumulator: Optional[Any] = None,
    overrides: Sequence[Override] = (),
    **options: Any,
) -> nn.Module:
    """Makes every product of tensors in `model` one of ALS-PoTQ values, in place: those of its
    modules (linear, convolutional, attention, recurrent), and those that a forward() makes
    itself (F.linear, matmul, @, einsum ...). Returns the model.

    config, or its fields as `options`: quantize(model, bits=6). exclude: names of modules
    ("encoder.*" with wildcards) and classes of modules that stay as they are, with all that
    is in them.

    accumulator: a potomac.Accumulator; all products are then summed as a machine with it does
    (accumulators.py), on the CPU, and overflows(model) says what it saw. Without one, sums are
    FP32's. overrides: others for some layers' passes, as the key pe.accumulator.overrides of an
    architecture has them: [{"layer": "*fc*", "pass": "forward", "lsb": -4}], with patterns over
    the modules' names.

    ValueError or TypeError, before anything has changed: a model with nothing to quantize, a
    `last_layer` or an excluded name that the model does not have, weights that are not of a
    floating-point type, a module whose class cannot be changed (a compiled one), an accumulator
    that cannot hold a largest product of some layer, or a model that is not on the CPU beside one.
    """
    if config is not None and not isinstance(config, Config):
        raise TypeError(f"config is a potomac_capture.Config, not {type(config).__name__}; "
                        "or write its fields: quantize(model, bits=6)")  # fmt: skip
    if config is not None and options:
        raise TypeError(f"config or its fields, not both: {', '.join(options)}")
    config = config or Config(**options)
    modules = list(model.named_modules())
    excluded = excluded_names(model, exclude)
    layers = [(n, m) for n, m in modules if isinstance(m, _WITH_GAMMA) and n not in excluded]
    _check(modules, layers, excluded, config)
    last = config.last_layer
    if last is None and layers:
        last = layers[-1][0]
    sums = _sums(model, layers, last, config, accumulator, overrides)
    for name, module in modules:
        if isinstance(module, torch.jit.ScriptModule):
            continue  # excluded, and its class cannot be changed
        module.how = None
        for hook in weight_hooks(module):
            hook.__class__ = ExactSpectralNorm
        if name not in excluded and not makes_weight(name, module):
            module.how = quantization_of(name, module, config, name == last, sums)
        module.__class__ = scoped_class(type(module))
        if isinstance(module, _WITH_GAMMA):
            clipped = config.prc and module.how is not None
            add_gamma(module, stored_weight(module), config.gamma if clipped else None)
    for _, module in modules:
        if isinstance(module, DistributedDataParallel):
            module._assign_modules_buffers()  # of gammas too it broadcasts rank 0's
    return model


def quantized_layers(model: nn.Module) -> List[nn.Module]:
    """The modules with a quantized weight of their own, in the order of registration."""
    return [
        module
        for module in model.modules()
        if isinstance(module, ScopedModule) and module.how is not None
        and isinstance(module, _WITH_GAMMA)
    ]  # fmt: skip


def gammas(model: nn.Module) -> List[torch.Tensor]:
    """PRC's clipping ratios. With gamma_step=0 an optimizer may have them, in a group of their own."""
    found = (gamma_of(layer) for layer in quantized_layers(model))
    return [gamma for gamma in found if gamma is not None]


def fp32_state_dict(model: nn.Module) -> dict:
    """model.state_dict() without the gammas: what the model as it was before quantize loads."""
    names = {
        f"{name}.gamma" if name else "gamma"
        for name, module in model.named_modules()
        if isinstance(module, ScopedModule)
    }
    return {key: value for key, value in model.state_dict().items() if key not in names}


def excluded_names(model: nn.Module, exclude: Exclude) -> Set[str]:
    """The names of the modules that stay FP32. ValueError where `exclude` has what is not there."""
    modules = list(model.named_modules())
    excluded: Set[str] = set()
    for what in exclude:
        if isinstance(what, str):
            found = [name for name, _ in modules if fnmatchcase(name, what)]
        elif isinstance(what, type) and issubclass(what, nn.Module):
            found = [name for name, module in modules if isinstance(module, what)]
        else:
            raise TypeError(f"exclude holds names and classes of modules, not {what!r}")
        if not found:
            raise ValueError(f"exclude: the model has no module {what!r}")
        excluded.update(found)
    inside = [n for n, _ in modules if any(n.startswith(f"{e}.") for e in excluded)]
    return excluded.union(inside)


def _sums(
    model: nn.Module,
    layers: List[Tuple[str, nn.Module]],
    last: Optional[str],
    config: Config,
    accumulator: Optional[Any],
    overrides: Sequence[Override],
) -> Sums:
    if accumulator is None:
        if overrides:
            raise ValueError("overrides: of no accumulator; give accumulator=potomac.Accumulator()")
        return Fp32Sums()
    for name, parameter in model.named_parameters():
        if parameter.device.type != "cpu":
            raise ValueError(f"accumulator: its sums are made on the CPU, and {name} is on "
                             f"{parameter.device}; call model.cpu() first")  # fmt: skip
    sums = MachineSums(accumulator, overrides)
    for name, module in layers:
        how = quantization_of(name, module, config, name == last, sums)
        sums.require_fit(how.name, how.bits, how.gradient_bits)
    return sums


def quantization_of(
    name: str, module: nn.Module, config: Config, is_last: bool, sums: Sums
) -> Quantization:
    """What the products in a module are quantized by, and called."""
    bits = config.bits
    if is_last and config.last_layer_grad_bits is not None:
        bits = config.last_layer_grad_bits
    if not name and module._parameters.get("weight") is not None:
        name = type(module).__name__.lower()
    return Quantization(
        name=name,
        bits=config.bits,
        gradient_bits=bits,
        rounding=config.rounding,
        gradient_rounding=config.gradient_rounding or config.rounding,
        activation_terms=config.activation_terms,
        wbc=config.wbc,
        gamma_step=config.gamma_step,
        second_derivatives=config.second_derivatives,
        passes_nonfinite=config.nonfinite_gradients == "pass",
        sums=sums,
    )


def _check(
    modules: List[Tuple[str, nn.Module]],
    layers: List[Tuple[str, nn.Module]],
    excluded: set,
    config: Config,
) -> None:
    for name, module in modules:
        if isinstance(module, ScopedModule):
            raise ValueError(
                f"the model has no layer left to quantize: {name or 'it'} is quantized already"
            )
        if isinstance(module, torch.jit.ScriptModule) and name not in excluded:
            raise TypeError(
                f"module {name!r} is compiled (torch.jit), and cannot be quantized; quantize "
                "the model before it is compiled, or exclude it"
            )
    if all(not m._parameters for name, m in modules if name not in excluded):
        raise ValueError("the model has no weights left to quantize")
    names = [name for name, _ in layers]
    if config.last_layer is not None and config.last_layer not in names:
        raise ValueError(
            f"last_layer {config.last_layer!r} is none of the model's quantized layers: "
            + ", ".join(names)
        )
    for name, module in layers:
        weight = stored_weight(module)
        if not weight.is_floating_point():
            raise ValueError(
                f"layer {name!r}: weights are {weight.dtype}; ALS-PoTQ takes "
                "floating-point numbers (call model.float() first, or exclude it)"
            )
