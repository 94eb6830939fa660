"""The sums of a training step as a machine makes them.

Every product of tensors runs through the kernels of Potomac's `fast` engine: products are dropped
or kept, added in the machine's order, and wrapped or clamped, so that each accumulator is the one
that `potomac run --dump-outputs` writes of the captured step. A result is

    float32(acc * 2^scale)

rounded once, to nearest even; an infinite one is refused. Of activations that are sums of two
powers, each power's products are summed and rounded by themselves, then added in FP32. The bias is
added in FP32, as ever.
"""

import json
import warnings
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import torch
from torch import nn

from . import native
from .products import FP32_SUMS, PASSES, Accumulator, Gradients, Operands, Product, Quantization
from .quantizer import NotFinite
from .scope import ScopedModule
from .values import Powers

# Above this share of overflowed results training is warned of.
MANY = 1e-4

Override = Mapping[str, Any]


@dataclass
class SumCounts:
    """What happened in one pass of one layer, since the model was quantized or counting began anew.

    bits, lsb, overflow: its accumulator when it last ran. results, and overflowed of them: those
    whose exact sum lies outside of the accumulator's range (wrapping), or that were clamped on
    their way (saturating). overflows: additions whose sum left the range. macs; products of two
    operands that are not 0, and dropped of them: those below the lowest bit.
    """

    bits: int = 0
    lsb: int = 0
    overflow: str = ""
    results: int = 0
    overflowed: int = 0
    overflows: int = 0
    macs: int = 0
    products: int = 0
    dropped: int = 0


