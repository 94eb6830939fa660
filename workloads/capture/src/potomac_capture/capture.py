"""`capture`: writes one step of a quantized model as a trace.

The codes of a tensor are made at the moment the step uses it, from the same clipped A,
corrected W and incoming G, so a trace holds what the step computed with: each use of a
layer in its forward order, with the passes that it has.
"""

import os
import warnings
from contextlib import ExitStack, contextmanager
from typing import Any, Dict, Iterator, List, Mapping, Optional, Set, Tuple, Union

import numpy as np
import torch
from torch import nn

from .audit import Auditor
from .backward import in_backward, noting_backward
from .interception import add_watcher, remove_watcher
from .lineage import Lineage, Makers
from .output_file import check_target
from .products import FP32_SUMS, PASSES, Accumulator, Product, Quantization
from .quantizer import quantize_tensor, zero_code
from .ratio_clipping import prc_clip
from .scope import ScopedModule, class_name, entry_listeners
from .trace_file import CodedTensor, LeftOut, TraceLayer, UseNames, write_trace
from .values import quantized_values
from .weight_bias import weight_bias_correction


class CaptureError(RuntimeError):
    """The step within `capture` is not one that a trace can hold."""


@contextmanager
def capture(
    model: Union[nn.Module, Mapping[str, nn.Module]],
    path: Union[str, os.PathLike],
    *,
    dataset: str,
    step: int,
    seed: int,
    model_name: Optional[str] = None,
    micro_batch: Optional[int] = None,
    originals: bool = False,
    every: Optional[int] = None,
) -> Iterator[None]:
    """Writes the step of `model` run in its body, forward and backward, to `path`.

    Of a step that several models have part in, `model` has them by name: {"generator": g,
    "discriminator": d}; their layers are then "generator.fc1" and so on.

    `every=100` captures the steps that it divides, and lets others run as they are; `path` then
    has the step in its name: "trace-{step}.h5".

    `dataset`, `step` and `seed` say where the step comes from, `model_name` (the class of
    the model unless given) what was trained. Products appear in the order of their forward;
    a layer that is used several times appears as often. Of a step that calls the model
    several times (accumulating gradients), all calls are captured, or the one that
    `micro_batch` names, from 0. A product whose weights are frozen, or not asked for
    (autograd.grad), has no backward-weight pass, one whose input needs no gradient no
    backward-data pass; under no_grad it has neither. What checkpointing computes a second
    time is not counted again.

    `originals` puts W, A and G beside their codes as the binary32 that they were, before anything
    was clipped or corrected: the FP32 baseline then computes with these. It makes a trace some five
    times as large.

    What multiplies in the step but stays FP32 is warned of, and listed in the trace.

    ValueError or TypeError, before the body is run, for a folder that is not there, or a
    step or seed that is no 64-bit integer. CaptureError if the model is not quantized, if a
    forward has no backward, or if nothing ran. When that, or anything in the body, raises,
    no file is written, and one that was there stays.
    """
    models = _named(model)
    for name, one in models.items():
        if not any(isinstance(module, ScopedModule) for module in one.modules()):
            raise CaptureError(f"{name or 'the model'} has no quantized layer; call quantize() on it")
    if micro_batch is not None and len(models) > 1:
        raise ValueError("micro_batch is of one model")
    if every is not None:
        path = _path_of_step(path, every, _integer("step", step))
        if step % every:
            yield
            return
    if model_name is None:
        model_name = "+".join(class_name(one) for one in models.values())
    attributes = {
        "model": _text("model_name", model_name),
        "framework": "pytorch " + ".".join(torch.__version__.split(".")[:2]),
        "dataset": _text("dataset", dataset),
        "step": _integer("step", step),
        "seed": _integer("seed", seed),
    }
    check_target(path)
    recorder = _Recorder(models, micro_batch, originals)
    with recorder.watching():
        yield
    layers = recorder.finished()
    roundings = {use.how.rounding for use in recorder.uses}
    if len(roundings) > 1:
        raise CaptureError(f"layers round differently: {', '.join(sorted(roundings))}")
    attributes["rounding"] = roundings.pop()
    of_gradients = {use.how.gradient_rounding for use in recorder.uses}
    if of_gradients != {attributes["rounding"]}:
        attributes["gradient_rounding"] = of_gradients.pop()
    left_out = recorder.left_out()
    write_trace(path, attributes, layers, left_out)
    if left_out:
        named = ", ".join(f"{part.name} ({part.kind})" for part in left_out)
        warnings.warn(f"not in the trace, as they stay FP32: {named}", stacklevel=3)


def _named(model: Union[nn.Module, Mapping[str, nn.Module]]) -> Dict[str, nn.Module]:
    """By the prefix of their layers' names."""
    if isinstance(model, nn.Module):
        return {"": model}
    for name, one in model.items():
        if not isinstance(name, str) or not name or "." in name or not isinstance(one, nn.Module):
            raise TypeError(f"model: {name!r} is no name without dots, or of no module")
    if not model:
        raise CaptureError("there is no model to capture")
    return dict(model)


