"""What multiplies tensors in a step without having been a product of ours."""

from typing import Any, Callable, Dict, List, Optional, Tuple

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from .backward import in_backward
from .products import inside_product
from .scope import NotQuantized, running_modules
from .trace_file import LeftOut
from .weight_making import makes_weight
from .wrap import class_name

# Names that PyTorch's dispatcher calls them by.
_MULTIPLYING = {
    "mm", "addmm", "bmm", "baddbmm", "mv", "addmv", "dot", "convolution", "_convolution",
    "convolution_overrideable", "mkldnn_linear", "mkldnn_rnn_layer", "_trilinear",
    "_native_multi_head_attention", "_transformer_encoder_layer_fwd",
    "_scaled_dot_product_flash_attention", "_scaled_dot_product_efficient_attention",
    "_scaled_dot_product_flash_attention_for_cpu", "linear", "_thnn_fused_lstm_cell", "addbmm", "vdot",
    "_cdist_forward", "_euclidean_dist", "conv_tbc", "_sparse_mm", "_sparse_addmm", "_sparse_sparse_matmul",
    "sspaddmm", "hspmm", "smm", "linalg_vecdot",
}  # fmt: skip


class Auditor(TorchDispatchMode):
    """Sees every operation, below autograd. `counts`: whether what runs now is to be noted."""

    def __init__(self, model: nn.Module, counts: Callable[[], bool]) -> None:
        super().__init__()
        self._model, self._counts = model, counts
        self._names: Optional[Dict[int, str]] = None
        self._found: Dict[Tuple[str, str], str] = {}

    def left_out(self) -> List[LeftOut]:
        return [LeftOut(name, kind, why) for (name, kind), why in self._found.items()]

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        name = func.overloadpacket.__name__
        if name in _MULTIPLYING and not inside_product() and self._counts():
            self._note(name, args)
        try:
            return func(*args, **(kwargs or {}))
        except RuntimeError as error:
            # PyTorch 1.13 hands a number over where the operator takes a tensor, and some operators
            # (x.bitwise_and_(7)) do not take it back. They say so before they do anything.
            if "Expected a value of type 'Tensor'" not in str(error):
                raise
            return func(*_with_tensors(func, args), **(kwargs or {}))

    def _note(self, operation: str, args: Tuple[Any, ...]) -> None:
        if any(isinstance(a, torch.Tensor) and 0 in a.shape for a in args):
            return  # nothing is multiplied
        if in_backward():
            self._found.setdefault(
                ("a backward", operation), "FP32: of what stays FP32, or of the script's own functions"
            )
            return
        modules = running_modules()
        excluded = next((m for m in modules if m.how is None), None)
        tensors = [a for a in args if isinstance(a, torch.Tensor)]
        where, kind = "outside of the model", operation
        reason = "FP32: run by no module of the model"
        if modules:
            module = excluded if excluded is not None else modules[-1]
            where, reason = self._name_of(module), "FP32: not intercepted"
            if type(module).__module__.startswith("torch.nn") and not self._makes_weight(module):
                kind = class_name(module)
        if excluded is not None:
            reason = "FP32: makes a weight" if self._makes_weight(excluded) else "FP32: excluded"
        elif any(t.layout != torch.strided for t in tensors):
            reason = "of sparse tensors, which are not quantized"
        elif any(t.is_complex() for t in tensors):
            reason = "of complex numbers, which are not quantized"
        elif not all(t.is_floating_point() for t in tensors):
            reason = "of integers, which are not quantized"
        self._found.setdefault((where, kind), reason)

    def _makes_weight(self, module: Any) -> bool:
        return isinstance(module, NotQuantized) or makes_weight(self._name_of(module), module)

    def _name_of(self, module: Any) -> str:
        if self._names is None:
            self._names = {id(m): name for name, m in self._model.named_modules()}
        if isinstance(module, NotQuantized):
            module = module.module
        return self._names.get(id(module)) or class_name(module)


def _with_tensors(func: Any, args: Tuple[Any, ...]) -> Tuple[Any, ...]:
    """Numbers as tensors, of the type that PyTorch would compute with."""
    tensor = next(a for a in args if isinstance(a, torch.Tensor))
    return tuple(
        torch.tensor(value, dtype=torch.result_type(tensor, value))
        if isinstance(value, (bool, int, float)) and str(place.type) == "Tensor"
        else value
        for value, place in zip(args, func._schema.arguments)
    )
