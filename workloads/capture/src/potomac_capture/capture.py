"""`capture`: writes one forward and backward of a quantized model as a trace.

The codes of a tensor are made at the moment the step uses it, from the same clipped A,
corrected W and incoming G, so a trace holds what the step computed with.
"""

import os
from contextlib import contextmanager
from typing import Dict, Iterator, List, Optional, Union

import numpy as np
import torch
from torch import nn

from .layers import QuantizedConv2d, QuantizedLayer, symmetric_padding
from .quantizer import quantize_tensor, zero_code
from .ratio_clipping import prc_clip
from .trace_file import CodedTensor, TraceLayer, write_trace
from .weight_bias import weight_bias_correction
from .wrap import quantized_layers


class CaptureError(RuntimeError):
    """The step within `capture` is not one that a trace can hold."""


@contextmanager
def capture(
    model: nn.Module,
    path: Union[str, os.PathLike],
    *,
    dataset: str,
    step: int,
    seed: int,
    model_name: Optional[str] = None,
) -> Iterator[None]:
    """Writes the one forward and backward of `model` run in its body to `path`.

    `dataset`, `step` and `seed` say where the step comes from, `model_name` (the class of
    the model unless given) what was trained. Layers appear in the order of their forward;
    those that the step does not use are left out.

    CaptureError if the model has no quantized layer, if a layer runs more than once, if
    a forward has no backward, or if nothing ran. When that, or anything in the body,
    raises, no file is written, and one that was there stays.
    """
    layers = quantized_layers(model)
    if not layers:
        raise CaptureError("the model has no quantized layer; call quantize(model)")
    order: List[_Recorder] = []
    for layer in layers:
        layer.how.record = _Recorder(layer, order)
    try:
        yield
    finally:
        for layer in layers:
            layer.how.record = None
    if not order:
        raise CaptureError("no quantized layer ran while capturing")
    roundings = {layer.how.rounding for layer in layers}
    if len(roundings) > 1:
        raise CaptureError(f"layers round differently: {', '.join(sorted(roundings))}")
    attributes = {
        "model": model_name if model_name is not None else type(model).__name__,
        "framework": "pytorch " + ".".join(torch.__version__.split(".")[:2]),
        "dataset": dataset,
        "step": step,
        "seed": seed,
        "rounding": roundings.pop(),
    }
    write_trace(path, attributes, [recorder.finished() for recorder in order])


class _Recorder:
    """Watches one layer through a captured step (a layers.LayerRecord)."""

    def __init__(self, layer: QuantizedLayer, order: List["_Recorder"]) -> None:
        self._layer = layer
        self._order = order
        self._tensors: Dict[str, CodedTensor] = {}
        self._input_gradient = False

    def forward(
        self,
        a: torch.Tensor,
        w: torch.Tensor,
        gamma: Optional[float],
        input_gradient: bool,
    ) -> None:
        how = self._layer.how
        if "A" in self._tensors:
            raise CaptureError(
                f"layer {how.name!r} ran more than once in the captured step; a trace "
                "holds one run of each layer (give each use a module of its own)"
            )
        self._order.append(self)
        self._input_gradient = input_gradient
        name = how.tensor_name("W")
        corrected = weight_bias_correction(w, name) if how.wbc else w
        self._record("W", corrected, how.bits)
        clipped = a if gamma is None else prc_clip(a, gamma, how.tensor_name("A"))
        self._record("A", self._batched(clipped), how.bits)

    def backward(self, g: torch.Tensor) -> None:
        how = self._layer.how
        if "G" in self._tensors:
            raise CaptureError(f"layer {how.name!r} had more than one backward")
        self._record("G", self._batched(g), how.gradient_bits)

    def finished(self) -> TraceLayer:
        """The layer as the trace holds it, once the step is over."""
        layer = self._layer
        if "G" not in self._tensors:
            raise CaptureError(
                f"layer {layer.how.name!r} had a forward but no backward; run both "
                "inside `with capture(...)`"
            )
        attributes = {
            "kind": "linear",
            "input_grad": int(self._input_gradient),
        }
        if isinstance(layer, QuantizedConv2d):
            attributes["kind"] = "conv2d"
            attributes["stride"] = tuple(layer.stride)
            attributes["padding"] = symmetric_padding(layer)
            attributes["dilation"] = tuple(layer.dilation)
            attributes["groups"] = layer.groups
        return TraceLayer(layer.how.name, attributes, self._tensors)

    def _batched(self, tensor: torch.Tensor) -> torch.Tensor:
        """A linear layer's leading dimensions (or their absence) as one batch."""
        if isinstance(self._layer, QuantizedConv2d):
            return tensor
        return tensor.reshape(-1, tensor.shape[-1])

    def _record(self, role: str, tensor: torch.Tensor, bits: int) -> None:
        how = self._layer.how
        codes, beta = quantize_tensor(tensor, bits, how.rounding, how.tensor_name(role))
        stored = np.ascontiguousarray(codes.cpu().numpy())
        exact_zeros = int((tensor == 0).sum())
        underflows = int((stored == zero_code(bits)).sum()) - exact_zeros
        self._tensors[role] = CodedTensor(stored, bits, beta, exact_zeros, underflows)