def _path_of_step(path: Union[str, os.PathLike], every: Any, step: int) -> str:
    if isinstance(every, bool) or not isinstance(every, int) or every < 1:
        raise ValueError(f"every is a number of steps, from 1, not {every!r}")
    if "{step}" not in os.fspath(path):
        raise ValueError(f"every: {path} would be written again and again; name the step in it: "
                         "trace-{step}.h5")  # fmt: skip
    return os.fspath(path).replace("{step}", str(step))


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} is a text, not {value!r}")
    return value


def _integer(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} is an integer, not {value!r}; write 0 if there is none")
    if not -(2**63) <= value < 2**63:
        raise ValueError(f"{name} does not fit 64 bits: {value}")
    return int(value)


class _Use:
    """One product of the captured step (products.Use)."""

    def __init__(
        self, base: str, product: Product, how: Quantization, needs: Tuple[bool, bool],
        tensors: Dict[str, CodedTensor], originals: Optional[Dict[str, np.ndarray]],
        made: Dict[str, Optional[Makers]], lineage: Lineage,
    ) -> None:  # fmt: skip
        self.base, self.product, self.how, self.needs = base, product, how, needs
        self.tensors, self.originals, self.made = tensors, originals, made
        self.g_shape: Tuple[int, ...] = ()
        self.passes: Set[str] = set()  # of its backward, that ran
        self.over = False  # once the capture is, whatever PyTorch still does with the product
        self._lineage = lineage
        self._sums: Dict[Tuple[str, str], Accumulator] = {}  # by layer and pass

    def result(self, y: torch.Tensor) -> None:
        self._lineage.mark(y, frozenset({self}))
        self._note_sums("forward")

    def ran(self, which: str) -> None:
        self._note_sums(which)
        if not self.over:
            self.passes.add(which)

    def gradient(self, g: torch.Tensor, key: int) -> None:
        if self.over:
            return
        if "G" in self.tensors:
            raise CaptureError(
                f"layer {self.base!r} had more than one backward for one forward; a step has "
                "one (sum the losses, and call backward() once)"
            )
        how = self.how
        self.tensors["G"] = _coded(
            self.product, g, how.gradient_bits, how.gradient_rounding, how.tensor_name("G"), key
        )
        if self.originals is not None:
            self.originals["G"] = _stored(self.product.traced(g.detach()))

    def layers(self, name: str, number_of: Dict["_Use", int]) -> Iterator[TraceLayer]:
        """Of the product, and of that with the second power of A: the same W and G, and no
        backward-data pass, in which A has no part. number_of: the traced layer of each use."""
        # What ran: of autograd.grad(y, x) no backward-weight, though W may need a gradient.
        weight_grad = "backward-weight" in self.passes
        attributes = {"kind": self.product.kind, "input_grad": int("backward-data" in self.passes)}
        if not weight_grad:
            attributes["weight_grad"] = 0
        if not self.passes:
            attributes["g_shape"] = self.g_shape
            for of_pass in (self.tensors, self.originals or {}):
                of_pass.pop("G", None)
        attributes.update(self.product.attributes())
        producers = {
            role: tuple(sorted(number_of[use] for use in uses))
            for role, uses in self.made.items()
            if uses is not None and all(use in number_of for use in uses)
        }
        first = {role: self.tensors[role] for role in "WAG" if role in self.tensors}
        sums = self._sums_of(self.how.name)
        yield TraceLayer(name, {**attributes, **sums}, first, producers, self.originals or {})
        if "A2" in self.tensors:
            sums = self._sums_of(f"{self.how.name}.second")
            second = {**attributes, **sums, "input_grad": 0, "term": 2}
            tensors = {"W": first["W"], "A": self.tensors["A2"]}
            if weight_grad:
                tensors["G"] = first["G"]
            else:
                second["g_shape"] = self.g_shape
            yield TraceLayer(f"{name}.second", second, tensors, producers)

    def traced_layers(self) -> int:
        return 2 if "A2" in self.tensors else 1

    def _note_sums(self, which: str) -> None:
        for layer in (self.how.name, f"{self.how.name}.second")[: self.traced_layers()]:
            self._sums[layer, which] = self.how.sums.accumulator(layer, which)

    def _sums_of(self, layer: str) -> Dict[str, Tuple[int, ...]]:
        bits, lsbs, saturates = zip(
            *(self._sums.get((layer, which), FP32_SUMS) for which in PASSES)
        )
        return {"acc_bits": bits, "acc_lsb": lsbs, "acc_overflow": tuple(map(int, saturates))}


