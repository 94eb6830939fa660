"""A forward of a model as it is, of which every product is seen: what `describe` and `inspect` are
made of. Nothing is quantized, and any tensors do, those of the "meta" device too."""

from contextlib import ExitStack, contextmanager
from typing import AbstractSet, Any, Callable, Iterator, Mapping, Optional, Sequence, Union

import torch
from torch import nn

from .audit import Auditor
from .config import Config
from .interception import Watcher, add_watcher, remove_watcher, set_compute
from .products import Fp32Sums, Product, inside
from .scope import ScopedModule, scoped_class
from .weight_making import ExactSpectralNorm, makes_weight, weight_hooks
from .wrap import quantization_of

Inputs = Union[torch.Tensor, Sequence[Any], Mapping[str, Any]]


def check_plain(model: nn.Module, what: str) -> None:
    """ValueError if the model is quantized."""
    for name, module in model.named_modules():
        if isinstance(module, ScopedModule):
            raise ValueError(f"{name or 'the model'} is quantized; {what} the model before, "
                             "or capture a step of it")  # fmt: skip


def run(model: nn.Module, inputs: Inputs) -> None:
    """One forward. inputs: a tensor, a sequence of arguments, or a mapping of named ones."""
    if isinstance(inputs, torch.Tensor):
        model(inputs)
    elif isinstance(inputs, Mapping):
        model(**inputs)
    else:
        model(*inputs)


@contextmanager
def watching(
    model: nn.Module, watcher: Watcher, excluded: AbstractSet[str] = frozenset(),
    runs: Optional[Callable[[nn.Module], None]] = None,
) -> Iterator[Auditor]:  # fmt: skip
    """Every module runs under the interception, and is afterwards what it was. Yields what sees the
    products that are not intercepted. runs: told of each module before it does."""
    auditor = Auditor(model, lambda: True)
    with ExitStack() as stack:
        add_watcher(watcher)
        stack.callback(remove_watcher, watcher)
        set_compute(_plainly)
        stack.callback(set_compute, None)
        for name, module in model.named_modules():
            _make_scoped(name, module, name in excluded, stack)
            if runs is not None:
                hook = module.register_forward_pre_hook(lambda module, _: runs(module))
                stack.callback(hook.remove)
        stack.enter_context(auditor)
        yield auditor


def _make_scoped(name: str, module: nn.Module, excluded: bool, stack: ExitStack) -> None:
    stack.callback(setattr, module, "__class__", type(module))
    module.how = None
    stack.callback(module.__dict__.pop, "how", None)
    if not excluded and not makes_weight(name, module):
        module.how = quantization_of(name, module, Config(), False, Fp32Sums())
    for hook in weight_hooks(module):
        stack.callback(setattr, hook, "__class__", type(hook))
        hook.__class__ = ExactSpectralNorm
    module.__class__ = scoped_class(type(module))


def _plainly(
    a: torch.Tensor, w: torch.Tensor, bias: Optional[torch.Tensor], gamma: Any, product: Product,
    how: Any, use: Any,
) -> torch.Tensor:  # fmt: skip
    with inside():
        return product.forward(a, w, bias)
