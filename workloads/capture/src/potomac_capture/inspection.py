"""`inspect`: what `quantize` would quantize of a model, and what it would leave, before training."""

from dataclasses import dataclass
from typing import Any, List, Optional, Tuple

import torch
from torch import nn

from .dry_run import Inputs, check_plain, run, watching
from .products import Product, Quantization
from .trace_file import LeftOut, UseNames
from .wrap import Exclude, excluded_names


@dataclass(frozen=True)
class InspectedProduct:
    """A product of a forward: its name in a trace, its kind, the shapes of W, A and of the output,
    whose gradient is G; MACs of the forward, and of all of its passes in a step of training."""

    name: str
    kind: str
    w: Tuple[int, ...]
    a: Tuple[int, ...]
    g: Tuple[int, ...]
    forward_macs: int
    step_macs: int


@dataclass(frozen=True)
class Inspection:
    """What is quantized, in the order of the forward, and products that stay FP32. print() it."""

    products: List[InspectedProduct]
    left_out: List[LeftOut]

    @property
    def forward_macs(self) -> int:
        return sum(product.forward_macs for product in self.products)

    @property
    def step_macs(self) -> int:
        return sum(product.step_macs for product in self.products)

    def __str__(self) -> str:
        rows = [("product", "kind", "W", "A", "G", "forward MACs", "step MACs")]
        rows += [
            (p.name, p.kind, *(_text(shape) for shape in (p.w, p.a, p.g)),
             f"{p.forward_macs:,}", f"{p.step_macs:,}")
            for p in self.products
        ]  # fmt: skip
        rows.append(("total", "", "", "", "", f"{self.forward_macs:,}", f"{self.step_macs:,}"))
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = [
            "  ".join(
                cell.rjust(width) if column >= 5 else cell.ljust(width)
                for column, (cell, width) in enumerate(zip(row, widths))
            )
            for row in rows
        ]
        rule = "  ".join("-" * width for width in widths)
        lines = [lines[0], rule, *lines[1:-1], rule, lines[-1]]
        lines += [f"stays FP32: {part.name} ({part.kind}), {part.reason}" for part in self.left_out]
        return "\n".join(line.rstrip() for line in lines)


def inspect(model: nn.Module, inputs: Inputs, *, exclude: Exclude = ()) -> Inspection:
    """Runs one forward of the model as it is, and says what quantize(model, exclude=exclude) would
    quantize. inputs: a tensor, a sequence of arguments, or a mapping of named ones; on the "meta"
    device, with the model, nothing is computed.

    A step has backward-data where the input needs a gradient, backward-weight where the weights do.
    ValueError for a quantized model.
    """
    check_plain(model, "inspect")
    products: List[InspectedProduct] = []
    names = UseNames()

    def product_seen(
        modules: Any, product: Product, how: Quantization, a: torch.Tensor, w: torch.Tensor,
        bias: Optional[torch.Tensor], gamma: Any, needs: Tuple[bool, bool],
    ) -> None:  # fmt: skip
        output = torch.empty(product.output_shape(a.shape, w.shape), device="meta")
        shapes = [tuple(product.traced(t.detach()).shape) for t in (w, a, output)]
        macs = product.macs(a.shape, w.shape)
        step = macs * (1 + sum(needs))
        products.append(
            InspectedProduct(names.next(how.name), product.kind, *shapes, macs, step)
        )

    excluded = excluded_names(model, exclude)
    with watching(model, product_seen, excluded) as auditor:
        run(model, inputs)
    return Inspection(products, auditor.left_out())


def _text(shape: Tuple[int, ...]) -> str:
    return "[" + ", ".join(map(str, shape)) + "]"