class _Recorder:
    """Watches models through the body of `capture`."""

    def __init__(
        self, models: Dict[str, nn.Module], micro_batch: Optional[int], originals: bool
    ) -> None:
        self.uses: List[_Use] = []
        self._originals, self._lineage = originals, Lineage()
        self._prefixes = {id(m): name for name, one in models.items() for m in one.modules()}
        self._models, self._micro_batch, self._calls = list(models.values()), micro_batch, -1
        together = models[""] if "" in models else nn.ModuleDict(models)
        self._auditor = Auditor(together, self._audits)

    @contextmanager
    def watching(self) -> Iterator[None]:
        with ExitStack() as stack:
            add_watcher(self._product)
            stack.callback(remove_watcher, self._product)
            entry_listeners.append(self._entered)
            stack.callback(entry_listeners.remove, self._entered)
            stack.enter_context(noting_backward())
            stack.enter_context(self._auditor)
            stack.enter_context(self._lineage)
            stack.callback(self._end)
            yield

    def finished(self) -> List[TraceLayer]:
        """The layers as the trace holds them, once the step is over."""
        if not self.uses:
            raise CaptureError(
                "no quantized layer ran while capturing"
                if self._micro_batch is None or self._calls < 0
                else f"there is no micro-batch {self._micro_batch}: the model was called "
                f"{self._calls + 1} times"
            )
        trained = [use for use in self.uses if any(use.needs)]
        if trained and not any("G" in use.tensors for use in trained):
            raise CaptureError(
                f"layer {trained[0].base!r} had a forward but no backward; run both inside "
                "`with capture(...)`, or what is not trained under torch.no_grad()"
            )
        names = UseNames()
        number_of: Dict[_Use, int] = {}
        number = 0
        for use in self.uses:
            number_of[use] = number
            number += use.traced_layers()
        return [layer for use in self.uses for layer in use.layers(names.next(use.base), number_of)]

    def _end(self) -> None:
        for use in self.uses:
            use.over = True

    def left_out(self) -> List[LeftOut]:
        return self._auditor.left_out()

    def _entered(self, module: ScopedModule) -> None:
        if module in self._models and not in_backward():
            self._calls += 1

    def _audits(self) -> bool:
        """Whose call a backward belongs to is not known."""
        return self._micro_batch is None if in_backward() else self._selected()

    def _selected(self) -> bool:
        return self._micro_batch is None or self._calls == self._micro_batch

    def _product(
        self, modules: List[ScopedModule], product: Product, how: Quantization,
        a: torch.Tensor, w: torch.Tensor, bias: Optional[torch.Tensor],
        gamma: Optional[torch.Tensor], needs: Tuple[bool, bool],
    ) -> Optional[_Use]:  # fmt: skip
        prefix = next((self._prefixes[id(m)] for m in modules if id(m) in self._prefixes), None)
        if prefix is None or (not self._selected() and not in_backward()):
            return None
        base = f"{prefix}.{how.name}".strip(".")
        clipped = a if gamma is None else prc_clip(a, float(gamma), how.tensor_name("A"))
        corrected = weight_bias_correction(w, how.tensor_name("W")) if how.wbc else w
        tensors = {
            "W": _coded(product, corrected, how.bits, how.rounding, how.tensor_name("W")),
            "A": _coded(product, clipped, how.bits, how.rounding, how.tensor_name("A")),
        }
        if how.activation_terms == 2:
            name = how.tensor_name("A")
            rest = clipped.detach() - quantized_values(clipped, how.bits, how.rounding, name)
            tensors["A2"] = _coded(product, rest, how.bits, how.rounding, name)
        if in_backward():
            return self._recomputed(base, needs, tensors)
        originals = None
        if self._originals:
            values = (("W", w), ("A", a))
            originals = {role: _stored(product.traced(t.detach())) for role, t in values}
        made = {"A": self._lineage.makers_of(a), "W": self._lineage.makers_of(w)}
        use = _Use(base, product, how, needs, tensors, originals, made, self._lineage)
        # After a forward alone the output's extents are all that is known of G.
        output = torch.empty(product.output_shape(a.shape, w.shape), device="meta")
        use.g_shape = tuple(product.traced(output).shape)
        self.uses.append(use)
        return use

    def _recomputed(
        self, base: str, needs: Tuple[bool, bool], tensors: Dict[str, CodedTensor]
    ) -> Optional[_Use]:
        """What a checkpoint's backward computes again: the use it was the first time, which had
        no gradients then if the checkpoint ran it under no_grad."""
        for use in self.uses:
            same = use.base == base and not any(use.needs) and all(
                np.array_equal(use.tensors[role].codes, tensors[role].codes) for role in tensors
            )  # fmt: skip
            if same:
                use.needs = needs
                return use
        return None


def _stored(values: torch.Tensor) -> np.ndarray:
    """A copy, which the step cannot change any more."""
    return values.cpu().numpy().astype(np.float32, order="C", copy=True)


def _coded(
    product: Product, tensor: torch.Tensor, bits: int, rounding: str, name: str, key: int = 0
) -> CodedTensor:
    tensor = product.traced(tensor.detach())
    codes, beta = quantize_tensor(tensor, bits, rounding, name, key)
    stored = np.ascontiguousarray(codes.cpu().numpy())
    exact_zeros = int((tensor == 0).sum())
    underflows = int((stored == zero_code(bits)).sum()) - exact_zeros
    return CodedTensor(stored, bits, beta, exact_zeros, underflows)
