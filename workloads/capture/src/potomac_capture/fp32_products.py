"""Products of PyTorch's own, by the names of its dispatcher, and their MACs."""

import math
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

import torch

Tensor = torch.Tensor


class _Operation(NamedTuple):
    """Where among the arguments its operands are, and its MACs, of the arguments and the result;
    None where it is many products."""

    operands: Tuple[int, ...]
    macs: Optional[Callable[[Tuple[Any, ...], Tensor], int]]


def _matrices(first: int) -> _Operation:
    """A product as numpy's, whose operands are the arguments from `first` on."""

    def macs(args: Tuple[Any, ...], _: Tensor) -> int:
        a, w = args[first], args[first + 1]
        columns = w.shape[-1] if w.dim() > 1 else 1
        return (a._nnz() if a.layout == torch.sparse_coo else a.numel()) * columns

    return _Operation((first, first + 1), macs)


def _convolution_macs(rows: Tensor, w: Tensor) -> int:
    """rows: of which every element of a channel is multiplied by the weights that are for it."""
    return rows.numel() // rows.shape[1] * w.numel()


_CONVOLUTION = _Operation((0, 1), lambda args, y: _convolution_macs(args[0] if args[6] else y, args[1]))
_CONVOLUTION_BACKWARD = _Operation(
    (0, 1, 2),
    lambda args, _: _convolution_macs(args[1] if args[7] else args[0], args[2]) * sum(args[10][:2]),
)
_LINEAR = _Operation((0, 1), lambda args, _: args[0].numel() * args[1].shape[0])
_DISTANCES = _Operation((0, 1), lambda args, y: y.numel() * args[0].shape[-1])
_CONV_TBC = _Operation((0, 1), lambda args, y: y.numel() * math.prod(args[1].shape[:2]))
_WEIGHTED_ROWS = _Operation((0, 6), lambda args, _: args[1].numel() * args[0].shape[1])

_EMBEDDING_BAGS = ("_embedding_bag", "_embedding_bag_forward_only")
_OPERATIONS: Dict[str, _Operation] = {
    **dict.fromkeys(
        ("mm", "bmm", "mv", "dot", "vdot", "_sparse_mm", "_sparse_sparse_matmul", "smm", "hspmm"),
        _matrices(0),
    ),
    **dict.fromkeys(("addmm", "baddbmm", "addmv", "addbmm", "_sparse_addmm", "sspaddmm"), _matrices(1)),
    **dict.fromkeys(("convolution", "_convolution", "convolution_overrideable"), _CONVOLUTION),
    "convolution_backward": _CONVOLUTION_BACKWARD,
    **dict.fromkeys(("linear", "mkldnn_linear"), _LINEAR),
    **dict.fromkeys(("_cdist_forward", "_euclidean_dist", "linalg_vecdot"), _DISTANCES),
    "conv_tbc": _CONV_TBC,
    **dict.fromkeys(_EMBEDDING_BAGS, _WEIGHTED_ROWS),
    **dict.fromkeys(
        ("mkldnn_rnn_layer", "_trilinear", "_native_multi_head_attention", "_thnn_fused_lstm_cell",
         "_transformer_encoder_layer_fwd", "_scaled_dot_product_flash_attention",
         "_scaled_dot_product_efficient_attention", "_scaled_dot_product_flash_attention_for_cpu"),
        _Operation((0, 1), None),
    ),
}  # fmt: skip


def multiplies(name: str, args: Tuple[Any, ...]) -> bool:
    if name in _EMBEDDING_BAGS:
        return len(args) > 6 and args[6] is not None  # else rows are summed without weights
    return name in _OPERATIONS


def operands_of(name: str, args: Tuple[Any, ...]) -> List[Tensor]:
    return [args[place] for place in _OPERATIONS[name].operands]


class Fp32Products:
    """Some, counted: text() has how many they are, their MACs and the shapes of the first."""

    def __init__(self) -> None:
        self._count, self._macs, self._shapes = 0, 0, ""
        self._known = True

    def add(self, name: str, args: Tuple[Any, ...], result: Any) -> None:
        operation = _OPERATIONS[name]
        self._count += 1
        if self._count == 1:
            shapes = [tuple(operand.shape) for operand in operands_of(name, args)]
            self._shapes = " x ".join("[" + ", ".join(map(str, shape)) + "]" for shape in shapes)
        if operation.macs is None:
            self._known = False
        else:
            self._macs += operation.macs(args, result[0] if isinstance(result, tuple) else result)

    def text(self) -> str:
        macs = f" of {self._macs:,} MACs" if self._known else ""
        if self._count == 1:
            return f"1 product{macs}, {self._shapes}"
        return f"{self._count} products{macs}, the first {self._shapes}"
