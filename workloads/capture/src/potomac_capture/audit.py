"""What multiplies tensors in a step without having been a product of ours."""

import warnings
from contextlib import contextmanager
from typing import Any, Callable, Collection, ContextManager, Dict, Iterator, List, Optional, Tuple

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from .backward import in_backward
from .fp32_products import Fp32Products, multiplies, operands_of
from .products import inside_product
from .interception import Interception, is_watched
from .scope import NotQuantized, Running, class_name, running_modules, set_outermost
from .trace_file import LeftOut
from .weight_making import makes_weight


NOT_INTERCEPTED = "FP32: not intercepted"
SPARSE = "of sparse tensors, which are not quantized"
COMPLEX = "of complex numbers, which are not quantized"
IN_BACKWARD = "FP32: of what stays FP32, or of the script's own functions"


class Auditor(TorchDispatchMode):
    """Sees every operation, below autograd. `counts`: whether what runs now is to be noted."""

    def __init__(self, model: nn.Module, counts: Callable[[], bool]) -> None:
        super().__init__()
        self._model, self._counts = model, counts
        self._names: Optional[Dict[int, str]] = None
        self._found: Dict[Tuple[str, str, str], Fp32Products] = {}  # by name, kind and reason

    def left_out(self, reasons: Optional[Collection[str]] = None) -> List[LeftOut]:
        """All of it, or that for one of these reasons."""
        return [
            LeftOut(name, kind, f"{reason}; {products.text()}")
            for (name, kind, reason), products in self._found.items()
            if reasons is None or reason in reasons
        ]

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        try:
            result = func(*args, **(kwargs or {}))
        except RuntimeError as error:
            # PyTorch 1.13 hands a number over where the operator takes a tensor, and some operators
            # (x.bitwise_and_(7)) do not take it back. They say so before they do anything.
            if "Expected a value of type 'Tensor'" not in str(error):
                raise
            result = func(*_with_tensors(func, args), **(kwargs or {}))
        name = func.overloadpacket.__name__
        if multiplies(name, args) and not inside_product() and self._counts():
            # An expert without tokens multiplies nothing.
            if not any(isinstance(a, torch.Tensor) and 0 in a.shape for a in args):
                where = self._place_of(name, args)
                self._found.setdefault(where, Fp32Products()).add(name, args, result)
        return result

    def _place_of(self, operation: str, args: Tuple[Any, ...]) -> Tuple[str, str, str]:
        """Where it runs, what of, and why it is FP32."""
        if in_backward():
            return "a backward", operation, IN_BACKWARD
        modules = running_modules()
        excluded = next((m for m in modules if m.how is None), None)
        tensors = operands_of(operation, args)
        where, kind, reason = "outside of the model", operation, "FP32: run by no module of the model"
        if modules:
            module = excluded if excluded is not None else modules[-1]
            where, reason = self._name_of(module), NOT_INTERCEPTED
            if type(module).__module__.startswith("torch.nn") and not self._makes_weight(module):
                kind = class_name(module)
        if excluded is not None:
            reason = "FP32: makes a weight" if self._makes_weight(excluded) else "FP32: excluded"
        elif any(t.layout != torch.strided for t in tensors):
            reason = SPARSE
        elif any(t.is_complex() for t in tensors):
            reason = COMPLEX
        elif not all(t.is_floating_point() for t in tensors):
            reason = "of integers, which are not quantized"
        return where, kind, reason

    def _makes_weight(self, module: Any) -> bool:
        return isinstance(module, NotQuantized) or makes_weight(self._name_of(module), module)

    def _name_of(self, module: Any) -> str:
        if self._names is None:
            self._names = {id(m): name for name, m in self._model.named_modules()}
        if isinstance(module, NotQuantized):
            module = module.module
        return self._names.get(id(module)) or class_name(module)


_AUDITED = "_was_audited"  # in the __dict__ of a module that was once trained


def _running_outermost(module: Running) -> ContextManager[Any]:
    """The interception; in a model's first call of its training it says what it does not see."""
    if isinstance(module, NotQuantized) or _AUDITED in module.__dict__ or not module.training:
        return Interception()
    if module.how is None or is_watched() or not torch.is_grad_enabled():
        return Interception()
    module.__dict__[_AUDITED] = True
    return _audited(module)


def forget_audit(module: nn.Module) -> None:
    module.__dict__.pop(_AUDITED, None)


@contextmanager
def _audited(module: Any) -> Iterator[None]:
    auditor = Auditor(module, lambda: True)
    with Interception(), auditor:
        yield
    left_out = auditor.left_out((NOT_INTERCEPTED, SPARSE, COMPLEX))
    if left_out:
        named = "; ".join(f"{part.name} ({part.kind}): {part.reason}" for part in left_out)
        warnings.warn(f"not quantized in this training: {named}", stacklevel=2)


set_outermost(_running_outermost)


def _with_tensors(func: Any, args: Tuple[Any, ...]) -> Tuple[Any, ...]:
    """Numbers as tensors, of the type that PyTorch would compute with."""
    tensor = next(a for a in args if isinstance(a, torch.Tensor))
    return tuple(
        torch.tensor(value, dtype=torch.result_type(tensor, value))
        if isinstance(value, (bool, int, float)) and str(place.type) == "Tensor"
        else value
        for value, place in zip(args, func._schema.arguments)
    )
