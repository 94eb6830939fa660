"""`describe`: writes the shapes of a model's products as a Potomac model description.

By the same interception as training and capturing, but of the model as it is (dry_run.py).
"""

import json
import os
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import torch
from torch import nn

from .dry_run import Inputs, check_plain, run, watching
from .output_file import check_target, replaced_whole
from .products import ConvolutionProduct, Product, Quantization
from .scope import class_name
from .trace_file import LeftOut, UseNames

Entry = Dict[str, Any]


def describe(
    model: nn.Module,
    inputs: Inputs,
    path: Optional[Union[str, os.PathLike]] = None,
    *,
    model_name: Optional[str] = None,
) -> str:
    """The text of the description; written to `path` if there is one.

    inputs: a tensor, a sequence of arguments, or a mapping of named ones, for one forward.
    A product has backward-data if its input needs a gradient there, and backward-weight if
    its weights do. Parameters are counted, also of what is not a product: batch
    normalizations, embeddings and the like are listed as not included. The model stays as
    it is.

    ValueError for a quantized model (capture its step instead), or one that multiplies
    nothing.
    """
    check_plain(model, "describe")
    if path is not None:
        check_target(path)
    describer = _Describer()
    with watching(model, describer.product, runs=describer.runs) as auditor:
        run(model, inputs)
    text = describer.text(model_name or class_name(model), auditor.left_out())
    if path is not None:
        with replaced_whole(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
            file.write(text)
    return text


class _Describer:
    def __init__(self) -> None:
        self._layers: List[Entry] = []
        self._names = UseNames()
        self._ran: Dict[int, nn.Module] = {}
        self._multiplied: set = set()  # modules, by identity

    def text(self, name: str, unseen: Sequence[LeftOut]) -> str:
        if not self._layers:
            raise ValueError("the model multiplies no tensors")
        lines = ["format: potomac-model", "version: 1", f"model: {json.dumps(name)}", "layers:"]
        lines += [f"  - {json.dumps(entry)}" for entry in self._layers]
        left_out = self._left_out(unseen)
        if left_out:
            lines += ["not_included:", *(f"  - {json.dumps(entry)}" for entry in left_out)]
        return "\n".join(lines) + "\n"

    def runs(self, module: nn.Module) -> None:
        self._ran[id(module)] = module

    def product(
        self, modules: List[Any], product: Product, how: Quantization, a: torch.Tensor,
        w: torch.Tensor, bias: Optional[torch.Tensor], gamma: Any, needs: Tuple[bool, bool],
    ) -> None:  # fmt: skip
        self._multiplied.update(id(module) for module in modules)
        entry: Entry = {product.kind: self._names.next(how.name)}
        a_shape, w_shape = (list(product.traced(t.detach()).shape) for t in (a, w))
        if product.kind == "matmul":
            entry.update(batch=a_shape[0], m=a_shape[1], n=w_shape[2], k=a_shape[2])
        else:
            outputs = w_shape[0]
            if isinstance(product, ConvolutionProduct) and product.transposed:
                outputs = w_shape[1] * product.groups
            entry.update(input=a_shape, outputs=outputs)
        if isinstance(product, ConvolutionProduct):
            entry["kernel"] = w_shape[2:]
            entry.update({key: list(v) if isinstance(v, tuple) else v
                          for key, v in product.attributes().items()})  # fmt: skip
            if product.transposed:
                entry["output_padding"] = list(product.output_padding)
        if bias is not None:
            entry["bias"] = True
        if not needs[0]:
            entry["input_grad"] = False
        if not needs[1]:
            entry["weight_grad"] = False
        self._layers.append(entry)

    def _left_out(self, unseen: Sequence[LeftOut]) -> List[Entry]:
        """Modules that multiply nothing, by their kind, and products that were not seen."""
        kinds: Dict[str, List[nn.Module]] = {}
        for key, module in self._ran.items():
            if key not in self._multiplied and not any(True for _ in module.children()):
                kinds.setdefault(class_name(module), []).append(module)
        entries = [{"name": part.name, "kind": part.kind, "reason": part.reason}
                   for part in unseen]  # fmt: skip
        for kind in {part.kind for part in unseen}:
            kinds.pop(kind, None)
        for kind, modules in kinds.items():
            entry: Entry = {"name": f"{len(modules)} modules" if len(modules) > 1 else "1 module",
                            "kind": kind}  # fmt: skip
            parameters = sum(p.numel() for module in modules for p in module.parameters())
            if parameters:
                entry["parameters"] = parameters
            entries.append({**entry, "reason": "not a matrix product"})
        return entries
