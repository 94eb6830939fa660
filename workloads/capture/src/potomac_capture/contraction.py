"""Contractions of tensors (einsum, tensordot, multi_dot) as products of matrices.

Axes have labels. Labels that two operands share are batches if the result keeps them, and are
reduced if it does not; what only one has are rows or columns. An operand's own diagonals and sums
are taken before, and products that reduce nothing are elementwise: neither is a product of
matrices.
"""

import math
from dataclasses import dataclass
from typing import Any, Callable, Dict, Hashable, List, Optional, Sequence, Set, Tuple

import torch

Tensor = torch.Tensor
Label = Hashable
# (batches or none, rows, depth) times (batches or none, depth, columns).
Multiply = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Term:
    """A tensor and its axes' labels."""

    tensor: Tensor
    labels: List[Label]

    def extents(self) -> Dict[Label, int]:
        return dict(zip(self.labels, self.tensor.shape))


def parsed(arguments: Sequence[Any]) -> Optional[Tuple[List[Term], List[Label]]]:
    """einsum's operands and the labels of its result: of an equation, with or without "->" and
    "...", or of lists of labels. None if it is none; PyTorch then says why."""
    if isinstance(arguments[0], str):
        operands = arguments[1:]
        if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
            operands = tuple(operands[0])
        sides = arguments[0].replace(" ", "").split("->")
        texts: List[Sequence[Any]] = [_letters(text) for text in sides[0].split(",")]
        output: Optional[Sequence[Any]] = _letters(sides[1]) if len(sides) == 2 else None
    else:
        operands, texts = arguments[::2], list(arguments[1::2])
        output = operands[-1] if len(arguments) % 2 else None
        operands = operands[: len(texts)]
    if len(operands) != len(texts) or not all(isinstance(o, Tensor) for o in operands):
        return None
    terms = [_term(operand, text) for operand, text in zip(operands, texts)]
    if any(term is None for term in terms):
        return None
    known = [term for term in terms if term is not None]
    rank = max((sum(_is_broadcast(label) for label in term.labels) for term in known), default=0)
    ellipsis: List[Label] = [("...", i) for i in reversed(range(rank))]
    if output is None:
        seen = [label for term in known for label in term.labels if not _is_broadcast(label)]
        once = sorted(label for label in set(seen) if seen.count(label) == 1)
        return known, [*ellipsis, *once]
    result: List[Label] = []
    for label in output:
        result += ellipsis if label is Ellipsis else [label]
    return known, result


def contract(
    terms: Sequence[Term], result: Sequence[Label], multiply: Multiply
) -> Optional[Tensor]:
    """From left to right. None where no two operands have a label to reduce."""
    prepared = [_prepared(term) for term in terms]
    extents: Dict[Label, int] = {}
    for term in prepared:
        for label, extent in term.extents().items():
            extents[label] = max(extent, extents.get(label, 1))
    # One stands for any number.
    prepared = [
        Term(t.tensor.expand([extents[label] for label in t.labels]), t.labels) for t in prepared
    ]
    if not set(result) <= set(extents) or len(set(result)) != len(result):
        return None
    left, *rest = prepared
    reduced = False
    while rest:
        right, *rest = rest
        needed = set(result).union(*(term.labels for term in rest))
        pair = [_summed(term, other, needed) for term, other in ((left, right), (right, left))]
        if set(pair[0].labels) & set(pair[1].labels) - needed:
            reduced = True
            left = _product(*pair, needed, extents, multiply)
        else:
            left = _elementwise(*pair)
    if not reduced:
        return None
    left = _summed(left, Term(left.tensor, list(result)), set(result))
    return left.tensor.permute([left.labels.index(label) for label in result])


def chain(matrices: Sequence[Tensor], multiply: Multiply) -> Tensor:
    """Their product, in the order with the fewest MACs."""
    extents = [m.shape[0] for m in matrices] + [matrices[-1].shape[1]]
    count = len(matrices)
    costs = [[0] * count for _ in range(count)]
    cuts = [[0] * count for _ in range(count)]
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            costs[i][j], cuts[i][j] = min(
                (costs[i][k] + costs[k + 1][j] + extents[i] * extents[k + 1] * extents[j + 1], k)
                for k in range(i, j)
            )

    def product(i: int, j: int) -> Tensor:
        if i == j:
            return matrices[i]
        cut = cuts[i][j]
        return multiply(product(i, cut), product(cut + 1, j))

    return product(0, count - 1)


def _letters(text: str) -> List[Any]:
    letters: List[Any] = []
    while text:
        dots = text.startswith("...")
        letters.append(Ellipsis if dots else text[0])
        text = text[3 if dots else 1 :]
    return letters


def _is_broadcast(label: Label) -> bool:
    return isinstance(label, tuple)


def _term(operand: Tensor, text: Sequence[Any]) -> Optional[Term]:
    """None if the operand has another number of axes."""
    dots = sum(label is Ellipsis for label in text)
    rank = operand.dim() - (len(text) - dots)
    if dots > 1 or rank < 0 or (rank > 0 and not dots):
        return None
    labels: List[Label] = []
    for label in text:
        labels += [("...", i) for i in reversed(range(rank))] if label is Ellipsis else [label]
    return Term(operand, labels)


def _prepared(term: Term) -> Term:
    """Without repeated labels: the diagonal."""
    tensor, labels = term.tensor, list(term.labels)
    for label in set(labels):
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            tensor = tensor.diagonal(dim1=first, dim2=second)  # the last axis
            labels = [x for i, x in enumerate(labels) if i not in (first, second)] + [label]
    return Term(tensor, labels)


def _summed(term: Term, other: Term, needed: Set[Label]) -> Term:
    """Over what neither the other one nor the result has."""
    axes = [i for i, x in enumerate(term.labels) if x not in needed and x not in other.labels]
    if not axes:
        return term
    labels = [x for i, x in enumerate(term.labels) if i not in axes]
    return Term(term.tensor.sum(axes), labels)


def _product(
    left: Term, right: Term, needed: Set[Label], extents: Dict[Label, int], multiply: Multiply
) -> Term:
    batch = [x for x in left.labels if x in right.labels and x in needed]
    depth = [x for x in left.labels if x in right.labels and x not in needed]
    rows = [x for x in left.labels if x not in right.labels]
    columns = [x for x in right.labels if x not in left.labels]

    def arranged(term: Term, *groups: List[Label]) -> Tensor:
        order = [term.labels.index(x) for group in groups for x in group]
        shape = [math.prod(extents[x] for x in group) for group in groups]
        tensor = term.tensor
        if order != list(range(len(order))):
            tensor = tensor.permute(order)
        shape = shape if batch else shape[1:]
        return tensor if list(tensor.shape) == shape else tensor.reshape(shape)

    product = multiply(arranged(left, batch, rows, depth), arranged(right, batch, depth, columns))
    labels = batch + rows + columns
    return Term(product.reshape([extents[x] for x in labels]), labels)


def _elementwise(left: Term, right: Term) -> Term:
    labels = left.labels + [x for x in right.labels if x not in left.labels]

    def aligned(term: Term) -> Tensor:
        here = [x for x in labels if x in term.labels]
        tensor = term.tensor.permute([term.labels.index(x) for x in here])
        for axis, label in enumerate(labels):
            if label not in term.labels:
                tensor = tensor.unsqueeze(axis)
        return tensor

    return Term(aligned(left) * aligned(right), labels)