class MachineSums:
    """The accumulators of one model (products.Sums), and what they saw."""

    def __init__(self, accumulator: Any, overrides: Sequence[Override]) -> None:
        """ValueError if it is no accumulator, or if there is no compiled core."""
        rules = _rules_of(accumulator)
        # JSON is YAML too.
        self._machine = json.dumps(
            {"pe": {"operand_bits": 8, "accumulator": {**rules, "overrides": list(overrides)}}}
        )
        self._open()
        self.counts: Dict[Tuple[str, str], SumCounts] = {}
        self._warned = False

    def __getstate__(self) -> Dict[str, Any]:
        return {**self.__dict__, "_library": None, "_sums": None, "_layers": None}

    def __setstate__(self, state: Dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()

    def require_fit(self, name: str, bits: int, gradient_bits: int) -> None:
        """ValueError that says what would work, if a product of such codes does not fit."""
        for which, first in zip(PASSES, (bits, gradient_bits, gradient_bits)):
            self._sums.require_fit(_plain(name), which, first, bits)

    def accumulator(self, name: str, which: str) -> Accumulator:
        counts = self.counts.get((name, which))
        return (counts.bits, counts.lsb, counts.overflow == "saturate") if counts else FP32_SUMS

    def check_operand(self, how: Quantization, tensor: torch.Tensor) -> None:
        if tensor.device.type != "cpu":
            raise ValueError(f"layer {how.name!r}: accumulator= sums on the CPU, and its input is on "
                             f"{tensor.device}; call model.cpu()")  # fmt: skip

    def operands(self, product: Product, terms: List[Powers], w: Powers) -> Operands:
        powers = [*terms, w]
        return Operands(
            tuple(self._coded(product, one) for one in powers),
            tuple((one.bits, one.beta) for one in powers),
        )

    def gradient(self, product: Product, g: Powers) -> Operands:
        return Operands((self._coded(product, g),), ((g.bits, g.beta),))

    def forward(
        self, product: Product, how: Quantization, operands: Operands, bias: Any,
        a_shape: torch.Size, w_shape: torch.Size,
    ) -> torch.Tensor:  # fmt: skip
        layer = _Layer(self, product, how, a_shape, w_shape)
        *terms, w = _addressed(operands)
        result = _sum_of(
            layer.run(number, "forward", w, term, None, layer.output)
            for number, term in enumerate(terms)
        )
        return result if bias is None else product.add_bias(result, bias)

    def backward(
        self, product: Product, how: Quantization, g: Operands, operands: Operands,
        needs: Tuple[bool, bool], a_shape: torch.Size, w_shape: torch.Size,
    ) -> Gradients:  # fmt: skip
        layer = _Layer(self, product, how, a_shape, w_shape)
        *terms, w = _addressed(operands)
        (gradient,) = _addressed(g)
        da = layer.run(0, "backward-data", w, None, gradient, a_shape) if needs[0] else None
        dw = None
        if needs[1]:
            dw = _sum_of(
                layer.run(number, "backward-weight", None, term, gradient, w_shape)
                for number, term in enumerate(terms)
            )
        return da, dw

    def run(
        self, layer: Any, name: str, which: str, w: "_At", a: "_At", g: "_At", shape: Sequence[int]
    ) -> torch.Tensor:
        result = torch.empty(tuple(shape))
        seen = self._sums.run(
            layer, which, w, a, g, result.data_ptr(), torch.get_num_threads()
        )
        if not seen["finite"]:
            raise NotFinite(f"layer {name!r}, {which}: a sum leaves FP32's range")
        counts = self.counts.setdefault((name, which), SumCounts())
        counts.bits, counts.lsb = seen["bits"], seen["lsb"]
        counts.overflow = "saturate" if seen["saturates"] else "wrap"
        counts.results += seen["results"]
        counts.overflowed += seen["overflowed_results"]
        counts.overflows += seen["overflows"]
        counts.macs += seen["macs"]
        counts.products += seen["products"]
        counts.dropped += seen["dropped"]
        if seen["overflowed_results"] > MANY * seen["results"] and not self._warned:
            self._warned = True
            share = 100 * seen["overflowed_results"] / seen["results"]
            warnings.warn(
                f"layer {name!r}, {which}: {share:.3g}% of the results overflowed the accumulator "
                f"({counts.bits} bits, lsb {counts.lsb}, {counts.overflow}); see "
                "potomac.overflows(model)",
                stacklevel=2,
            )
        return result

    def layer_shape(
        self, product: Product, name: str, a: torch.Size, w: torch.Size, g: Tuple[int, ...]
    ) -> Any:
        """The product as Potomac's core knows it; made once."""
        key = (name, product, tuple(a), tuple(w))
        layer = self._layers.get(key)
        if layer is None:
            extents = [
                tuple(product.traced(torch.empty(shape, device="meta")).shape) for shape in (a, g)
            ]
            layer = self._layers[key] = self._library.layer_shape(
                _plain(name), product.kind, (w, *extents), product.attributes()
            )
        return layer

    def _open(self) -> None:
        library = native.library()
        if library is None:
            raise ValueError(
                "accumulator: its sums are the compiled core's, which is not there; install the "
                "package potomac, and do without POTOMAC_CAPTURE_NATIVE=0"
            )
        self._library = library
        self._sums = library.training_sums(self._machine)
        self._layers: Dict[Any, Any] = {}

    def _coded(self, product: Product, powers: Powers) -> torch.Tensor:
        return self._library.codes_of_values(powers.values, powers.bits, powers.beta)


# Codes in memory: their address, bits and beta; None: not an operand of the pass.
_At = Optional[Tuple[int, int, int]]


class _Layer:
    """One use of a product, whose passes run."""

    def __init__(
        self, sums: MachineSums, product: Product, how: Quantization, a_shape: torch.Size,
        w_shape: torch.Size,
    ) -> None:  # fmt: skip
        self.output = product.output_shape(a_shape, w_shape)
        self._sums, self._product, self._name = sums, product, how.name
        self._shapes = a_shape, w_shape, self.output

    def run(
        self, term: int, which: str, w: _At, a: _At, g: _At, shape: Sequence[int]
    ) -> torch.Tensor:
        name = f"{self._name}.second" if term else self._name  # as a trace calls it
        layer = self._sums.layer_shape(self._product, name, *self._shapes)
        return self._sums.run(layer, name, which, w, a, g, shape)


def overflows(model: nn.Module, *, reset: bool = False) -> Dict[str, Dict[str, SumCounts]]:
    """What the accumulators of a model quantized with `accumulator=` saw, by layer and pass:
    overflows(model)["fc1"]["backward-weight"].dropped. reset: begin to count anew.

    ValueError if the model's sums are FP32's.
    """
    found: Dict[str, Dict[str, SumCounts]] = {}
    for sums in {id(s): s for s in _sums_of(model)}.values():
        for (name, which), counts in sums.counts.items():
            found.setdefault(name, {})[which] = counts
        if reset:
            sums.counts = {}
    return found


def _sums_of(model: nn.Module) -> List[MachineSums]:
    found = [
        module.how.sums
        for module in model.modules()
        if isinstance(module, ScopedModule)
        and module.how is not None
        and isinstance(module.how.sums, MachineSums)
    ]
    if not found:
        raise ValueError("the model has no accumulators: give quantize() one, accumulator=...")
    return found


def _addressed(operands: Operands) -> List[_At]:
    return [(t.data_ptr(), *scale) for t, scale in zip(operands.tensors, operands.scales)]


def _sum_of(terms: Any) -> torch.Tensor:
    first, *rest = terms
    for term in rest:
        first += term
    return first


def _rules_of(accumulator: Any) -> Dict[str, Any]:
    names = ("bits", "lsb", "overflow")
    if not all(hasattr(accumulator, name) for name in names):
        raise ValueError(
            f"accumulator: a {type(accumulator).__name__} is none; give potomac.Accumulator"
        )
    rules = {name: getattr(accumulator, name) for name in names}
    if rules["lsb"] is None:
        rules["lsb"] = "exact"
    return rules


def _plain(name: str) -> str:
    """A layer's name as a trace has it."""
    return name.replace("/", "_") or "model"
